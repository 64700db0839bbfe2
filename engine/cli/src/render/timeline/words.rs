//! The words of a timeline: names that fit, states, costs.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::Name;
use terrarium_core::{Mark, Moment, PlannedAction, Row, Stage, Timeline};
use terrarium_provider::{Cost, Window};

use crate::render::instant::{Times, duration};
use crate::render::plan::milli;
use crate::render::wrap::wrap;

/// Shortens names to what tells them apart: `openstack_compute_instance_v2` to `instance_v2`, where no
/// other type would be called so, too.
pub(super) struct Names {
    nicks: BTreeMap<Name, String>,
}

impl Names {
    pub(super) fn new(timeline: &Timeline) -> Self {
        let rows = timeline.rows().filter_map(|row| row.addrs.first());
        let kinds: BTreeSet<Name> = rows.map(|addr| addr.block.kind.clone()).collect();
        // Without the provider's name and the service's, else without the provider's, else whole.
        let nicks = [2, 1, 0].into_iter().find_map(|dropped| {
            let nicks: BTreeMap<Name, String> =
                kinds.iter().map(|kind| (kind.clone(), nick(kind, dropped))).collect();
            let distinct: BTreeSet<&String> = nicks.values().collect();
            (distinct.len() == kinds.len()).then_some(nicks)
        });
        Self { nicks: nicks.unwrap_or_default() }
    }

    /// Returns a row's name, shortened.
    pub(super) fn short(&self, row: &Row) -> String {
        let kind = row.addrs.first().map(|addr| &addr.block.kind);
        match kind.and_then(|kind| Some((kind, self.nicks.get(kind)?))) {
            Some((kind, nick)) => row.name.replacen(&format!("{kind}."), &format!("{nick}."), 1),
            None => row.name.clone(),
        }
    }

    /// Returns what a lease is called among people: `Lease gpu`; the type goes without saying.
    pub(super) fn lease(row: &Row) -> String {
        match row.addrs.first() {
            Some(addr) => {
                format!("Lease {}", row.name.replacen(&format!("{}.", addr.block.kind), "", 1))
            }
            None => capital(&row.name),
        }
    }

    /// Returns a row's name, shortened, with the number of instances, cut to `room` letters.
    pub(super) fn fitting(&self, row: &Row, room: usize) -> String {
        let times = if row.count() > 1 { format!(" ×{}", row.count()) } else { String::new() };
        let name = self.short(row);
        let (length, room) = (name.chars().count(), room.saturating_sub(times.chars().count()));
        let name = if length <= room {
            name
        } else if row.addrs.is_empty() {
            format!("{}…", name.chars().take(room.max(1) - 1).collect::<String>())
        } else {
            // The end of an address tells more than its beginning.
            format!("…{}", name.chars().skip(length + 1 - room.max(1)).collect::<String>())
        };
        format!("{name}{times}")
    }
}

/// Drops leading words of a type's name, as long as two are left.
fn nick(kind: &str, dropped: usize) -> String {
    let words: Vec<&str> = kind.split('_').collect();
    let dropped = dropped.min(words.len().saturating_sub(2));
    words.get(dropped..).unwrap_or_default().join("_")
}

/// Writes parts one after another, `between` them, and breaks lines between parts only.
pub(super) fn flow(parts: &[String], between: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Behind the last part of a line stands what separates it from the next one.
    let tail = between.trim_end().chars().count();
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        let length = part.chars().count() + if at == last { 0 } else { tail };
        match lines.last_mut() {
            Some(line) if line.chars().count() + between.chars().count() + length <= width => {
                line.push_str(between);
                line.push_str(part);
            }
            Some(line) => {
                line.push_str(between.trim_end());
                lines.push(part.clone());
            }
            None => lines.push(part.clone()),
        }
    }
    let wrapped = lines.iter().map(|line| wrap(line.trim_end(), width));
    wrapped.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Says how a row stands: `create now`, `create at 8 Mar 09:00`, `ended 15 Mar 09:00`.
pub(super) fn stage(row: &Row, times: &Times) -> String {
    let overdue = row.overdue_since.map(|at| format!("overdue since {}", times.bare(at)));
    match row.stage {
        Stage::Later { action, .. } | Stage::Now(action) if overdue.is_some() => {
            format!("{}: {}", verb(action), overdue.unwrap_or_default())
        }
        Stage::Stands => "exists".to_owned(),
        Stage::Upcoming => match row.window {
            Some(window) => format!("begins {}", times.bare(window.from())),
            None => "not begun".to_owned(),
        },
        Stage::Now(action) => format!("{} now", verb(action)),
        Stage::Later { action, at: Some(at), .. } => {
            format!("{} at {}", verb(action), times.bare(at))
        }
        Stage::Later { action, at: None, .. } => format!("{} later", verb(action)),
        Stage::Ended(at) => format!("ended {}", times.bare(at)),
        Stage::Closed(at) => format!("can't: closed {}", times.bare(at)),
    }
}

