//! `refresh`: `apply -refresh-only -auto-approve` in one word.

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
    apply::run(&apply::Args { plan, auto_approve: true, file: None }, context)
}
