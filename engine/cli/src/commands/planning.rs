//! What `plan`, `apply`, `destroy` and `refresh` have in common: make a plan and show it.

use std::sync::Arc;

use terrarium_core::{Cancel, Depth, Held, Plan, PlanOptions, Progress, RecoverOptions};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_state::State;

use super::show::schema_of;
use crate::codes;
use crate::context::{Context, Failed, Speech};
use crate::json::stream;
use crate::progress::Teller;
use crate::redact;
use crate::render;
use crate::setup::session::Session;
use crate::setup::store;
use crate::setup::worlds;

/// A plan that was made, with what was said about it.
pub(crate) struct Made {
    pub(crate) plan: Plan,
    pub(crate) diagnostics: Diagnostics,
}

/// Resolves what an earlier run left open, then plans.
pub(crate) async fn make(
    context: &Context,
    session: &mut Session,
    options: &PlanOptions,
    cancel: &Cancel,
    depth: Depth,
) -> Result<Made, Failed> {
    if options.offline {
        if !session.inputs.prior.realms().is_empty() {
            context.out.talk("Offline: where the recorded objects exist is not checked.");
        }
    } else {
        worlds::admit(session)?;
    }
    let teller = Teller::new(context);
    let progress: Arc<dyn Progress> = teller.clone();
    let mut diagnostics = Diagnostics::new();
    if let Some(held) = held(session).filter(|_| !options.offline) {
        let options = RecoverOptions { depth, progress: &progress, cancel };
        let found = terrarium_core::recover(&session.inputs, &held, &options).await;
        session.inputs.prior = found.state;
        session.taken_over.extend(found.taken_over);
        diagnostics.extend(found.diagnostics);
    } else if !session.inputs.prior.intents.is_empty() {
        diagnostics.push(under_way(&session.inputs.prior));
    }
    let held_lock = held(session);
    let planned = terrarium_core::plan(&session.inputs, options, &progress, cancel);
    let (plan, found) = terrarium_core::while_held(held_lock.as_ref(), planned)
        .await
        .map_err(|error| store::not_written(&error))?;
    context.redactor().learn_plan(&plan);
    diagnostics.extend(found);
    let looks = options.refresh && !options.offline && !plan.errored && !cancel.is_raised();
    if let Some(held) = held(session).filter(|_| looks) {
        diagnostics.extend(terrarium_core::strays(&session.inputs, &plan, &held).await);
    }
    teller.finish();
    Ok(Made { plan, diagnostics })
}

/// Says that somebody has begun actions, where nobody looks after them; the plan marks each.
fn under_way(prior: &State) -> Diagnostic {
    let count = prior.intents.len();
    let what = if count == 1 { "1 action".to_owned() } else { format!("{count} actions") };
    Diagnostic::warning(codes::STATE, "Actions are under way").detail(format!(
        "This plan was made without the state's lock, so that nobody looked what became of {what} that another run \
         has begun. The plan marks these objects, and shows them as they are recorded."
    ))
}

/// Learns the sensitive values that an apply made known: a generated key is in no plan.
pub(crate) async fn learn_made(context: &Context, session: &Session, plan: &Plan) {
    if !redact::makes_secrets(plan) {
        return;
    }
    // A state that can't be read is told by whoever needs it.
    if let Ok(state) = store::load(&session.store).await {
        let providers = &session.inputs.providers;
        context.redactor().learn_state(&state, &|mode, provider, kind| {
            schema_of(providers, mode, provider, kind)
        });
    }
}

/// Returns the store under its lock.
pub(crate) fn held(session: &Session) -> Option<Held> {
    let store = (session.seam)(session.store.clone());
    session.fence.clone().map(|fence| Held { store, fence })
}

/// Says what there is to say about a plan that is not shown.
pub(crate) fn check(context: &Context, made: &Made) -> Result<(), Failed> {
    if made.plan.errored || made.diagnostics.has_errors() {
        return Err(made.diagnostics.clone().into());
    }
    context.report(&made.diagnostics);
    Ok(())
}

/// Shows a plan: what it would do, then what there is to say about it.
pub(crate) fn show(context: &Context, state: &State, made: &Made) -> Result<(), Failed> {
    let failed = made.plan.errored || made.diagnostics.has_errors();
    match context.speech() {
        Speech::Text if !failed => {
            write(context, &made.plan, state);
        }
        Speech::Json if !failed => {
            stream::plan(&made.plan, &mut |line| context.out.line(&line));
        }
        _ => {}
    }
    check(context, made)
}

/// Writes a plan as text with its timeline, in the user's time where it declares none.
pub(crate) fn write(context: &Context, plan: &Plan, state: &State) {
    let timeline = terrarium_core::timeline(plan, state);
    let user = context.env.time_zone();
    let last = render::plan::plan(plan, Some(&timeline), &user, &mut |part| context.out.data(part));
    context.out.line(last.trim_end_matches('\n'));
}

/// Chooses how a command speaks by its `-json` flag, and says the versions to programs.
pub(crate) fn speak(context: &Context, json: bool, compact_warnings: bool) {
    if compact_warnings {
        context.compact_warnings();
    }
    if json {
        context.speak(Speech::Json);
        context.out.line(&stream::version());
    }
}
