//! Waiting: it is told, and it ends when somebody asks for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{FindReply, Pending, PollReply, ReadReply, ReadRequest};
use tokio::sync::SemaphorePermit;
use tokio::sync::oneshot::Receiver;

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
            if self.unless_stopped(self.together.until(slice)).await.is_none() {
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
        self.unless_stopped(self.together.until(at)).await.is_some()
    }

    /// Looks, together with others, for what an intent may have made; `None` where recovery is to stop, or
    /// after saying that there is no answer.
    pub(super) async fn find(&self, case: &Case<'_>) -> Option<FindReply> {
        self.answered(case, self.together.find(case.asked(), case.find_request())).await
    }

    /// Asks, together with others, how accepted work stands.
    pub(super) async fn poll(&self, case: &Case<'_>, pending: &Pending) -> Option<PollReply> {
        self.answered(case, self.together.poll(case.asked(), pending.clone())).await
    }

    /// Reads, together with others, an object.
    pub(super) async fn read(&self, case: &Case<'_>, request: ReadRequest) -> Option<ReadReply> {
        self.answered(case, self.together.read(case.asked(), request)).await
    }

    async fn answered<A>(&self, case: &Case<'_>, answer: Receiver<A>) -> Option<A> {
        let answer = self.unless_stopped(answer).await?;
        if answer.is_err() {
            self.warn(case.open, "its provider gave no answer; it stays open");
        }
        answer.ok()
    }

    /// Waits for leave to change something: here one change follows the other, since a service may take
    /// only one at a time of what belongs together.
    pub(super) async fn turn(&self, case: &Case<'_>) -> Option<SemaphorePermit<'_>> {
        match self.unless_stopped(self.turns.acquire()).await? {
            Ok(turn) => Some(turn),
            Err(_closed) => {
                self.warn(case.open, "nothing more is changed; it stays open");
                None
            }
        }
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
