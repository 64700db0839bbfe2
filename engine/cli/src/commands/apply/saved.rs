//! A plan that `plan -out` saved: its saving was the approval. It comes in time, or not at all.

use std::path::Path;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_core::{Cancel, Plan, PlannedAction, planfile};
use terrarium_diagnostic::{Diagnostic, Diagnostics};

use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::exit_codes;
use crate::render::instant::Times;
use crate::setup::session::Session;

/// Reads a saved plan, whose saving was the approval.
pub(super) fn read(context: &Context, session: &mut Session, file: &Path) -> Result<Plan, Failed> {
    let path = context.path(file);
    if path.is_dir() {
        return fail(
            codes::FLAGS,
            "Too many command line arguments",
            "To work in another directory, use the global option -chdir=DIR.",
        );
    }
    let bytes = std::fs::read(&path).map_err(|error| {
        let summary = format!("Failed to load {:?} as a plan file", file.display().to_string());
        Failed::from(Diagnostic::error(codes::FILE, summary).detail(format!("{error}.")))
    })?;
    let saved = planfile::read(&bytes, &session.inputs.providers)
        .map_err(|error| Failed(Diagnostics::from(*error)))?;
    context.redactor().learn_plan(&saved.plan);
    let sources = planfile::fingerprint(&context.sources());
    planfile::check_fresh(&saved, &session.inputs.prior, &sources, &session.inputs.workspace)
        .map_err(|error| Failed(Diagnostics::from(*error)))?;
    if let Some(passed) = began_since(&saved.plan, session.inputs.clock.now()) {
        let times = Times::of_plan(&saved.plan, &context.env.time_zone());
        return Err(passed.refusal(&times).into());
    }
    // The plan's own values count; what the environment says today has been planned for nobody.
    session.inputs.variables = saved
        .plan
        .variables
        .iter()
        .map(|(name, value)| {
            (name.clone(), terrarium_core::InputValue { value: value.clone(), span: None })
        })
        .collect();
    Ok(saved.plan)
}

/// A lease of a saved plan whose start has passed since the plan was made.
struct Passed<'a> {
    addr: &'a ResourceAddr,
    start: Timestamp,
    made: Timestamp,
}

/// Finds a lease that a saved plan would create to begin at an instant that has passed since.
fn began_since(plan: &Plan, now: Timestamp) -> Option<Passed<'_>> {
    let creates = |action| matches!(action, PlannedAction::Create | PlannedAction::Replace(_));
    let leases = plan.changes.iter().filter(|change| {
        creates(change.action) && change.occupies == terrarium_core::Occupancy::default()
    });
    let mut starts = leases.filter_map(|change| Some((&change.addr, change.window?.from())));
    let (addr, start) = starts.find(|(_, start)| plan.at < *start && *start <= now)?;
    Some(Passed { addr, start, made: plan.at })
}

impl Passed<'_> {
    fn refusal(&self, times: &Times) -> Diagnostic {
        Diagnostic::error(codes::PLAN_FILE, "Saved plan came too late")
            .detail(format!(
                "{} was to begin {}. The plan was made before that, {}; carried out now, it would make something else than \
                 what was approved.",
                self.addr,
                times.both(self.start),
                times.both(self.made)
            ))
            .help("Make a new plan: it says what would be done now.")
    }
}

/// Carries out what a saved plan defers and what has fallen due since it was made.
pub(super) async fn fell_due(context: &Context, session: &mut Session, cancel: &Cancel) -> Outcome {
    let now = session.inputs.clock.now();
    if terrarium_core::overdue(&session.inputs.prior, now).is_empty() {
        return Ok(exit_codes::SUCCESS);
    }
    context.say("\nSome of what this plan deferred has fallen due since it was made.");
    crate::commands::run::due_now(context, session, cancel).await
}
