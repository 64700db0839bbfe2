//! What `plan`, `apply`, `destroy` and `refresh` have in common: make a plan and show it.

use terrarium_core::{Cancel, Depth, Held, Plan, PlanOptions};
use terrarium_diagnostic::Diagnostic;
use terrarium_drive::{Drafting, Proposal};
use terrarium_state::State;

use super::voice::Voice;
use crate::codes;
use crate::context::{Context, Failed, Speech};
use crate::env;
use crate::failures;
use crate::json::stream;
use crate::render;
use crate::setup::session::Session;
use crate::setup::worlds;

/// Makes a plan: what an earlier command left open is resolved first.
pub(crate) async fn make(
    context: &Context,
    session: &mut Session,
    options: &PlanOptions,
    cancel: &Cancel,
    depth: Depth,
) -> Result<Proposal, Failed> {
    admit(context, session, options)?;
    let held = held(session);
    let looks = held.is_none() || options.offline;
    let under_way = looks.then(|| under_way(&session.inputs.prior)).flatten();
    let audience = Voice::new(context);
    let drafting = Drafting { options, depth, cancel, audience: &audience };
    let mut made = terrarium_drive::propose(&mut session.inputs, held.as_ref(), &drafting)
        .await
        .map_err(|error| failures::of_drive(&error))?;
    session.taken_over.append(&mut made.taken_over);
    if let Some(warning) = under_way {
        made.diagnostics.0.insert(0, warning);
    }
    Ok(made)
}

/// Refuses a state of a simulated world that is not the one at hand, unless nobody looks there.
pub(crate) fn admit(
    context: &Context,
    session: &Session,
    options: &PlanOptions,
) -> Result<(), Failed> {
    if !options.offline {
        return worlds::admit(session);
    }
    if !session.inputs.prior.realms().is_empty() {
        context.out.talk("Offline: where the recorded objects exist is not checked.");
    }
    Ok(())
}

/// Says that somebody has begun actions, where nobody looks after them; the plan marks each.
fn under_way(prior: &State) -> Option<Diagnostic> {
    let count = prior.intents.len();
    if count == 0 {
        return None;
    }
    let what = if count == 1 { "1 action".to_owned() } else { format!("{count} actions") };
    let detail = format!(
        "This plan was made without the state's lock, so that nobody looked what became of {what} that another run \
         has begun. The plan marks these objects, and shows them as they are recorded."
    );
    Some(Diagnostic::warning(codes::STATE, "Actions are under way").detail(detail))
}

/// Returns the store under its lock.
pub(crate) fn held(session: &Session) -> Option<Held> {
    let fence = session.fence.clone()?;
    Some(Held { store: session.store.clone(), fence })
}

/// Says what there is to say about a plan that is not shown.
pub(crate) fn check(context: &Context, made: &Proposal) -> Result<(), Failed> {
    if made.has_errors() {
        return Err(made.diagnostics.clone().into());
    }
    context.report(&made.diagnostics);
    Ok(())
}

/// Shows a plan: what it would do, then what there is to say about it.
pub(crate) fn show(context: &Context, state: &State, made: &Proposal) -> Result<(), Failed> {
    let failed = made.has_errors();
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

/// Width of a chart where nothing tells another.
const WIDTH: usize = 80;
/// Narrowest and widest text in which a chart can be read.
const WIDTHS: (usize, usize) = (60, 160);

/// Returns how wide a chart may be: as the environment says, else as wide as the terminal.
pub(crate) fn width(context: &Context) -> usize {
    let wished = context.env.get(env::COLUMNS).and_then(|text| text.parse().ok());
    wished.or_else(|| context.out.columns()).unwrap_or(WIDTH).clamp(WIDTHS.0, WIDTHS.1)
}

/// Writes a plan as text with its timeline, in the user's time where it declares none.
pub(crate) fn write(context: &Context, plan: &Plan, state: &State) {
    let timeline = terrarium_core::timeline(plan, state);
    let user = context.env.time_zone();
    let chart = Some((&timeline, width(context)));
    let last = render::plan::plan(plan, chart, &user, &mut |part| context.out.data(part));
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
