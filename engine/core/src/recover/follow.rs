//! Following work that a service took on, to its end or as far as a look reaches.

use terrarium_provider::{Accepted, Action, Pending, Private};
use terrarium_state::{IntentOutcome, ObjectChange, ObjectStatus};
use terrarium_value::Value;

use super::{Case, Depth, Recovery};
use crate::RecoveryOutcome;
use crate::task::{Deed, Fact, Shell, TaskState, Terms, step};

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
        let mut state = TaskState::accepted(pending.since, pending.accepted.timeout);
        let mut told = jiff::Timestamp::MIN;
        loop {
            pending.polls += 1;
            let Some(reply) = self.poll(case, &pending).await else { return };
            // What failed is recorded as such: the plan that follows mends it.
            self.report_mildly(reply.diagnostics);
            let (next, deed) = step(state, Fact::Polled(reply.outcome), &self.terms(case));
            state = next;
            match deed {
                Deed::GoOn { state, private } => {
                    // An update goes on from what is recorded where its answer says nothing of it.
                    let recorded = pending.accepted.state.clone();
                    let recorded = recorded.filter(|_| pending.action == Action::Update);
                    return self.go_on(case, state.or(recorded), private).await;
                }
                Deed::Finish { state, private, .. } => {
                    let row = match &state {
                        Some(state) => self.row(case, state, private, ObjectStatus::Ready),
                        None => Some(Self::gone(case)),
                    };
                    return self.finish(case, row).await;
                }
                Deed::Refuse { state, private } => {
                    if let Some(outcome) = self.refused(case, state.as_ref(), private) {
                        self.close(case, outcome).await;
                    }
                    return;
                }
                // The next call is the plan's to make: what is there is read, and compared.
                Deed::Reread => return self.reread(case).await,
                Deed::GiveUp { status } => return self.give_up(case, &pending, &status).await,
                Deed::LeaveAtWork { status } => {
                    let what = format!("the service is still at work on it ({status})");
                    return self.warn(case.open, &what);
                }
                Deed::Ask { after, status } => {
                    self.tell_follow(case, &pending, &status, &mut told);
                    if !self.pause(after).await {
                        return;
                    }
                }
                // No poll leads to any other.
                _ => return,
            }
        }
    }

    /// What the machine's steps rest on here.
    pub(super) fn terms(&self, case: &Case<'_>) -> Terms {
        Terms {
            shell: match self.options.depth {
                Depth::Look => Shell::Look,
                Depth::Resolve => Shell::Resolve,
            },
            action: case.open.intent.action,
            owes: case.has_follow_ups(),
            sends: 0,
            recorded_at: Some(case.open.intent.at),
            now: self.inputs.clock.now(),
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
