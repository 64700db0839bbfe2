//! Doubles: what a lost create made more than once is removed, under an intent of its own.

use terrarium_provider::{
    Accepted, Action, ApplyOutcome, ApplyRequest, Candidate, IntentDraft, Pending, Permit, Recorder,
};
use terrarium_state::{Batch, IntentOutcome};

use super::{Case, Depth, Recovery};
use crate::RecoveryOutcome;
use crate::held::store_failed;
use crate::task::{Deed, Fact, TaskState, Terms, step};

impl Recovery<'_> {
    /// Removes a double of an object; returns whether it is gone.
    pub(super) async fn remove(&self, case: &Case<'_>, double: &Candidate) -> bool {
        if self.options.depth == Depth::Look {
            self.warn(
                case.open,
                &format!("{} is a double of it; the next apply removes it", double.id),
            );
            return false;
        }
        let Some(turn) = self.turn(case).await else { return false };
        let recorder = Recorder::new(self.held.store.intents(&self.held.fence));
        let prepared = recorder.prepare(IntentDraft {
            action: Action::Delete,
            at: self.inputs.clock.now(),
            planned: None,
            object_id: Some(double.id.clone()),
            ..case.open.intent.to_draft()
        });
        let id = prepared.intent().id;
        let recorded = match recorder.record(vec![prepared]).await {
            Ok(mut recorded) => recorded.pop(),
            Err(error) => {
                self.world.report(store_failed(&error.message));
                None
            }
        };
        let Some(recorded) = recorded else { return false };
        let request = ApplyRequest {
            addr: case.addr().clone(),
            action: Action::Delete,
            prior: Some(double.state.clone()),
            planned: None,
            config: None,
            private: double.private.clone(),
            permit: Permit::External(recorded),
        };
        let reply = case.provider.apply(case.kind(), request).await;
        drop(turn);
        self.report_mildly(reply.diagnostics);
        let gone = match reply.outcome {
            ApplyOutcome::Done { .. } => true,
            ApplyOutcome::Accepted(accepted) => self.until_gone(case, accepted).await,
            ApplyOutcome::Refused { .. } | ApplyOutcome::Unknown(_) => false,
        };
        self.commit(Batch { outcomes: vec![(id, IntentOutcome::Nothing)], ..Batch::default() })
            .await;
        if gone {
            let what = format!("removed {}, a double that an interrupted run created", double.id);
            self.told(case, RecoveryOutcome::Removed, what);
        } else {
            self.warn(
                case.open,
                &format!("{}, a double of it, could not be removed; it stays open", double.id),
            );
        }
        gone
    }

    async fn until_gone(&self, case: &Case<'_>, accepted: Accepted) -> bool {
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
        let mut state = TaskState::accepted(pending.since, pending.accepted.timeout);
        let what = format!("waiting until {}, a double, is gone", pending.accepted.id);
        loop {
            self.tell_waiting(case, &what, None);
            if !self.pause(pending.accepted.poll_after).await {
                return false;
            }
            pending.polls += 1;
            let Some(reply) = self.poll(case, &pending).await else { return false };
            // The removal of a double is a task of its own.
            let terms = Terms { action: Action::Delete, owes: false, ..self.terms(case) };
            let (next, deed) = step(state, Fact::Polled(reply.outcome), &terms);
            state = next;
            match deed {
                Deed::Finish { .. } => return true,
                Deed::Ask { .. } => {}
                _ => return false,
            }
        }
    }
}
