//! Waiting for an instant, by whichever clock, while the state may change and a person may say stop.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use terrarium_core::Cancel;
use terrarium_provider::Clock;
use terrarium_state::{State, Store};

use crate::context::Failed;
use crate::setup::store;
use crate::setup::testbed::{Control, Testbed};

/// How time passes while a run waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As it does.
    Real,
    /// The run moves the testbed's clock itself.
    Jumps,
    /// Somebody else moves the testbed's clock, or lets it run.
    Follows,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// The instant has come.
    Due,
    /// The schedule is another.
    Changed,
    /// Somebody said stop.
    Stopped,
}

/// How often the state is looked at while real time passes.
const LOOK: Duration = Duration::from_secs(30);
/// How often a world's clock is looked at.
const FOLLOW: Duration = Duration::from_secs(1);

impl Pace {
    /// Only the world in this directory is moved, and only where it stands still.
    pub(super) fn of(testbed: Option<&Arc<Testbed>>, no_jump: bool) -> Self {
        match testbed {
            None => Self::Real,
            Some(testbed) if testbed.is_embedded() && !no_jump && testbed.control.rate() <= 0.0 => {
                Self::Jumps
            }
            Some(_) => Self::Follows,
        }
    }
}

/// What a wait needs.
pub(super) struct Waiting<'a> {
    pub(super) pace: Pace,
    pub(super) clock: &'a dyn Clock,
    pub(super) control: Option<&'a Control>,
    pub(super) store: &'a Arc<dyn Store>,
    pub(super) cancel: &'a Cancel,
}

impl Waiting<'_> {
    /// Waits for an instant; without one: until the schedule is another than it was.
    pub(super) async fn until(&self, at: Option<Timestamp>, was: &State) -> Result<Woken, Failed> {
        loop {
            if self.cancel.is_raised() {
                return Ok(Woken::Stopped);
            }
            if at.is_some_and(|at| at <= self.clock.now()) {
                return Ok(Woken::Due);
            }
            let state = store::load(self.store).await?;
            if state.schedule != was.schedule || state.serial != was.serial {
                return Ok(Woken::Changed);
            }
            tokio::select! {
                () = self.slice(at) => {}
                () = self.cancel.raised() => return Ok(Woken::Stopped),
            }
        }
    }

    /// Lets some time pass.
    async fn slice(&self, at: Option<Timestamp>) {
        match (self.pace, at, self.control) {
            (Pace::Jumps, Some(at), _) => self.clock.wait_until(at).await,
            (Pace::Follows, _, Some(control)) => {
                tokio::time::sleep(FOLLOW).await;
                control.look().await;
            }
            _ => {
                let left = at.map(|at| at.duration_since(self.clock.now()));
                let left = left.and_then(|left| Duration::try_from(left).ok()).unwrap_or(LOOK);
                tokio::time::sleep(left.min(LOOK)).await;
            }
        }
    }
}
