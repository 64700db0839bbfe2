//! What `apply`, `destroy`, `refresh` and `run` have in common: carry a plan out.

use std::sync::Arc;

use terrarium_core::{ApplyOptions, Cancel, Plan, Progress, RunSummary};
use terrarium_diagnostic::Diagnostics;
use terrarium_state::Scheduled;

use super::planning;
use crate::codes;
use crate::context::{Context, Failed, fail};
use crate::progress::Teller;
use crate::setup::session::Session;

/// Carries a plan out, of which `left` stays scheduled where a run takes what is due; tells what goes on, and
/// returns what came of it, its diagnostics not yet reported.
pub(crate) async fn carry_out(
    context: &Context,
    session: &mut Session,
    plan: &Plan,
    (cancel, left): (&Cancel, Option<Vec<Scheduled>>),
) -> Result<(RunSummary, Diagnostics), Failed> {
    let Some(held) = planning::held(session) else {
        return fail(codes::INTERNAL, "No lock", "An apply was begun without the state's lock.");
    };
    session.inputs.environment.planning = false;
    let teller = Teller::new(context);
    let progress: Arc<dyn Progress> = teller.clone();
    let options = ApplyOptions { progress: &progress, cancel, left };
    let (mut summary, diagnostics) =
        terrarium_core::apply(&session.inputs, plan, &held, &options).await;
    session.inputs.environment.planning = true;
    teller.finish();
    context.redactor().learn_outputs(&summary.outputs);
    planning::learn_made(context, session, plan).await;
    for failure in &mut summary.failed {
        failure.why = context.redactor().message(&failure.why);
    }
    Ok((summary, diagnostics))
}
