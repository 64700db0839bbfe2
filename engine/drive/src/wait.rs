//! Waiting for an instant while the state may change and somebody may say stop.

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_core::Cancel;
use terrarium_provider::Clock;
use terrarium_state::Store;

use crate::error::DriveError;
use crate::seen::LastSeen;

/// How time passes while a run waits.
#[async_trait(?Send)]
pub trait Pace {
    /// Returns whether the run moves the clock itself: nobody is met meanwhile, and a week takes no time.
    fn jumps(&self) -> bool;

    /// Lets some time pass: up to an instant at most, and no longer than a person who changes the state would wait
    /// to be noticed.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    async fn pass(&self, until: Option<Timestamp>);
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// The instant has come.
    Due,
    /// The state is another.
    Changed,
    /// Somebody said stop.
    Stopped,
}

/// What a wait needs.
pub(crate) struct Waiting<'a> {
    pub(crate) pace: &'a dyn Pace,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) store: &'a dyn Store,
    pub(crate) cancel: &'a Cancel,
}

impl Waiting<'_> {
    /// Waits for an instant; without one: until the state is another than it was seen. The state itself is not read.
    pub(crate) async fn until(
        &self,
        at: Option<Timestamp>,
        seen: &LastSeen,
    ) -> Result<Ring, DriveError> {
        loop {
            if self.cancel.is_raised() {
                return Ok(Ring::Stopped);
            }
            if at.is_some_and(|at| at <= self.clock.now()) {
                return Ok(Ring::Due);
            }
            if !seen.is_current(self.store).await? {
                return Ok(Ring::Changed);
            }
            tokio::select! {
                biased;
                () = self.pace.pass(at) => {}
                () = self.cancel.raised() => return Ok(Ring::Stopped),
            }
        }
    }
}
