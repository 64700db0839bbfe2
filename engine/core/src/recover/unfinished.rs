//! Actions of several calls that were interrupted between two of them: recovery goes on with them,
//! since no plan would see that a call is missing.

use terrarium_address::Name;
use terrarium_provider::{
    Action, ApplyReply, ApplyRequest, Intent, IntentDraft, Permit, Private, Recorded, Recorder,
};
use terrarium_state::{Batch, IntentOutcome, IntentProgress, ObjectStatus, OpenIntent};
use terrarium_value::Value;

use super::{Case, Depth, Recovery};
use crate::held::store_failed;
use crate::object;
use crate::task::{Deed, Fact, TaskState, step};

impl Recovery<'_> {
    /// Resolves an update without an outcome: what a service is at work on is followed, otherwise the
    /// object is read.
    pub(super) async fn resume(&self, case: &Case<'_>) {
        let Some(reply) = self.find(case).await else { return };
        self.report_mildly(reply.diagnostics);
        let mut candidates = reply.candidates.into_iter().flatten();
        match candidates.find_map(|candidate| candidate.pending) {
            Some(accepted) => self.follow(case, accepted).await,
            None => self.reread(case).await,
        }
    }

    /// Sends what is left of a create or an update, under an intent of its own, and follows it.
    pub(super) async fn go_on(&self, case: &Case<'_>, state: Option<Value>, private: Private) {
        let create = case.open.intent.action == Action::Create;
        let made = state.as_ref().filter(|_| create);
        let row = match made {
            Some(made) => {
                let row = self.row(case, made, private.clone(), ObjectStatus::Unprovisioned);
                let Some(row) = row else { return };
                Some(row)
            }
            None => None,
        };
        if self.options.depth == Depth::Look {
            if let Some(row) = row {
                self.keep(row).await;
            }
            let left = Self::words_of_rest(case);
            return self.warn(case.open, &format!("{left}; the next apply goes on with it"));
        }
        let object_id = made.and_then(object::id_of).map(Name::from);
        let Some(turn) = self.turn(case).await else { return };
        let Some(recorded) = self.record_next(case, object_id).await else {
            return self.warn(case.open, "its next call could not be recorded; it stays open");
        };
        let next = recorded.intent().id;
        self.close(case, row.map_or(IntentOutcome::Continued(next), IntentOutcome::Row)).await;
        let open =
            OpenIntent { intent: recorded.intent().clone(), progress: IntentProgress::Recorded };
        let reply = self.send_on(case, state, private, recorded).await;
        drop(turn);
        let next = Case {
            open: &open,
            provider: case.provider.clone(),
            schema: case.schema.clone(),
            draft: case.draft.clone(),
        };
        self.went_on(next, reply).await;
    }

    async fn record_next(&self, case: &Case<'_>, made: Option<Name>) -> Option<Recorded> {
        let recorder = Recorder::new(self.held.store.intents(&self.held.fence));
        let same = case.open.intent.to_draft();
        let object_id = made.or_else(|| same.object_id.clone());
        let draft = IntentDraft { at: self.inputs.clock.now(), object_id, ..same };
        match recorder.record(vec![recorder.prepare(draft)]).await {
            Ok(mut recorded) => recorded.pop(),
            Err(error) => {
                self.world.report(store_failed(&error.message));
                None
            }
        }
    }

    async fn went_on(&self, case: Case<'_>, reply: ApplyReply) {
        self.report_mildly(reply.diagnostics);
        // Its intent is durable, and its call has left.
        let (_, deed) = step(TaskState::Sent, Fact::Answered(reply.outcome), &self.terms(&case));
        match deed {
            Deed::Keep(accepted) => {
                let progress = IntentProgress::Accepted(Box::new(accepted.clone()));
                self.commit(Batch {
                    progress: vec![(case.open.intent.id, progress)],
                    ..Batch::default()
                })
                .await;
                // What followed is sent; it is only waited for from now on.
                let intent = Intent { follow_ups: Vec::new(), ..case.open.intent.clone() };
                let open = OpenIntent { intent, progress: case.open.progress.clone() };
                let sent = Case { open: &open, ..case };
                // It may go on again; a future can't hold itself.
                Box::pin(self.follow(&sent, accepted)).await;
            }
            Deed::Doubt { doubt, .. } => self.warn(case.open, &format!("{doubt}; it stays open")),
            Deed::Finish { state: Some(state), private, .. } => {
                let row = self.row(&case, &state, private, ObjectStatus::Ready);
                self.finish(&case, row).await;
            }
            Deed::Refuse { state: Some(state), private } => {
                let left = Self::words_of_rest(&case);
                self.warn_of_end(
                    case.open,
                    &format!("{left}, and that was refused: it will be replaced"),
                );
                if let Some(outcome) = self.refused(&case, Some(&state), private) {
                    self.close(&case, outcome).await;
                }
            }
            _ => self.reread(&case).await,
        }
    }

    /// Says what is still to be sent.
    fn words_of_rest(case: &Case<'_>) -> String {
        match case.open.intent.follow_ups.as_slice() {
            [] => "it is half done".to_owned(),
            left => format!("it exists, but is not whole yet ({} may be missing)", left.join(", ")),
        }
    }

    async fn send_on(
        &self,
        case: &Case<'_>,
        prior: Option<Value>,
        private: Private,
        recorded: Recorded,
    ) -> ApplyReply {
        let request = ApplyRequest {
            addr: case.addr().clone(),
            action: case.open.intent.action,
            prior,
            planned: case.planned(),
            config: None,
            private,
            permit: Permit::External(recorded),
        };
        case.provider.apply(case.kind(), request).await
    }
}
