//! Updates of several calls that were interrupted between two of them: recovery goes on with them,
//! since no plan would see that a call is missing.

use terrarium_provider::{
    Accepted, Action, ApplyOutcome, ApplyReply, ApplyRequest, IntentDraft, Pending, Permit,
    Private, Recorded, Recorder,
};
use terrarium_state::{Batch, IntentOutcome, IntentProgress, OpenIntent};
use terrarium_value::Value;

use super::{Case, Depth, Recovery};
use crate::apply::store_failed;

impl Recovery<'_> {
    /// Resolves an update without an outcome: what a service is at work on is followed, otherwise the
    /// object is read.
    pub(super) async fn resume(&self, case: &Case<'_>) {
        match self.underway(case).await {
            Some(accepted) => self.follow(case, accepted).await,
            None if self.stopped.get() => {}
            None => self.reread(case).await,
        }
    }

    async fn underway(&self, case: &Case<'_>) -> Option<Accepted> {
        let request = case.find_request();
        let request = [request];
        let find = case.provider.find_many(&request);
        let reply = self.unless_stopped(find).await?.pop()?;
        self.report_mildly(reply.diagnostics);
        reply.candidates?.into_iter().find_map(|candidate| candidate.pending)
    }

    /// Sends the next call of an update, under an intent of its own, and follows it.
    pub(super) async fn go_on(
        &self,
        case: &Case<'_>,
        pending: &Pending,
        (state, private): (Option<Value>, Private),
    ) {
        if self.options.depth == Depth::Look {
            self.warn(case.open, "it is half done; the next apply goes on with it");
            return;
        }
        let recorder = Recorder::new(self.held.store.intents(&self.held.fence));
        let now = self.inputs.clock.now();
        let draft = IntentDraft { at: now, ..case.open.intent.to_draft() };
        let prepared = recorder.prepare(draft);
        let recorded = match recorder.record(vec![prepared]).await {
            Ok(mut recorded) => recorded.pop(),
            Err(error) => {
                self.world.report(store_failed(&error.message));
                None
            }
        };
        let Some(recorded) = recorded else {
            return self.warn(case.open, "its next call could not be recorded; it stays open");
        };
        self.close(case, IntentOutcome::Continued(recorded.intent().id)).await;
        let open =
            OpenIntent { intent: recorded.intent().clone(), progress: IntentProgress::Recorded };
        let next = Case {
            open: &open,
            provider: case.provider.clone(),
            schema: case.schema.clone(),
            draft: case.draft.clone(),
        };
        let prior = state.or_else(|| pending.accepted.state.clone());
        let reply = self.send_on(&next, prior, private, recorded).await;
        self.report_mildly(reply.diagnostics);
        match reply.outcome {
            ApplyOutcome::Accepted(accepted) => {
                let progress = IntentProgress::Accepted(Box::new(accepted.clone()));
                self.commit(Batch {
                    progress: vec![(open.intent.id, progress)],
                    ..Batch::default()
                })
                .await;
                // It may go on again; a future can't hold itself.
                Box::pin(self.follow(&next, accepted)).await;
            }
            ApplyOutcome::Unknown(doubt) => {
                self.warn(&open, &format!("{doubt}; it stays open"));
            }
            ApplyOutcome::Done { .. } | ApplyOutcome::Refused { .. } => self.reread(&next).await,
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
            action: Action::Update,
            prior,
            planned: case.planned(),
            config: None,
            private,
            permit: Permit::External(recorded),
        };
        case.provider.apply(case.kind(), request).await
    }
}
