//! Following work that a service took on, to its end or as far as a look reaches.

use std::time::Duration;

use jiff::SignedDuration;
use terrarium_provider::{Accepted, Action, Pending, PollOutcome, Private};
use terrarium_state::{IntentProgress, ObjectChange, ObjectStatus};
use terrarium_value::Value;

use super::{Case, Depth, Recovery};

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
        loop {
            pending.polls += 1;
            let Some(reply) = case.provider.poll_many(std::slice::from_ref(&pending)).await.pop()
            else {
                return;
            };
            // What failed is recorded as such: the plan that follows mends it.
            self.report_mildly(reply.diagnostics);
            match reply.outcome {
                PollOutcome::Done { state, private, .. } => {
                    let row = match &state {
                        Some(state) => self.row(case, state, private, ObjectStatus::Ready),
                        None => Some(Self::gone(case)),
                    };
                    self.close(case, IntentProgress::Done, row).await;
                    return;
                }
                PollOutcome::Refused { state, private } => {
                    let row = self.refused(case, state.as_ref(), private);
                    self.close(case, IntentProgress::Refused, row).await;
                    return;
                }
                PollOutcome::Continue { state: Some(state), private }
                    if pending.action == Action::Create =>
                {
                    let row = self.row(case, &state, private, ObjectStatus::Ready);
                    self.close(case, IntentProgress::Done, row).await;
                    return;
                }
                PollOutcome::Continue { state, private } if pending.action == Action::Update => {
                    self.go_on(case, &pending, (state, private)).await;
                    return;
                }
                PollOutcome::Continue { .. } => {
                    // The next call is the plan's to make: what is there is read, and compared.
                    self.reread(case).await;
                    return;
                }
                PollOutcome::Waiting { status, .. } if self.is_overdue(&pending) => {
                    self.give_up(case, &pending, &status).await;
                    return;
                }
                PollOutcome::Waiting { poll_after, status } => {
                    if self.depth == Depth::Look {
                        self.warn(
                            case.open,
                            &format!("the service is still at work on it ({status})"),
                        );
                        return;
                    }
                    self.wait(poll_after).await;
                }
            }
        }
    }

    /// The row of an object whose action failed.
    pub(super) fn refused(
        &self,
        case: &Case<'_>,
        state: Option<&Value>,
        private: Private,
    ) -> Option<ObjectChange> {
        match (state, case.open.intent.action) {
            (Some(state), Action::Create) => self.row(case, state, private, ObjectStatus::Tainted),
            (Some(state), _) => self.row(case, state, private, ObjectStatus::Ready),
            (None, Action::Create) => Some(Self::gone(case)),
            (None, _) => None,
        }
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
            None if create => return,
            _ => None,
        };
        self.close(case, IntentProgress::Refused, row).await;
    }

    pub(super) async fn wait(&self, after: Duration) {
        let now = self.inputs.clock.now();
        let at = SignedDuration::try_from(after)
            .ok()
            .and_then(|d| now.checked_add(d).ok())
            .unwrap_or(now);
        self.inputs.clock.wait_until(at).await;
    }

    pub(super) async fn until_gone(&self, case: &Case<'_>, accepted: Accepted) -> bool {
        let mut pending = Pending {
            kind: case.kind().clone(),
            addr: case.addr().clone(),
            action: Action::Delete,
            accepted,
            since: self.inputs.clock.now(),
            planned: None,
            config: None,
            polls: 0,
        };
        loop {
            self.wait(pending.accepted.poll_after).await;
            pending.polls += 1;
            let replies = case.provider.poll_many(std::slice::from_ref(&pending)).await;
            match replies.into_iter().next().map(|reply| reply.outcome) {
                Some(PollOutcome::Done { .. }) => return true,
                Some(PollOutcome::Waiting { .. }) if !self.is_overdue(&pending) => {}
                _ => return false,
            }
        }
    }
}
