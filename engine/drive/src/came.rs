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
    /// What keeps a due action waiting, so that it is asked again soon.
    pub(crate) gate: Option<Gate>,
    /// Whether it was interrupted before all of it was carried out.
    pub(crate) interrupted: bool,
    /// Root outputs, where something was carried out.
    pub(crate) outputs: BTreeMap<Name, OutputChange>,
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
pub struct FailedDue {
    /// The instance.
    pub addr: ResourceAddr,
    /// Why, in a line.
    pub why: String,
    /// When it is tried again; `None`: it is given up.
    pub again: Option<Timestamp>,
}

/// A scheduled action that can't be carried out any more.
#[derive(Clone, Debug)]
pub struct MissedDue {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: Action,
    /// When its window closed.
    pub closed: Timestamp,
}
