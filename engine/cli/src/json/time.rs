//! What a plan says about time and of what is under way, as programs read it: the `terrarium` object of a plan's JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value as Json, json};
use terrarium_core::{DeferredChange, OpenAction, Plan, PlannedAction, ResourceChange, Waits};
use terrarium_provider::{Cost, Standing, Window};
use terrarium_state::{Ended, Scheduled};

use super::plan::actions;
use crate::render::schedule::verb;

/// The `terrarium` object.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    format_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due: Option<String>,
    changes: Vec<About>,
    deferred: Vec<Waiting>,
    ended: Vec<Ending>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leftovers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    under_way: Vec<OpenTwin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Box<RawValue>>,
}

/// An action that another run began, and of which nobody knows yet what came.
#[derive(Debug, Serialize)]
pub(super) struct OpenTwin {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<String>,
    action: &'static str,
    since: String,
}

/// Returns what is told of an action that another run began.
pub(super) fn begun(one: &OpenAction) -> OpenTwin {
    OpenTwin {
        address: one.addr.to_string(),
        deposed: one.deposed.as_ref().map(ToString::to_string),
        action: actions(one.action)[0],
        since: one.since.to_string(),
    }
}

/// What is known of an instance's time.
#[derive(Debug, Serialize)]
struct About {
    address: String,
    actions: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Term>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    occupies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Charge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perishes: Option<String>,
}

/// A change that waits.
#[derive(Debug, Serialize)]
struct Waiting {
    #[serde(flatten)]
    about: About,
    cause: Json,
    waits_for: String,
    approved: bool,
}

/// An expected ending.
#[derive(Debug, Serialize)]
pub(super) struct Ending {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Term {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Debug, Serialize)]
struct Charge {
    unit: String,
    total: f64,
    hourly: f64,
}

/// Returns what a plan says about time, and what is under way; `None` where it says nothing.
pub(crate) fn told(plan: &Plan, timeline: Option<Box<RawValue>>) -> Option<Told> {
    let changes: Vec<About> = plan.changes.iter().filter(|one| has_time(one)).map(about).collect();
    let ended: Vec<Ending> = plan.ended().filter_map(ending).collect();
    let still = plan.deferred.is_empty() && plan.under_way.is_empty();
    if changes.is_empty() && still && ended.is_empty() {
        return None;
    }
    Some(Told {
        format_version: "1.0",
        time_zone: plan.zone.as_ref().map(ToString::to_string),
        next_due: plan.next_due().map(|at| at.to_string()),
        changes,
        deferred: plan.deferred.iter().map(waiting).collect(),
        ended,
        leftovers: plan.leftovers.iter().map(ToString::to_string).collect(),
        under_way: plan.under_way.iter().map(begun).collect(),
        timeline,
    })
}

fn has_time(change: &ResourceChange) -> bool {
    let notes = &change.notes;
    change.window.is_some()
        || change.standing.is_some()
        || change.schedule.not_before.is_some()
        || change.schedule.not_after.is_some()
        || !change.occupies.lenders.is_empty()
        || !change.occupies.foreign.is_empty()
        || notes.cost.is_some()
        || notes.gap.is_some()
}

fn about(change: &ResourceChange) -> About {
    let lenders = change.occupies.lenders.iter().map(ToString::to_string);
    About {
        address: change.addr.to_string(),
        actions: actions(change.action),
        time_zone: change.notes.zone.as_ref().map(ToString::to_string),
        window: change.window.as_ref().map(term),
        standing: change.standing.map(|standing| match standing {
            Standing::Open => "open",
            Standing::Upcoming => "upcoming",
            Standing::Ended(_) => "ended",
        }),
        not_before: change.schedule.not_before.map(|at| at.to_string()),
        not_after: change.schedule.not_after.map(|at| at.to_string()),
        occupies: lenders.chain(change.occupies.foreign.iter().cloned()).collect(),
        cost: change.notes.cost.as_ref().map(charge),
        gap: change.notes.gap.clone(),
        perishes: change.notes.perishes.clone(),
    }
}

fn waiting(deferred: &DeferredChange) -> Waiting {
    let mut about = about(&deferred.change);
    about.not_before = deferred.not_before().map(|at| at.to_string()).or(about.not_before);
    Waiting {
        about,
        cause: cause(deferred),
        waits_for: deferred.reason(),
        approved: deferred.approved,
    }
}

/// Returns why a change waits: a kind, and what it names.
pub(crate) fn cause(deferred: &DeferredChange) -> Json {
    let Some(waits) = deferred.waits() else {
        return json!({"kind": "closed", "at": deferred.closed().map(|at| at.to_string())});
    };
    match waits {
        Waits::Lender(lender) => json!({"kind": "lender", "lender": lender.to_string()}),
        Waits::Lacks(lender) => json!({"kind": "lacking", "lender": lender.to_string()}),
        Waits::Dependency(addr) => json!({"kind": "dependency", "address": addr.to_string()}),
        Waits::Values => json!({"kind": "instances_unknown"}),
        Waits::Configuration => json!({"kind": "provider_configuration_unknown"}),
        Waits::Opening => json!({"kind": "opening"}),
        Waits::Consumers(all) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            json!({"kind": "consumers", "addresses": all})
        }
        Waits::Held(addr) => json!({"kind": "held", "address": addr.to_string()}),
        Waits::Provider => json!({"kind": "provider"}),
    }
}

fn ending(change: &ResourceChange) -> Option<Ending> {
    let ended = change.ended()?;
    Some(Ending { address: Some(change.addr.to_string()), ..ended_since(ended) })
}

/// Converts an expected ending.
pub(super) fn ended_since(ended: &Ended) -> Ending {
    Ending {
        address: None,
        since: ended.at.to_string(),
        with: ended.with.as_ref().map(ToString::to_string),
    }
}

/// Returns a scheduled action.
pub(crate) fn scheduled(entry: &Scheduled) -> Json {
    json!({
        "address": entry.addr.to_string(),
        "action": verb(entry.action),
        "not_before": entry.schedule.not_before.map(|at| at.to_string()),
        "not_after": entry.schedule.not_after.map(|at| at.to_string()),
        "waits_for": entry.reason,
    })
}

pub(super) fn term(window: &Window) -> Term {
    Term { from: window.from().to_string(), until: window.until().map(|at| at.to_string()) }
}

#[expect(clippy::cast_precision_loss, reason = "thousandths of a charge need no 2^53")]
fn charge(cost: &Cost) -> Charge {
    Charge {
        unit: cost.unit.to_string(),
        total: cost.total_milli as f64 / 1000.0,
        hourly: cost.hourly_milli as f64 / 1000.0,
    }
}

/// Returns the body of a stream's line about a deferred change.
pub(crate) fn deferred_line(deferred: &DeferredChange) -> Json {
    serde_json::to_value(waiting(deferred)).unwrap_or_default()
}

/// Returns the body of a stream's line about what ended and stays so.
pub(crate) fn ended_line(change: &ResourceChange) -> Option<Json> {
    if change.action != PlannedAction::NoOp {
        return None;
    }
    ending(change).and_then(|ending| serde_json::to_value(ending).ok())
}
