//! A plan that `plan -out` saved: its saving was the approval. It comes in time, or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_core::{InputValue, Plan, PlannedAction, planfile};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Sources};

use crate::args::{VariableArg, VariableArgs};
use crate::codes;
use crate::context::{Context, Failed, fail};
use crate::render::instant::Times;
use crate::setup::session::Session;

/// Reads a saved plan, whose saving was the approval.
pub(super) fn read(
    context: &Context,
    session: &mut Session,
    (file, args): (&Path, &VariableArgs),
) -> Result<Plan, Failed> {
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
    let state = (&*session.inputs.prior, session.changed);
    planfile::check_fresh(&saved, state, &sources, &session.inputs.workspace)
        .map_err(|error| Failed(Diagnostics::from(*error)))?;
    if let Some(passed) = began_since(&saved.plan, session.inputs.clock.now()) {
        let times = Times::of_plan(&saved.plan, &context.env.time_zone());
        return Err(passed.refusal(&times).into());
    }
    session.inputs.variables = variables(context, session, args, &saved.plan)?;
    Ok(saved.plan)
}

/// Returns the values of the root variables: the plan's own, since what the environment says today has been
/// planned for nobody, and those of ephemeral variables, which no plan has.
fn variables(
    context: &Context,
    session: &Session,
    args: &VariableArgs,
    plan: &Plan,
) -> Result<BTreeMap<Name, InputValue>, Failed> {
    let mut given = session.inputs.variables.clone();
    let mut wrong = Diagnostics::new();
    let root = session.inputs.config.root();
    for name in plan.given_again.iter().filter(|name| !given.contains_key(*name)) {
        let detail = format!(
            "The ephemeral input variable \"{name}\" was set during the plan phase, and so must also be set during the \
             apply phase."
        );
        let error =
            Diagnostic::error(codes::NO_VALUE, "No value for required variable").detail(detail);
        let span = root.and_then(|root| root.variables.get(name)).map(|variable| variable.span);
        wrong.push(match span {
            Some(span) => error.at(span, "no value"),
            None => error,
        });
    }
    // Only what somebody types for this apply is compared: files and the environment serve other commands too.
    let sources = context.sources();
    for (name, value) in
        given.iter().filter(|(name, value)| is_typed(&sources, args, (name, value)))
    {
        let variable = root.and_then(|root| root.variables.get(name));
        let accepted = variable.and_then(|variable| variable.accept(value.value.clone()).ok());
        let Some(planned) = plan.variables.get(name) else { continue };
        if accepted.is_some_and(|value| value.unmarked_deep().same(&planned.unmarked_deep())) {
            continue;
        }
        let detail = format!(
            "The variable {name} has another value in the saved plan, which includes the values that were set when it \
             was created. Make a new plan to change it. A variable with `ephemeral = true` is not saved, and is given \
             when the plan is applied."
        );
        let error =
            Diagnostic::error(codes::FLAGS, "Can't set variables when applying a saved plan");
        let error = error.detail(detail);
        wrong.push(match value.span {
            Some(span) => error.at(span, "another value"),
            None => error,
        });
    }
    if wrong.has_errors() {
        return Err(wrong.into());
    }
    given.retain(|name, _| {
        root.and_then(|root| root.variables.get(name)).is_some_and(|variable| variable.ephemeral)
    });
    given.extend(
        plan.variables
            .iter()
            .map(|(name, value)| (name.clone(), InputValue { value: value.clone(), span: None })),
    );
    Ok(given)
}

/// Returns whether a value comes from the command line, directly or by a file that it names.
fn is_typed(sources: &Sources, args: &VariableArgs, (name, given): (&Name, &InputValue)) -> bool {
    let Some(source) = given.span.and_then(|span| sources.get(span.file)) else { return false };
    let named =
        |arg: &VariableArg| matches!(arg, VariableArg::File(path) if **path == *source.name);
    *source.name == format!("<value for var.{name}>") || args.0.iter().any(named)
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
        creates(change.action) && *change.occupies == terrarium_core::Occupancy::default()
    });
    let mut starts = leases.filter_map(|change| Some((&change.addr, (*change.window)?.from())));
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
