//! `calendar`

use std::path::PathBuf;

use super::timeline::{self, Sight};
use crate::args::PlanFlags;
use crate::codes;
use crate::context::{Context, Outcome, Speech, fail};
use crate::exit_codes;
use crate::render::timeline::{Calendar, ics};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Write it to a file (.ics), for a calendar to read
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// A saved plan; a new plan where none is given
    #[arg(value_name = "PLAN")]
    pub file: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context.speak(Speech::Document);
    if args.plan.json {
        return fail(
            codes::FLAGS,
            "A calendar is no JSON",
            "\"terrarium timeline -json\" prints the same times as JSON.",
        );
    }
    let sight = timeline::gather(context, &args.plan, args.file.as_deref())?;
    let Sight { timeline, times, lineage, serial } = &sight;
    let text = ics(timeline, times, Calendar { lineage, serial: *serial });
    match &args.out {
        Some(out) => timeline::save(context, out, &text)?,
        None => context.out.data(&text),
    }
    Ok(exit_codes::SUCCESS)
}
