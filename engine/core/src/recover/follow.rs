//! Following work that a service took on, to its end or as far as a look reaches.

use terrarium_provider::{Accepted, Action, Pending, PollOutcome, Private};
use terrarium_state::{IntentOutcome, ObjectChange, ObjectStatus};
use terrarium_value::Value;

use super::{Case, Depth, Recovery};
use crate::RecoveryOutcome;

impl Recovery<'_> {
    /// Follows work that a service took on to its end, or looks once.
    pub(super) async fn follow(&self, case: &Case<'_>, accepted: Accepted) {
        let mut pending = Pending {
            kind: case.kind().clone(),
            addr: case.addr().clone(),
            action: case.open.intent.action,
            accepted,
            since: case.open.intent.at,
            planned: case.planned(),
            config: None,
            polls: 0,
        };
        let mut told = jiff::Timestamp::MIN;
        loop {
            pending.polls += 1;
            let Some(reply) = self.poll(case, &pending).await else { return };
            // What failed is recorded as such: the plan that follows mends it.
            self.report_mildly(reply.diagnostics);
            match reply.outcome {
                PollOutcome::Done { state: Some(state), private, .. } if case.has_follow_ups() => {
                    return self.go_on(case, Some(state), private).await;
                }
                PollOutcome::Done { state, private, .. } => {
                    let row = match &state {
                        Some(state) => self.row(case, state, private, ObjectStatus::Ready),
                        None => Some(Self::gone(case)),
                    };
                    return self.finish(case, row).await;
                }
                PollOutcome::Refused { state, private } => {
                    if let Some(outcome) = self.refused(case, state.as_ref(), private) {
                        self.close(case, outcome).await;
                    }
                    return;
                }
                PollOutcome::Continue { state: Some(state), private }
                    if pending.action == Action::Create =>
                {
                    return self.go_on(case, Some(state), private).await;
                }
                PollOutcome::Continue { state, private } if pending.action == Action::Update => {
                    let state = state.or_else(|| pending.accepted.state.clone());
                    return self.go_on(case, state, private).await;
                }
                // The next call is the plan's to make: what is there is read, and compared.
                PollOutcome::Continue { .. } => return self.reread(case).await,
                PollOutcome::Waiting { status, .. } if self.is_overdue(&pending) => {
                    return self.give_up(case, &pending, &status).await;
                }
                PollOutcome::Waiting { status, .. } if self.options.depth == Depth::Look => {
                    let what = format!("the service is still at work on it ({status})");
                    return self.warn(case.open, &what);
                }
                PollOutcome::Waiting { poll_after, status } => {
                    self.tell_follow(case, &pending, &status, &mut told);
                    if !self.pause(poll_after).await {
                        return;
                    }
                }
            }
        }
    }

    /// Writes down how accepted work ended, and says so.
    pub(super) async fn finish(&self, case: &Case<'_>, row: Option<ObjectChange>) {
        let Some(row) = row else { return };
        self.told(case, RecoveryOutcome::Finished, Self::words_of_end(case, &row));
        self.close(case, IntentOutcome::Row(row)).await;
    }

    /// Says, every now and then, what is waited for, and how long it may still take.
    fn tell_follow(
        &self,
        case: &Case<'_>,
        pending: &Pending,
        status: &str,
        told: &mut jiff::Timestamp,
    ) {
        let now = self.inputs.clock.now();
        if now.duration_since(*told) < super::wait::SLICE {
            return;
        }
        *told = now;
        let what = match pending.action {
            Action::Create => "waiting until it is made",
            Action::Update => "waiting until it is changed",
            Action::Delete => "waiting until it is gone",
        };
        let elapsed = now.duration_since(pending.since).unsigned_abs();
        let left = pending.accepted.timeout.saturating_sub(elapsed);
        self.tell_waiting(case, &format!("{what} ({status})"), Some(left));
    }

    /// What an action that failed closes with; `None` where its row can't be written.
    pub(super) fn refused(
        &self,
        case: &Case<'_>,
        state: Option<&Value>,
        private: Private,
    ) -> Option<IntentOutcome> {
        let row = match (state, case.open.intent.action) {
            (Some(state), Action::Create) => self.row(case, state, private, ObjectStatus::Tainted),
            (Some(state), _) => self.changed_row(case, state, private),
            (None, Action::Create) => Some(Self::gone(case)),
            (None, _) => return Some(IntentOutcome::Nothing),
        };
        row.map(IntentOutcome::Row)
    }

    pub(super) fn is_overdue(&self, pending: &Pending) -> bool {
        let elapsed = self.inputs.clock.now().duration_since(pending.since);
        elapsed.unsigned_abs() >= pending.accepted.timeout
    }

    /// Stops waiting for work that takes longer than it may: a created object is replaced.
    pub(super) async fn give_up(&self, case: &Case<'_>, pending: &Pending, status: &str) {
        self.warn(case.open, &format!("it is still {status} and has taken longer than it may"));
        let (create, state) = (pending.action == Action::Create, &pending.accepted.state);
        let row = match state {
            Some(state) if create => {
                self.row(case, state, pending.accepted.private.clone(), ObjectStatus::Tainted)
            }
            _ => None,
        };
        let outcome = match row {
            // Something may come of it yet: it stays open, as was said.
            None if create => return,
            None => IntentOutcome::Nothing,
            Some(row) => IntentOutcome::Row(row),
        };
        self.close(case, outcome).await;
    }
}
