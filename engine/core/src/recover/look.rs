//! Looking: what a create without an outcome made is taken over, what another action left is read.

use terrarium_provider::{Candidate, ReadOutcome, ReadRequest};
use terrarium_state::{Batch, IntentOutcome, IntentProgress, ObjectStatus};

use super::{Case, Depth, Recovery};
use crate::object::completed;
use crate::task::{Times, Verdict, decide};
use crate::{RecoveryOutcome, object};

/// What is said while a lost create is looked for.
const LOOKING: &str = "looking for what an interrupted run may have made";

impl Recovery<'_> {
    /// Looks for what a create without an outcome made.
    pub(super) async fn look(&self, case: &Case<'_>) {
        self.tell_waiting(case, LOOKING, None);
        loop {
            let Some(reply) = self.find(case).await else { return };
            self.world.report_all(reply.diagnostics);
            let Some(candidates) = reply.candidates else {
                self.warn(case.open, "the service could not be asked what exists; it stays open");
                return;
            };
            let intent = &case.open.intent;
            let times =
                Times { recorded_at: intent.at, cloud_at: intent.cloud_at, began: self.began };
            match decide(&candidates, times, self.inputs.clock.now()) {
                Verdict::Adopt { index, doubles } => {
                    let mut alone = true;
                    for double in doubles {
                        alone &= self.remove(case, &candidates[double]).await;
                    }
                    self.adopt(case, &candidates[index], alone).await;
                    return;
                }
                Verdict::NeverHappened => {
                    let what = "nothing was made by an interrupted run".to_owned();
                    self.told(case, RecoveryOutcome::Nothing, what);
                    self.close(case, IntentOutcome::Nothing).await;
                    return;
                }
                Verdict::LookAgain(_) if self.options.depth == Depth::Look => {
                    self.warn(
                        case.open,
                        "nothing is found yet; the request may still be on its way",
                    );
                    return;
                }
                Verdict::LookAgain(at) => {
                    if !self.wait_until(case, LOOKING, at).await {
                        return;
                    }
                }
            }
        }
    }

    /// Takes an object over; the intent stays open while there are doubles of it.
    async fn adopt(&self, case: &Case<'_>, found: &Candidate, alone: bool) {
        if let Some(accepted) = &found.pending {
            self.told_adopted(case, found);
            let row = self.row(case, &found.state, found.private.clone(), ObjectStatus::Ready);
            let Some(row) = row else { return };
            if !alone {
                return self.keep(row).await;
            }
            let progress = IntentProgress::Accepted(Box::new(accepted.clone()));
            self.commit(Batch {
                progress: vec![(case.open.intent.id, progress)],
                objects: vec![row],
                ..Batch::default()
            })
            .await;
            return self.follow(case, accepted.clone()).await;
        }
        let request = ReadRequest {
            kind: case.kind().clone(),
            addr: case.addr().clone(),
            state: found.state.clone(),
            private: found.private.clone(),
        };
        let Some(reply) = self.read(case, request).await else { return };
        if let ReadOutcome::Found { state, private, .. } = &reply.outcome
            && alone
            && case.has_follow_ups()
        {
            let state = completed(state.clone(), case.planned().as_ref());
            self.told_adopted(case, found);
            return self.go_on(case, Some(state), private.clone()).await;
        }
        let broken = found.lacks.is_some();
        let status = if broken { ObjectStatus::Tainted } else { ObjectStatus::Ready };
        let row = match reply.outcome {
            ReadOutcome::Found { state, private, .. } => {
                self.row(case, &completed(state, case.planned().as_ref()), private, status)
            }
            ReadOutcome::Gone => {
                self.row(case, &found.state, found.private.clone(), ObjectStatus::Tainted)
            }
            // That it can't be read just now says nothing against it; the error ends the run.
            ReadOutcome::Refused | ReadOutcome::Deferred(_) => {
                self.world.report_all(reply.diagnostics);
                self.warn(case.open, "what it made could not be read; it stays open");
                return;
            }
        };
        let Some(row) = row else { return };
        self.told_adopted(case, found);
        if alone {
            self.close(case, IntentOutcome::Row(row)).await;
        } else {
            self.keep(row).await;
        }
    }

    fn told_adopted(&self, case: &Case<'_>, found: &Candidate) {
        let mut what = format!("adopted {}, which an interrupted run created", found.id);
        if let Some(lacks) = &found.lacks {
            what = format!("{what}; it will be replaced: {lacks}");
        }
        self.told(case, RecoveryOutcome::Adopted, what);
    }

    /// Reads the object of an update or delete without an outcome: the plan does the rest.
    pub(super) async fn reread(&self, case: &Case<'_>) {
        let Some(object) = self.recorded(case) else {
            // Its row went with another outcome, and nothing is left to compare.
            return self.close(case, IntentOutcome::Nothing).await;
        };
        let value = match object::read(object, &case.schema) {
            Ok(value) => value.unmarked_deep(),
            Err(why) => {
                let why = format!("what is recorded of it can't be read ({why}); it stays open");
                return self.warn(case.open, &why);
            }
        };
        let named = case.open.intent.object_id.as_deref().map(str::to_owned);
        if named.is_some() && object::id_of(&value) != named {
            // It was about a double of what is recorded: the create that made both is still open.
            return self.close(case, IntentOutcome::Nothing).await;
        }
        let request = ReadRequest {
            kind: case.kind().clone(),
            addr: case.addr().clone(),
            state: value,
            private: object.private.clone(),
        };
        let Some(reply) = self.read(case, request).await else { return };
        let row = match reply.outcome {
            ReadOutcome::Gone => Some(Self::gone(case)),
            ReadOutcome::Found { state, private, .. } => self.changed_row(case, &state, private),
            ReadOutcome::Refused | ReadOutcome::Deferred(_) => {
                self.warn(case.open, "the service could not be asked how it looks; it stays open");
                return;
            }
        };
        let Some(row) = row else { return };
        self.told(case, RecoveryOutcome::Finished, Self::words_of_end(case, &row));
        self.close(case, IntentOutcome::Row(row)).await;
    }
}
