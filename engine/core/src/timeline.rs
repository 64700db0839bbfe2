//! The timeline: what a plan says about time, laid out in rows, as plain data.
//!
//! Every lease is the head of a group; under it stands what sits on it, and what waits because of it.
//! Instances of one block that share their times are one row with a number.

mod collapse;
mod gather;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{Cost, Window};
use terrarium_state::State;

use crate::{Plan, PlannedAction};

/// What happens when, and on what it sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the plan was made.
    pub now: Timestamp,
    /// IANA name of the time zone that all declared dates are in, where they have one.
    pub zone: Option<Name>,
    /// The groups, by their beginning; what sits on nothing comes last.
    pub groups: Vec<Group>,
}

/// A lease with what sits on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The lease; `None` for what waits for its time without one.
    pub head: Option<Row>,
    /// What sits on it and what waits because of it, by its beginning.
    pub rows: Vec<Row>,
}

/// Instances that share their times; most often one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is called: an address, a range of them (`lab_server.gpu[0-39]`), or words for a lease
    /// outside the configuration.
    pub name: String,
    /// The instances; none for a lease outside the configuration.
    pub addrs: Vec<ResourceAddr>,
    /// When they exist, as far as it is known.
    pub window: Option<Window>,
    /// The window before this plan, where the plan changes it.
    pub was: Option<Window>,
    /// The window after a later action, such as an extension.
    pub then: Option<Window>,
    /// How they stand.
    pub stage: Stage,
    /// What falls due at an instant.
    pub marks: Vec<Mark>,
    /// What they wait for, in words that complete "waits for …".
    pub waits_for: Option<String>,
    /// Since when something scheduled is overdue.
    pub overdue_since: Option<Timestamp>,
    /// What all of them cost together.
    pub cost: Option<Cost>,
    /// IANA name of the time zone that their dates were declared in.
    pub zone: Option<Name>,
    /// What is lost when the window ends, in words.
    pub perishes: Option<String>,
}

/// How the instances of a row stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// They exist, and nothing is done to them now.
    Stands,
    /// They exist at their service, and their window has not begun.
    Upcoming,
    /// This is done now.
    Now(PlannedAction),
    /// This is done later.
    Later {
        /// What.
        action: PlannedAction,
        /// Not before this instant; `None`: nobody knows yet.
        at: Option<Timestamp>,
        /// Whether it was approved already.
        approved: bool,
    },
    /// They ended, as was expected, at this instant.
    Ended(Timestamp),
    /// They can't come any more: what they would sit on ended at this instant.
    Closed(Timestamp),
}

/// Something that falls due for what exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Moment,
    /// Whether it was approved already.
    pub approved: bool,
}

/// What a mark marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The window in which this can be done opens: an extension, near a lease's end.
    Opens,
    /// This is carried out.
    Due(PlannedAction),
}

/// Lays out what a plan says about time. What the state knows and the plan did not look at is there, too.
pub fn timeline(plan: &Plan, state: &State) -> Timeline {
    let groups = collapse::collapse(gather::groups(plan, state));
    Timeline { now: plan.at, zone: plan.zone.clone(), groups }
}

impl Timeline {
    /// Returns whether nothing in it has a time.
    pub fn is_empty(&self) -> bool {
        self.instants().next().is_none()
    }

    /// Returns whether everything in it is over: nothing in it will happen any more.
    pub fn is_over(&self) -> bool {
        self.rows().all(|row| matches!(row.stage, Stage::Ended(_) | Stage::Closed(_)))
    }

    /// Lists all rows, heads before what sits on them.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| group.head.iter().chain(&group.rows))
    }

    /// Returns the first and the last instant that it tells of, the present included; `None` where it
    /// tells of none.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.instants().fold(None, |span, at| {
            let (first, last) = span.unwrap_or((self.now, self.now));
            Some((first.min(at), last.max(at)))
        })
    }

    /// Returns what everything costs, by unit.
    pub fn costs(&self) -> Vec<Cost> {
        let mut costs: Vec<Cost> = Vec::new();
        for cost in
            self.groups.iter().flat_map(|group| &group.head).filter_map(|row| row.cost.as_ref())
        {
            match costs.iter_mut().find(|sum| sum.unit == cost.unit) {
                Some(sum) => collapse::add(sum, cost),
                None => costs.push(cost.clone()),
            }
        }
        costs
    }

    fn instants(&self) -> impl Iterator<Item = Timestamp> {
        self.rows().flat_map(|row| {
            let windows = row.window.into_iter().chain(row.was).chain(row.then);
            let bounds = windows.flat_map(|window| [Some(window.from()), window.until()]);
            let at = match row.stage {
                Stage::Later { at, .. } => at,
                Stage::Ended(at) | Stage::Closed(at) => Some(at),
                Stage::Stands | Stage::Upcoming | Stage::Now(_) => None,
            };
            let marks = row.marks.iter().map(|mark| Some(mark.at));
            bounds.chain([at]).chain(marks).flatten()
        })
    }
}

impl Row {
    /// Returns how many instances it stands for.
    pub fn count(&self) -> usize {
        self.addrs.len().max(1)
    }
}
