//! The clock, injected everywhere.

use async_trait::async_trait;
use jiff::Timestamp;

/// Source of "now", and the only thing that may wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;

    /// Returns once the instant has come; the testbed's clock is moved there instead.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    async fn wait_until(&self, at: Timestamp);

    /// Returns whether waiting moves the clock instead of letting time pass: then it may only be
    /// waited on when nothing but timers is pending.
    fn jumps(&self) -> bool {
        false
    }
}

/// A clock that stands still: `--at`, and tests. Waiting on it returns at once.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn wait_until(&self, _at: Timestamp) {}

    fn jumps(&self) -> bool {
        true
    }
}
