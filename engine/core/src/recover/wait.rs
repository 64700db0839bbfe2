//! Waiting: it is told, and it ends when somebody asks for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use terrarium_diagnostic::Diagnostic;

use super::{Case, Recovery};
use crate::{Event, codes};

/// How often a wait says how long it still takes.
pub(super) const SLICE: SignedDuration = SignedDuration::from_secs(10);

impl Recovery<'_> {
    /// Waits until an instant; `false` where recovery is to stop.
    pub(super) async fn wait_until(&self, case: &Case<'_>, what: &str, at: Timestamp) -> bool {
        let clock = &self.inputs.clock;
        loop {
            let now = clock.now();
            if now >= at {
                return true;
            }
            self.tell_waiting(case, what, Some(at.duration_since(now).unsigned_abs()));
            // A clock that jumps loses no time on the way.
            let slice =
                if clock.jumps() { at } else { now.checked_add(SLICE).unwrap_or(at).min(at) };
            if self.unless_stopped(clock.wait_until(slice)).await.is_none() {
                return false;
            }
            if clock.jumps() {
                return true;
            }
        }
    }

    /// Waits for a time; `false` where recovery is to stop.
    pub(super) async fn pause(&self, after: Duration) -> bool {
        let now = self.inputs.clock.now();
        let after = SignedDuration::try_from(after).ok();
        let at = after.and_then(|after| now.checked_add(after).ok()).unwrap_or(now);
        self.unless_stopped(self.inputs.clock.wait_until(at)).await.is_some()
    }

    /// Waits for what changes nothing; `None` where recovery is to stop.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.options.cancel.raised() => {
                self.interrupted();
                None
            }
        }
    }

    pub(super) fn tell_waiting(&self, case: &Case<'_>, what: &str, left: Option<Duration>) {
        let (addr, what) = (case.addr().clone(), what.to_owned());
        self.options.progress.on(Event::Recovering { addr, what, left });
    }

    /// Says, once, that recovery was asked to stop.
    pub(super) fn interrupted(&self) {
        if self.stopped.replace(true) {
            return;
        }
        let error = Diagnostic::error(codes::RECOVERY, "Interrupted").detail(
            "What an earlier run left open was not found out to the end. It stays open, and the next command \
             looks again before it does anything.",
        );
        self.world.report(error);
    }
}
