//! What a driver tells: data, for whoever makes lines, events or nothing of it.

use std::sync::Arc;

use jiff::Timestamp;
use terrarium_core::{HeldBack, Plan, Progress, ProviderSet, RunSummary};
use terrarium_diagnostic::Diagnostics;
use terrarium_state::{Scheduled, State};

use crate::came::MissedDue;
use crate::cause::Setback;
use crate::error::DriveError;
use crate::tally::Tally;

/// Something that a driver tells.
pub enum Notice<'a> {
    /// A plan was made, and nothing of it was told yet: what is sensitive in it can be learnt first.
    Planned(&'a Plan),
    /// What was found while planning or acting.
    Found(&'a Diagnostics),
    /// A plan was carried out, well or not, and nothing of that was told yet.
    CarriedOut {
        /// The plan.
        plan: &'a Plan,
        /// The providers, with their schemas.
        providers: &'a ProviderSet,
        /// What came of it.
        summary: &'a RunSummary,
        /// What is recorded now, where it could be read.
        state: Option<&'a State>,
    },
    /// Another round begins, since the last one made values known that so many wait for.
    PlansAgain(usize),
    /// Some of what a saved plan deferred has fallen due since it was made.
    FellDue,
    /// A run begins to wait.
    Begins {
        /// What for.
        schedule: &'a [Scheduled],
        /// The time.
        now: Timestamp,
    },
    /// A run waits.
    Waits {
        /// What for.
        schedule: &'a [Scheduled],
        /// Until when; `None`: until the schedule is another.
        next: Option<Timestamp>,
        /// The time.
        now: Timestamp,
    },
    /// Something is due and held back, which was not told before.
    HeldBack(&'a [&'a HeldBack]),
    /// Something can't be carried out any more.
    Missed(&'a [MissedDue]),
    /// Something that was due failed: one for each cause.
    Failed(&'a [Setback]),
    /// A round could not be planned at all.
    Trouble {
        /// Why.
        error: &'a DriveError,
        /// When it is tried again.
        again: Option<Timestamp>,
    },
    /// A round could be planned again.
    Well,
    /// A run has nothing left to do.
    Complete {
        /// What it did.
        tally: &'a Tally,
        /// Whether there was nothing to do from the beginning.
        at_once: bool,
    },
    /// A run ends before all is done.
    Stopped {
        /// What still waits.
        schedule: &'a [Scheduled],
        /// When the first output or data source can be read that waits.
        reading: Option<Timestamp>,
        /// The time.
        now: Timestamp,
    },
}

/// What goes on while it is told by a [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// What an earlier command left open is found out, then all is planned, for somebody who waits for the plan.
    Planning,
    /// The same in a round of a run, which comes every ten seconds at times.
    Looking,
    /// A plan is carried out, for somebody who agreed to it.
    Applying,
    /// What is due is carried out in a round of a run, which may come again and again.
    Acting,
}

/// Takes what a driver tells. Must return quickly.
pub trait Audience {
    /// Takes one notice.
    fn on(&self, notice: Notice<'_>);

    /// Returns who takes the events of some work that begins.
    fn progress(&self, work: Work) -> Arc<dyn Progress>;

    /// Is told that the work is done which began last, before anything else is told.
    fn finish(&self) {}
}
