//! `force-unlock ID`

use crate::codes;
use crate::context::{Context, Outcome, fail};
use crate::exit_codes;
use crate::failures;
use crate::render::paint::{bold, green};
use crate::setup::{store, workspace};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask
    #[arg(long)]
    pub force: bool,
    /// The lock's id, as the refusal shows it
    #[arg(value_name = "LOCK_ID")]
    pub id: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    if !args.force {
        context.out.data(&format!(
            "{}\n  Terrarium will remove the lock on the state. What its holder still writes is refused.\n  Only 'yes' will \
             be accepted to confirm.\n\n  {} ",
            bold("Do you really want to force-unlock?"),
            bold("Enter a value:")
        ));
        match context.out.ask() {
            Some(answer) if answer == "yes" => {}
            Some(_) => {
                context.out.line("force-unlock cancelled.");
                return Ok(exit_codes::ERROR);
            }
            None => {
                return fail(
                    codes::APPROVAL,
                    "Not approved",
                    "There is nobody to ask; give -force.",
                );
            }
        }
    }
    let name = workspace::selected(context)?;
    let unlocked = context.block_on(store::backend(context).force_unlock(&name, &args.id))?;
    unlocked.map_err(|error| failures::of_lock(&error))?;
    context.out.line(&bold(&green("Terrarium state has been successfully unlocked!")));
    Ok(exit_codes::SUCCESS)
}
