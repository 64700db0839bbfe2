//! `taint`, `untaint`

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::{Batch, ObjectStatus, State, edit};

use crate::args::StateFlags;
use crate::codes;
use crate::context::{Context, Failed, Outcome};
use crate::exit_codes;
use crate::failures;
use crate::setup::{lowering, store};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// It is no error if the instance does not exist
    #[arg(long)]
    pub allow_missing: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
    /// The resource instance
    #[arg(value_name = "ADDRESS")]
    pub address: String,
}

/// What to mark an object as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Tainted,
    Ready,
}

pub(crate) fn run(args: &Args, context: &Context, mark: Mark) -> Outcome {
    let addr: ResourceAddr =
        lowering::address("The command", &args.address).map_err(|error| Failed::from(*error))?;
    context.block_on(async {
        let store = store::open(context).await?;
        let operation = if mark == Mark::Tainted { "taint" } else { "untaint" };
        let fence = store::lock(context, &store, operation, args.state.lock_timeout).await?;
        let state = store::load(&store).await?;
        let done = match change(&state, &addr, mark) {
            Ok(batch) => store::commit(&store, &fence, batch).await,
            Err(failed) => Err(failed),
        };
        store::unlock(&store, fence).await?;
        match (done, args.allow_missing) {
            (Ok(()), _) => {
                let text = match mark {
                    Mark::Tainted => {
                        format!("Resource instance {addr} has been marked as tainted.")
                    }
                    Mark::Ready => {
                        format!("Resource instance {addr} has been successfully untainted.")
                    }
                };
                context.out.line(&text);
                Ok(exit_codes::SUCCESS)
            }
            (Err(Failed(mut diagnostics)), true) => {
                for diagnostic in &mut diagnostics.0 {
                    diagnostic.severity = terrarium_diagnostic::Severity::Warning;
                }
                context.report(&diagnostics);
                Ok(exit_codes::SUCCESS)
            }
            (Err(failed), false) => Err(failed),
        }
    })?
}

fn change(state: &State, addr: &ResourceAddr, mark: Mark) -> Result<Batch, Failed> {
    let object = state.resources.get(addr).and_then(|instance| instance.current.as_ref());
    let Some(object) = object else {
        let what = if mark == Mark::Tainted { "tainted" } else { "untainted" };
        let error = Diagnostic::error(codes::NO_INSTANCE, "No such resource instance").detail(format!(
            "There is no resource instance in the state with the address {addr}. If the resource configuration has just been \
             added, you must run \"terrarium apply\" once to create the corresponding instance(s) before they can be \
             {what}."
        ));
        return Err(error.into());
    };
    if mark == Mark::Ready && object.status == ObjectStatus::Ready {
        return Err(Diagnostic::error(codes::NO_INSTANCE, "Resource instance is not tainted")
            .detail(format!("{addr} is not currently tainted, and so it cannot be untainted."))
            .into());
    }
    let status = if mark == Mark::Tainted { ObjectStatus::Tainted } else { ObjectStatus::Ready };
    edit::mark(state, addr, status)
        .map_err(|error| failures::of_edit("Object can't be marked", &error))
}
