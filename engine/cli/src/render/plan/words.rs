//! The plan's sentences.

use jiff::Timestamp;
use terrarium_address::InstanceKey;
use terrarium_address::Mode as Block;
use terrarium_core::{ActionReason, Mode, Plan, PlannedAction, ResourceChange};

use super::cost::milli;
use super::{Seen, waiting};
use crate::render::instant::Times;
use crate::render::paint::{bold, green, red};
use crate::render::wrap::{PROSE_WIDTH, wrap};

pub(super) const LEGEND: &str = "Terrarium used the selected providers to generate the following execution plan. \
Resource actions are indicated with the following symbols:";

pub(super) const ONLY_OUTPUTS: &str = "You can apply this plan to save these new output values to the state, \
without changing any real infrastructure.";

pub(super) const DRIFT_TITLE: &str = "Note: Objects have changed outside of Terrarium";

pub(super) const DRIFT: &str = "Terrarium detected the following changes made outside of it since the last \
\"terrarium apply\" which may have affected this plan:";

pub(super) const AFTER_DRIFT: &str = "Unless the configuration says the same, or \"ignore_changes\" names these \
attributes, the following plan may undo or respond to these changes.";

pub(super) const UNDER_WAY: &str = "Under way: another run began this, and what came of it is not recorded yet. \
What the plan says of these objects is what is recorded.";

const ALL_APPROVED: &str = "Terrarium has compared your real infrastructure against your configuration and found \
nothing to do now and nothing new to approve. `terrarium run` carries out what waits.";

/// Returns the sentences of a plan without changes.
pub(super) fn nothing_to_do(plan: &Plan, times: &Times) -> String {
    let drifted = !plan.relevant_drift().is_empty();
    if plan.errored {
        let text =
            "\nPlanning failed. Terrarium encountered an error while generating this plan.\n";
        return bold(text);
    }
    let (first, rest) = match plan.mode {
        Mode::RefreshOnly if drifted => {
            let text = "This is a refresh-only plan, so no actions are taken to undo these changes. Once it is \
approved, they are written to the state.";
            return format!("\n{}\n", wrap(text, PROSE_WIDTH));
        }
        Mode::RefreshOnly => (
            "Your infrastructure still matches the configuration.",
            "Terrarium has checked that the real objects still match the result of the most recent changes, and \
found no differences.",
        ),
        Mode::Destroy => (
            "No objects need to be destroyed.",
            "Either you have not created any objects yet or the existing objects were already destroyed outside of \
Terrarium.",
        ),
        Mode::Normal if drifted => (
            "Your infrastructure matches the configuration.",
            "The configuration already says what the changes above made. To write them to the state, too, run \
\"terrarium apply -refresh-only\".",
        ),
        Mode::Normal if plan.has_waiting() => {
            let waiting = waiting::approved(plan, times).unwrap_or_default();
            return format!(
                "\n{} {}\n\n{}\n",
                bold(&green("No changes.")),
                bold(&waiting),
                wrap(ALL_APPROVED, PROSE_WIDTH)
            );
        }
        Mode::Normal if !plan.deferred.is_empty() => (
            "What is missing can't be made any more.",
            "Terrarium has compared your real infrastructure against your configuration. Everything else is as it \
should be.",
        ),
        Mode::Normal => (
            "Your infrastructure matches the configuration.",
            "Terrarium has compared your real infrastructure against your configuration and found no differences, so \
no changes are needed.",
        ),
    };
    let title = format!("{} {}", bold(&green("No changes.")), bold(first));
    format!("\n{title}\n\n{}\n", wrap(rest, PROSE_WIDTH))
}

/// Returns what will happen to a resource: the line above its block.
pub(super) fn title(change: &ResourceChange) -> String {
    let addr = match &change.deposed {
        Some(key) => format!("{} (deposed object {key})", change.addr),
        None => change.addr.to_string(),
    };
    let addr = bold(&addr);
    match (change.action, &*change.reason) {
        (PlannedAction::NoOp, _) if change.importing.is_some() => {
            format!("{addr} will be imported")
        }
        (PlannedAction::NoOp, _) => match &*change.moved_from {
            Some(from) => format!("{} has moved to {addr}", bold(&from.to_string())),
            None => addr,
        },
        (PlannedAction::Read, _) => format!("{addr} will be read during apply"),
        (PlannedAction::Create, _) => format!("{addr} will be created"),
        (PlannedAction::Update, _) => format!("{addr} will be updated in-place"),
        (PlannedAction::Delete, _) => format!("{addr} will be {}", bold(&red("destroyed"))),
        (PlannedAction::Forget, _) if change.ended().is_some() => {
            format!("{addr} will be forgotten: it has ended")
        }
        (PlannedAction::Forget, _) => {
            format!("{addr} will no longer be managed by Terrarium, but will not be destroyed")
        }
        (PlannedAction::Replace(_), Some(ActionReason::Tainted)) => {
            format!("{addr} is tainted, so must be {}", bold(&red("replaced")))
        }
        (PlannedAction::Replace(_), Some(ActionReason::Requested)) => {
            format!("{addr} will be {}, as requested", bold(&red("replaced")))
        }
        (PlannedAction::Replace(_), Some(ActionReason::TriggeredBy(_))) => {
            format!(
                "{addr} will be {} due to changes in replace_triggered_by",
                bold(&red("replaced"))
            )
        }
        (PlannedAction::Replace(_), _) => format!("{addr} must be {}", bold(&red("replaced"))),
    }
}

