//! A timeline as JSON: instants in UTC, the zone beside them.

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_core::{Group, Mark, Moment, PlannedAction, Row, Stage, Timeline};
use terrarium_provider::{Cost, Window};

use super::{compact, raw};

/// Version of this format.
const FORMAT_VERSION: &str = "1.0";

/// A timeline.
#[derive(Debug, Serialize)]
pub struct Twin {
    format_version: &'static str,
    now: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    groups: Vec<GroupTwin>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    costs: Vec<CostTwin>,
}

#[derive(Debug, Serialize)]
struct GroupTwin {
    /// The lease; absent for what waits without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<RowTwin>,
    rows: Vec<RowTwin>,
}

#[derive(Debug, Serialize)]
struct RowTwin {
    name: String,
    count: usize,
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<WindowTwin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_before: Option<WindowTwin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_later: Option<WindowTwin>,
    /// `exists`, `upcoming`, `now`, `later`, `ended`, `closed`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    /// When the action is due, or when it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overdue_since: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkTwin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostTwin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perishes: Option<String>,
}

#[derive(Debug, Serialize)]
struct WindowTwin {
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

#[derive(Debug, Serialize)]
struct MarkTwin {
    at: String,
    /// `opens` where an extension becomes possible, else the action that is due.
    what: &'static str,
    approved: bool,
}

#[derive(Debug, Serialize)]
struct CostTwin {
    total: Box<RawValue>,
    per_hour: Box<RawValue>,
    unit: String,
}

/// Converts a timeline.
pub fn twin(timeline: &Timeline) -> Twin {
    Twin {
        format_version: FORMAT_VERSION,
        now: timeline.now.to_string(),
        zone: timeline.zone.as_ref().map(ToString::to_string),
        groups: timeline.groups.iter().map(group).collect(),
        costs: timeline.costs().iter().map(cost).collect(),
    }
}

/// Returns a timeline as JSON, to stand in a larger document.
pub fn value(timeline: &Timeline) -> Box<RawValue> {
    raw(compact(&twin(timeline)))
}

fn group(group: &Group) -> GroupTwin {
    GroupTwin { lease: group.head.as_ref().map(row), rows: group.rows.iter().map(row).collect() }
}

fn row(row: &Row) -> RowTwin {
    let (status, acts, at, approved) = match row.stage {
        Stage::Stands => ("exists", None, None, None),
        Stage::Upcoming => ("upcoming", None, None, None),
        Stage::Now(done) => ("now", Some(done), None, None),
        Stage::Later { action, at, approved } => ("later", Some(action), at, Some(approved)),
        Stage::Ended(at) => ("ended", None, Some(at), None),
        Stage::Closed(at) => ("closed", None, Some(at), None),
    };
    RowTwin {
        name: row.name.clone(),
        count: row.count(),
        addresses: row.addrs.iter().map(ToString::to_string).collect(),
        window: row.window.map(window),
        window_before: row.was.map(window),
        window_later: row.then.map(window),
        status,
        action: acts.map(action),
        at: at.map(|at| at.to_string()),
        approved,
        waits_for: row.waits_for.clone(),
        overdue_since: row.overdue_since.map(|at| at.to_string()),
        marks: row.marks.iter().map(mark).collect(),
        cost: row.cost.as_ref().map(cost),
        zone: row.zone.as_ref().map(ToString::to_string),
        perishes: row.perishes.clone(),
    }
}

fn window(window: Window) -> WindowTwin {
    WindowTwin {
        start: window.from().to_string(),
        end: window.until().map(|until| until.to_string()),
    }
}

fn mark(mark: &Mark) -> MarkTwin {
    let what = match mark.what {
        Moment::Opens => "opens",
        Moment::Due(due) => action(due),
    };
    MarkTwin { at: mark.at.to_string(), what, approved: mark.approved }
}

fn action(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::NoOp => "no-op",
        PlannedAction::Read => "read",
        PlannedAction::Create => "create",
        PlannedAction::Update => "update",
        PlannedAction::Replace(_) => "replace",
        PlannedAction::Delete => "delete",
        PlannedAction::Forget => "forget",
    }
}

fn cost(cost: &Cost) -> CostTwin {
    CostTwin {
        total: thousandths(cost.total_milli),
        per_hour: thousandths(cost.hourly_milli),
        unit: cost.unit.to_string(),
    }
}

/// Writes thousandths as a decimal number, exactly.
fn thousandths(milli: u64) -> Box<RawValue> {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    raw(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}
