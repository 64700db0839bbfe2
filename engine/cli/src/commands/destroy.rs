//! `destroy`: `apply -destroy` in one word.

use super::apply;
use crate::args::PlanFlags;
use crate::context::{Context, Outcome};

/// Flags.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What every plan takes.
    #[command(flatten)]
    pub plan: PlanFlags,
    /// Destroy without asking
    #[arg(long)]
    pub auto_approve: bool,
    /// Accepted, as -auto-approve was once called
    #[arg(long, hide = true)]
    pub force: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let plan = PlanFlags { destroy: true, ..args.plan.clone() };
    let auto_approve = args.auto_approve || args.force;
    let args = apply::Args { plan, auto_approve, file: None, only_outputs: false };
    apply::run(&args, context)
}
