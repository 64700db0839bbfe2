//! What came of one round of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_core::{HeldBack, OutputChange};
use terrarium_provider::Action;

/// What came of a round.
#[derive(Debug, Default)]
pub(crate) struct Came {
    /// Whether anything was carried out, so that more may be possible now.
    pub(crate) acted: bool,
    /// How many were added, changed, destroyed.
    pub(crate) done: (usize, usize, usize),
    pub(crate) failed: Vec<FailedDue>,
    pub(crate) held: Vec<HeldBack>,
    pub(crate) missed: Vec<MissedDue>,
    /// When the next scheduled action falls due.
    pub(crate) next: Option<Timestamp>,
    /// When the first output or data source can be read that waits; it may be past.
    pub(crate) reading: Option<Timestamp>,
    /// What keeps a due action waiting, so that it is asked again soon.
    pub(crate) gate: Option<Gate>,
    /// Whether something was given up before, and is left alone.
    pub(crate) left_alone: bool,
    /// Whether it was interrupted before all of it was carried out.
    pub(crate) interrupted: bool,
    /// Root outputs, where something was carried out, or read that had waited.
    pub(crate) outputs: Option<BTreeMap<Name, OutputChange>>,
}

/// Why something that could be due waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// Its time has come, and its lender does not lend yet.
    Time,
    /// Nobody knows when its time comes.
    Unknown,
}

/// A due action that failed.
#[derive(Clone, Debug)]
pub(crate) struct FailedDue {
    pub(crate) addr: ResourceAddr,
    /// In a line.
    pub(crate) why: String,
    pub(crate) prospect: Prospect,
}

/// What comes of something that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// It is tried again then.
    Again(Timestamp),
    /// Its window closes then, before it would be tried again.
    Closes(Timestamp),
    /// It is left alone until somebody approves it anew.
    GivenUp,
}

impl Prospect {
    /// Returns the sooner of two prospects of one kind.
    pub(crate) fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Again(one), Self::Again(other)) => Self::Again(one.min(other)),
            (Self::Closes(one), Self::Closes(other)) => Self::Closes(one.min(other)),
            (one, _) => one,
        }
    }
}

/// A scheduled action that can't be carried out any more.
#[derive(Clone, Debug)]
pub struct MissedDue {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: Action,
    /// Since when it was due.
    pub since: Option<Timestamp>,
    /// When its window closed.
    pub closed: Timestamp,
}
