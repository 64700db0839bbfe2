//! The words of a timeline: names that fit, states, costs.

use terrarium_core::{Mark, Moment, PlannedAction, Row, Stage, Timeline};
use terrarium_provider::{Cost, Window};

use crate::render::instant::{Times, duration};

/// Shortens names to what tells them apart: without the provider's prefix, where all share one.
pub(super) struct Names {
    prefix: Option<String>,
}

impl Names {
    pub(super) fn new(timeline: &Timeline) -> Self {
        let mut prefix: Option<String> = None;
        for addr in timeline.rows().flat_map(|row| &row.addrs) {
            let Some((found, _)) = addr.block.kind.split_once('_') else {
                return Self { prefix: None };
            };
            match &prefix {
                None => prefix = Some(format!("{found}_")),
                Some(prefix) if prefix.strip_suffix('_') == Some(found) => {}
                Some(_) => return Self { prefix: None },
            }
        }
        Self { prefix }
    }

    /// Returns a row's name without the prefix.
    pub(super) fn short(&self, row: &Row) -> String {
        let (Some(prefix), Some(addr)) = (&self.prefix, row.addrs.first()) else {
            return row.name.clone();
        };
        let kind = &*addr.block.kind;
        match kind.strip_prefix(prefix.as_str()) {
            Some(short) => row.name.replacen(&format!("{kind}."), &format!("{short}."), 1),
            None => row.name.clone(),
        }
    }

    /// Returns the name with the number of instances.
    pub(super) fn counted(&self, row: &Row) -> String {
        let name = self.short(row);
        if row.count() > 1 { format!("{name} ×{}", row.count()) } else { name }
    }
}

/// Cuts a name at its beginning: its end tells more.
pub(super) fn fit(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room {
        return name.to_owned();
    }
    let kept: String = name.chars().skip(length + 1 - room.max(1)).collect();
    format!("…{kept}")
}

/// Says how a row stands: `create now`, `create at 8 Mar 09:00`, `ended 15 Mar 09:00`.
pub(super) fn stage(row: &Row, times: &Times) -> String {
    match row.stage {
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

/// Says what falls due: `extension possible from 13 Mar 09:00`.
pub(super) fn mark(mark: &Mark, times: &Times) -> String {
    match mark.what {
        Moment::Opens => format!("can be extended from {}", times.bare(mark.at)),
        Moment::Due(action) => format!("{} at {}", verb(action), times.bare(mark.at)),
    }
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

/// Returns a cost: `2016 SU`, `120.5 SU`.
pub(super) fn cost(cost: &Cost) -> String {
    format!("{} {}", thousandths(cost.total_milli), cost.unit)
}

/// Returns what is spent per hour: `12 SU/h`.
pub(super) fn rate(cost: &Cost) -> String {
    format!("{} {}/h", thousandths(cost.hourly_milli), cost.unit)
}

fn thousandths(milli: u64) -> String {
    let (whole, part) = (milli / 1000, milli % 1000);
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:03}").trim_end_matches('0').to_owned()
}

/// Returns the costs of everything: `2016 SU`; empty where nothing costs.
pub(super) fn costs(timeline: &Timeline) -> String {
    timeline.costs().iter().map(cost).collect::<Vec<_>>().join(", ")
}

/// Returns how long a window is: `7 d`; `None` without an end.
pub(super) fn length(window: Window) -> Option<String> {
    window.until().map(|until| duration(window.from(), until))
}
