//! What came of a whole run.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::{Name, ResourceAddr};
use terrarium_core::{HeldBack, OutputChange};

use crate::came::{Came, Prospect};

/// What came of a run so far. It grows with what is scheduled, never with the rounds.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many were added, changed, destroyed.
    pub done: (usize, usize, usize),
    /// Root outputs, as the last action left them.
    pub outputs: BTreeMap<Name, OutputChange>,
    /// What is held back by now.
    pub held: Vec<HeldBack>,
    /// Whether something failed for good, or was missed.
    bad: bool,
    /// Whether something failed, whatever came of it later.
    failed: bool,
}

/// What a run came to, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that could be done is done.
    Done,
    /// Something failed for good, or was missed.
    Failed,
    /// Something is held back until somebody approves it.
    HeldBack,
}

impl Tally {
    /// Counts what a round did.
    pub(crate) fn add(&mut self, came: Came) {
        self.done.0 += came.done.0;
        self.done.1 += came.done.1;
        self.done.2 += came.done.2;
        self.bad |= came.interrupted
            || came.left_alone
            || !came.missed.is_empty()
            || came.failed.iter().any(|failed| failed.prospect == Prospect::GivenUp);
        self.failed |= !came.failed.is_empty();
        self.held = came.held;
        if let Some(outputs) = came.outputs {
            self.outputs = outputs;
        }
    }

    /// Lists what is held back now and was not before. What was held back meanwhile and is again is new, so that
    /// only what is held back has to be remembered.
    pub(crate) fn newly_held<'c>(&self, came: &'c Came) -> Vec<&'c HeldBack> {
        let known: BTreeSet<(&ResourceAddr, &str)> =
            self.held.iter().map(|held| (&held.addr, &*held.why)).collect();
        came.held.iter().filter(|held| !known.contains(&(&held.addr, &*held.why))).collect()
    }

    /// Returns what it came to for somebody who does not stay: what failed is tried again by nobody here.
    pub fn verdict_of_one_look(&self) -> Verdict {
        if self.failed { Verdict::Failed } else { self.verdict(true) }
    }

    /// Returns what it came to; what is held back counts where nobody is met who would approve it.
    pub(crate) fn verdict(&self, counts_held: bool) -> Verdict {
        if self.bad {
            Verdict::Failed
        } else if counts_held && !self.held.is_empty() {
            Verdict::HeldBack
        } else {
            Verdict::Done
        }
    }
}