/// Returns what happened to a resource outside.
pub(super) fn drift_title(change: &ResourceChange) -> String {
    let addr = bold(&change.addr.to_string());
    match change.action {
        PlannedAction::Delete => format!("{addr} has been deleted"),
        _ => format!("{addr} has changed"),
    }
}

/// Returns the reasons and conditions of a change.
pub(super) fn notes(change: &ResourceChange, seen: &Seen<'_>, times: &Times) -> Vec<String> {
    let mut notes = Vec::new();
    let own = seen.under_way.get(&change.addr).into_iter().flatten();
    notes.extend(own.filter(|one| one.deposed == change.deposed).map(|one| {
        format!("its {} is under way since {}", begun(one.action), times.both(one.since))
    }));
    if let Some(from) = change.moved_from.as_ref().filter(|_| change.action != PlannedAction::NoOp)
    {
        notes.push(format!("moved from {from}"));
    }
    if let Some(id) = &*change.importing {
        notes.push(format!("imported from \"{id}\""));
    }
    notes.extend(change.reason.as_ref().and_then(|reason| because(change, reason)));
    if change.action == PlannedAction::Forget && change.ended().is_none() {
        notes.push("destroy = false is set in the configuration".to_owned());
    }
    if let Some(ended) = change.ended() {
        notes.push(format!("it ended {}", times.both(ended.at)));
    }
    // What is deferred said its hour already.
    if let Some(at) = change.schedule.not_before.filter(|_| seen.plan.deferred.is_empty()) {
        notes.push(format!("not before {}", times.both(at)));
    }
    notes.extend(hours(change, seen.plan.at, times));
    notes.extend(consequences(change, seen));
    notes
}

/// Returns the noun of an action that was begun.
pub(super) fn begun(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::Update => "update",
        PlannedAction::Delete => "removal",
        _ => "creation",
    }
}

/// Says until when the action may be carried out, and when the object exists.
fn hours(change: &ResourceChange, now: Timestamp, times: &Times) -> Vec<String> {
    let mut notes = Vec::new();
    let deleted = matches!(change.action, PlannedAction::Delete | PlannedAction::Forget);
    let end = change.window.and_then(|window| window.until());
    if let Some(at) = change.schedule.not_after.filter(|at| end != Some(*at)) {
        notes.push(format!("before {}", times.both(at)));
    }
    let Some(window) = change.window.filter(|_| !deleted) else { return notes };
    let from = (window.from() > now).then(|| format!(" from {}", times.both(window.from())));
    let until = window.until().map(|at| format!(" until {}", times.both(at)));
    if from.is_some() || until.is_some() {
        notes.push(format!("exists{}{}", from.unwrap_or_default(), until.unwrap_or_default()));
    }
    if let (Some(at), Some(what)) = (window.until(), &change.notes.perishes) {
        notes.push(format!("lost with its end {}: {what}", times.both(at)));
    }
    notes
}

/// Says what a change costs and whom it touches.
fn consequences(change: &ResourceChange, seen: &Seen<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(cost) = change.notes.cost.as_ref().filter(|cost| cost.total_milli > 0) {
        let hourly = milli(cost.hourly_milli);
        let total = milli(cost.total_milli);
        notes.push(format!("costs {total} {unit}, {hourly} {unit} an hour", unit = cost.unit));
    }
    let verb = match change.action {
        PlannedAction::Update => Some("sits on it, and ends with it"),
        PlannedAction::Replace(_) | PlannedAction::Delete => {
            Some("sits on it, and goes down with it")
        }
        _ => None,
    };
    let touched = verb.and_then(|verb| Some((verb, seen.sitting.on(&change.addr)?)));
    notes.extend(touched.map(|(verb, names)| format!("{verb}: {names}")));
    notes.extend(change.notes.gap.clone());
    notes
}

fn because(change: &ResourceChange, reason: &ActionReason) -> Option<String> {
    let block = change.addr.block.config();
    Some(match reason {
        ActionReason::Tainted | ActionReason::Requested | ActionReason::CannotUpdate => {
            return None;
        }
        ActionReason::TriggeredBy(what) => format!("because {what} changes"),
        ActionReason::LenderEnds => "because what it occupies ends or is replaced".to_owned(),
        ActionReason::NoBlock => format!("because {block} is not in configuration"),
        ActionReason::NoModule(path) => format!("because {path} is not in configuration"),
        ActionReason::WrongRepetition => match &change.addr.key {
            InstanceKey::None => "because resource uses count or for_each".to_owned(),
            InstanceKey::Int(_) => "because resource does not use count".to_owned(),
            InstanceKey::Str(_) => "because resource does not use for_each".to_owned(),
        },
        ActionReason::CountIndex => {
            format!("because index {} is out of range for count", change.addr.key)
        }
        ActionReason::EachKey => format!("because key {} is not in for_each map", change.addr.key),
        ActionReason::Deposed => {
            "left over from a partially-failed replacement of this instance".to_owned()
        }
        ActionReason::ConfigUnknown => "config refers to values not yet known".to_owned(),
        ActionReason::DependencyPending => {
            debug_assert_eq!(
                change.addr.block.mode,
                Block::Data,
                "only data waits for its dependencies"
            );
            "depends on a resource or a module with changes pending".to_owned()
        }
    })
}
