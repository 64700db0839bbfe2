//! `refresh`: `apply -refresh-only -auto-approve` in one word, and with less talk.

use super::apply;
use crate::args::PlanFlags;
use crate::context::{Context, Outcome};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let plan = PlanFlags { refresh_only: true, ..args.plan.clone() };
    let args = apply::Args { plan, auto_approve: true, file: None, only_outputs: true };
    apply::run(&args, context)
}