/// Says what happens later to what exists: `extension to 18 Mar 09:00 possible from 13 Mar 09:00`.
pub(super) fn later(row: &Row, times: &Times) -> Vec<String> {
    let until = row.then.and_then(|then| then.until());
    let until = until.map(|until| format!(" to {}", times.bare(until))).unwrap_or_default();
    let mark = |mark: &Mark| match mark.what {
        Moment::Opens => format!("extension{until} possible from {}", times.bare(mark.at)),
        Moment::Due(action) => format!("{}{until} at {}", verb(action), times.bare(mark.at)),
    };
    row.marks.iter().map(mark).collect()
}

/// Says what a row waits for, where it still can come.
pub(super) fn waits(row: &Row) -> Option<String> {
    let comes = !matches!(row.stage, Stage::Closed(_));
    row.waits_for.as_ref().filter(|_| comes).map(|what| format!("waits for {what}"))
}

/// Returns a text that begins with a capital letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// Returns what is done, as a command: `create`.
pub(super) fn verb(action: PlannedAction) -> &'static str {
    match action {
        PlannedAction::NoOp => "keep",
        PlannedAction::Read => "read",
        PlannedAction::Create => "create",
        PlannedAction::Update => "update",
        PlannedAction::Replace(_) => "replace",
        PlannedAction::Delete => "destroy",
        PlannedAction::Forget => "forget",
    }
}

/// Returns the cost of a row, where it costs anything.
pub(super) fn price(row: &Row) -> Option<&Cost> {
    row.cost.as_ref().filter(|cost| cost.total_milli > 0)
}

/// Returns a cost: `2,016 SU`, `120.5 SU`.
pub(super) fn cost(cost: &Cost) -> String {
    format!("{} {}", milli(cost.total_milli), cost.unit)
}

/// Returns what is spent per hour: `12 SU/h`.
pub(super) fn rate(cost: &Cost) -> String {
    format!("{} {}/h", milli(cost.hourly_milli), cost.unit)
}

/// Returns what everything costs: `2,016 SU in all`, by unit.
pub(super) fn costs(timeline: &Timeline) -> Vec<String> {
    timeline
        .costs()
        .iter()
        .filter(|sum| sum.total_milli > 0)
        .map(|sum| format!("{} in all", cost(sum)))
        .collect()
}

/// Returns whose time is shown: `times in America/New_York`; `None` for UTC.
pub(super) fn zone(times: &Times) -> Option<String> {
    times.zone_name().filter(|name| *name != "UTC").map(|name| format!("times in {name}"))
}

/// Returns how long a window is: `7 d`; `None` without an end.
pub(super) fn length(window: Window) -> Option<String> {
    window.until().map(|until| duration(window.from(), until))
}

/// Returns a window: `8 Mar 09:00 EST (14:00 UTC) to 15 Mar 09:00 EDT (13:00 UTC)`.
pub(super) fn span(window: Window, times: &Times) -> String {
    match window.until() {
        Some(until) => format!("{} to {}", times.both(window.from()), times.both(until)),
        None => format!("from {} on", times.both(window.from())),
    }
}

/// Returns everything there is to say about a row, line by line, its name first.
pub(super) fn everything(row: &Row, times: &Times) -> Vec<String> {
    let mut lines = vec![if row.count() > 1 {
        format!("{} ({} instances)", row.name, row.count())
    } else {
        row.name.clone()
    }];
    lines.push(stage(row, times));
    if let Some(window) = row.window {
        let length = length(window).map(|length| format!(", {length}")).unwrap_or_default();
        lines.push(format!("{}{length}", span(window, times)));
    }
    lines.extend(row.was.map(|was| format!("was {}", span(was, times))));
    lines.extend(later(row, times));
    lines.extend(price(row).map(|it| format!("{}, {}", cost(it), rate(it))));
    lines.extend(waits(row));
    lines.extend(row.perishes.as_ref().map(|what| format!("lost at the end: {what}")));
    if let Stage::Later { approved: true, .. } = row.stage {
        lines.push("approved: \"terrarium run\" carries it out".to_owned());
    }
    lines
}
