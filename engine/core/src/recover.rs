//! Recovery: what an interrupted run left open is resolved by looking, before anybody acts.
//!
//! A decision and its execution are two functions: [`decide`] is pure.

mod follow;
mod record;
mod unfinished;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    Action, ApplyOutcome, ApplyRequest, Candidate, Connection, FindRequest, Permit, Provider,
    ReadOutcome, ReadRequest, Recorder, Schema,
};
use terrarium_state::{Batch, IntentProgress, ObjectChange, ObjectStatus, OpenIntent, State};
use terrarium_value::Value;

use self::record::{completed, kept};
use crate::apply::store_failed;
use crate::draft::Draft;
use crate::providers::Providers;
use crate::world::{Phase, World};
use crate::{Held, Inputs, Progress, object};

/// How long a request may still be on its way: only then does "not found" count.
const HORIZON: Duration = Duration::from_mins(1);

/// How long after its intent a request may still leave: a service may have had no time for it, and
/// said when to come again.
const LATEST_DEPARTURE: Duration = Duration::from_mins(10);

/// How far recovery may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Look, adopt and report: `plan`, `refresh`.
    Look,
    /// Also wait, and remove doubles: `apply`, `destroy`.
    Resolve,
}

/// What is to be done about an open create.
#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    /// It made this object; the others (by index) are doubles of it.
    Adopt { index: usize, doubles: Vec<usize> },
    /// It never happened.
    NeverHappened,
    /// It is too early to tell; look again then.
    LookAgain(Timestamp),
}

/// Decides what candidates mean for a create recorded at an instant, by a recovery that began at
/// another: whoever sent the request was gone by then.
fn decide(
    candidates: &[Candidate],
    (recorded_at, began): (Timestamp, Timestamp),
    now: Timestamp,
) -> Verdict {
    let marked: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].marked).collect();
    let pool: Vec<usize> =
        if marked.is_empty() { (0..candidates.len()).collect() } else { marked.clone() };
    if let Some(oldest) = pool.iter().copied().min_by_key(|at| (candidates[*at].created_at, *at)) {
        // Only what carries the marker is certainly ours to remove.
        let doubles = marked.into_iter().filter(|at| *at != oldest).collect();
        return Verdict::Adopt { index: oldest, doubles };
    }
    let latest = recorded_at.saturating_add(LATEST_DEPARTURE).unwrap_or(began).min(began);
    match latest.saturating_add(HORIZON) {
        Ok(horizon) if now < horizon => Verdict::LookAgain(horizon),
        _ => Verdict::NeverHappened,
    }
}

/// Resolves the open intents of a state, and returns the state as it is then.
///
/// Runs by itself in every locked command and never asks. With [`Depth::Look`] nothing is sent that
/// changes anything.
pub async fn recover(
    inputs: &Inputs,
    held: &Held,
    depth: Depth,
    progress: &Arc<dyn Progress>,
) -> (Arc<State>, Diagnostics) {
    if inputs.prior.intents.is_empty() {
        return (inputs.prior.clone(), Diagnostics::new());
    }
    let world = World::new(inputs, Phase::Plan);
    let providers = Providers::new(inputs, Connection::Online);
    // The configuration of a provider may read what is recorded.
    crate::console::see_recorded(&world, &providers);
    let began = inputs.clock.now();
    let run = Recovery { inputs, held, depth, progress, providers, world: &world, began };
    for open in &inputs.prior.intents {
        run.resolve(open).await;
    }
    let state = match held.store.load().await {
        Ok(state) => Arc::new(state),
        Err(error) => {
            world.report(store_failed(&error.to_string()));
            inputs.prior.clone()
        }
    };
    (state, world.take_diagnostics())
}

struct Recovery<'a> {
    inputs: &'a Inputs,
    held: &'a Held,
    depth: Depth,
    progress: &'a Arc<dyn Progress>,
    providers: Providers<'a>,
    world: &'a World<'a>,
    began: Timestamp,
}

/// An open intent with what is needed to look after it.
struct Case<'o> {
    open: &'o OpenIntent,
    provider: Arc<dyn Provider>,
    schema: Arc<Schema>,
    draft: Option<Draft>,
}

impl Case<'_> {
    fn addr(&self) -> &ResourceAddr {
        &self.open.intent.addr
    }

    fn planned(&self) -> Option<Value> {
        self.draft.as_ref().map(|draft| draft.planned.unmarked_deep())
    }

    fn find_request(&self) -> FindRequest {
        let (kind, intent) = (self.kind().clone(), self.open.intent.clone());
        FindRequest { kind, intent, planned: self.planned() }
    }

    fn kind(&self) -> &Name {
        &self.open.intent.addr.block.kind
    }
}

impl Recovery<'_> {
    async fn resolve(&self, open: &OpenIntent) {
        let Some(case) = self.case(open).await else {
            self.warn(
                open,
                "its provider is not configured any more, so nobody can look; it stays open",
            );
            return;
        };
        match (&open.progress, open.intent.action) {
            (IntentProgress::Accepted(accepted), _) => {
                self.follow(&case, (**accepted).clone()).await;
            }
            (_, Action::Create) => self.look(&case).await,
            (_, Action::Update) => self.resume(&case).await,
            (_, Action::Delete) => self.reread(&case).await,
        }
    }

    async fn case<'o>(&self, open: &'o OpenIntent) -> Option<Case<'o>> {
        let addr = self.providers.recorded(&open.intent.provider)?;
        let schema = self.providers.kind(&addr)?.resource_schema(&open.intent.addr.block.kind)?;
        let provider = self.providers.configured(self.world, &addr).await?;
        let draft = open.intent.planned.as_ref().and_then(|text| Draft::read(text).ok());
        Some(Case { open, provider, schema, draft })
    }

    /// Looks for what a create without an outcome made.
    async fn look(&self, case: &Case<'_>) {
        loop {
            let request = case.find_request();
            let mut replies = case.provider.find_many(&[request]).await;
            let Some(reply) = replies.pop() else { return };
            self.world.report_all(reply.diagnostics);
            let Some(candidates) = reply.candidates else {
                self.warn(case.open, "the service could not be asked what exists; it stays open");
                return;
            };
            let times = (case.open.intent.at, self.began);
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
                    self.close(case, IntentProgress::Refused, None).await;
                    return;
                }
                Verdict::LookAgain(_) if self.depth == Depth::Look => {
                    self.warn(
                        case.open,
                        "nothing is found yet; the request may still be on its way",
                    );
                    return;
                }
                Verdict::LookAgain(at) => self.inputs.clock.wait_until(at).await,
            }
        }
    }

    /// Takes an object over; the intent stays open while there are doubles of it.
    async fn adopt(&self, case: &Case<'_>, found: &Candidate, alone: bool) {
        self.told(case, format!("adopted {}, which an interrupted run created", found.id));
        if let Some(accepted) = &found.pending {
            let row = self.row(case, &found.state, found.private.clone(), ObjectStatus::Ready);
            if !alone {
                self.commit(Batch { objects: row.into_iter().collect(), ..Batch::default() }).await;
                return;
            }
            self.close(case, IntentProgress::Accepted(Box::new(accepted.clone())), row).await;
            self.follow(case, accepted.clone()).await;
            return;
        }
        let request = ReadRequest {
            kind: case.kind().clone(),
            addr: case.addr().clone(),
            state: found.state.clone(),
            private: found.private.clone(),
        };
        let reply = case.provider.read_many(vec![request]).await.pop();
        let Some(reply) = reply else { return };
        let row = match reply.outcome {
            ReadOutcome::Found { state, private, .. } => self.row(
                case,
                &completed(state, case.planned().as_ref()),
                private,
                ObjectStatus::Ready,
            ),
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
        if alone {
            self.close(case, IntentProgress::Done, row).await;
        } else {
            self.commit(Batch { objects: row.into_iter().collect(), ..Batch::default() }).await;
        }
    }

    /// Reads the object of an update or delete without an outcome: the plan does the rest.
    async fn reread(&self, case: &Case<'_>) {
        let intent = &case.open.intent;
        let instance = self.inputs.prior.resources.get(&intent.addr);
        let object = instance.and_then(|instance| match &intent.deposed {
            Some(key) => instance.deposed.get(key),
            None => instance.current.as_ref(),
        });
        let Some(object) = object else {
            self.close(case, IntentProgress::Refused, None).await;
            return;
        };
        let Ok(value) = object::read(object, &case.schema) else { return };
        let request = ReadRequest {
            kind: case.kind().clone(),
            addr: intent.addr.clone(),
            state: value.unmarked_deep(),
            private: object.private.clone(),
        };
        let reply = case.provider.read_many(vec![request]).await.pop();
        let row = match reply.map(|reply| reply.outcome) {
            Some(ReadOutcome::Gone) => Some(Self::gone(case)),
            Some(ReadOutcome::Found { state, private, .. }) => {
                let row = self.row(case, &state, private, object.status);
                row.map(|row| ObjectChange {
                    object: row.object.map(|new| kept(new, object)),
                    ..row
                })
            }
            _ => {
                self.warn(case.open, "the service could not be asked how it looks; it stays open");
                return;
            }
        };
        self.close(case, IntentProgress::Done, row).await;
    }

    /// Removes a double of an object, under an intent of its own; returns whether it is gone.
    async fn remove(&self, case: &Case<'_>, double: &Candidate) -> bool {
        if self.depth == Depth::Look {
            self.warn(
                case.open,
                &format!("{} is a double of it; the next apply removes it", double.id),
            );
            return false;
        }
        let recorder = Recorder::new(self.held.store.intents(&self.held.fence));
        let draft = terrarium_provider::IntentDraft {
            action: Action::Delete,
            at: self.inputs.clock.now(),
            planned: None,
            object_id: Some(double.id.clone()),
            ..case.open.intent.to_draft()
        };
        let prepared = recorder.prepare(draft);
        let id = prepared.intent().id;
        let Ok(mut recorded) = recorder.record(vec![prepared]).await else { return false };
        let Some(recorded) = recorded.pop() else { return false };
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
        self.report_mildly(reply.diagnostics);
        let gone = match reply.outcome {
            ApplyOutcome::Done { .. } => true,
            ApplyOutcome::Accepted(accepted) => self.until_gone(case, accepted).await,
            ApplyOutcome::Refused { .. } | ApplyOutcome::Unknown(_) => false,
        };
        let progress = if gone { IntentProgress::Done } else { IntentProgress::Refused };
        self.commit(Batch { progress: vec![(id, progress)], ..Batch::default() }).await;
        if gone {
            self.told(
                case,
                format!("removed {}, a double that an interrupted run created", double.id),
            );
        } else {
            self.warn(
                case.open,
                &format!("{}, a double of it, could not be removed; it stays open", double.id),
            );
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_value::Type;

    fn candidate(marked: bool, created: i64) -> Candidate {
        Candidate {
            id: "x".into(),
            marked,
            created_at: Timestamp::from_second(created).ok(),
            state: Value::null(Type::Dynamic),
            private: None,
            pending: None,
        }
    }

    #[test]
    fn what_is_found_decides_and_nothing_counts_only_after_the_horizon() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let adopt = |index, doubles: &[usize]| Verdict::Adopt { index, doubles: doubles.to_vec() };
        for (candidates, now, expected) in [
            (vec![], 10, Verdict::LookAgain(at(60))),
            (vec![], 60, Verdict::NeverHappened),
            (vec![candidate(true, 5)], 10, adopt(0, &[])),
            (vec![candidate(true, 9), candidate(true, 5)], 10, adopt(1, &[0])),
            // Without a marker nothing is removed: it may be somebody else's.
            (vec![candidate(false, 9), candidate(false, 5)], 10, adopt(1, &[])),
            (vec![candidate(false, 1), candidate(true, 5)], 10, adopt(1, &[])),
        ] {
            assert_eq!(decide(&candidates, (at(0), at(0)), at(now)), expected, "{candidates:?}");
        }
    }

    #[test]
    fn a_request_may_have_left_long_after_its_intent() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (began, now, expected) in [
            (200, 200, Verdict::LookAgain(at(260))),
            (200, 260, Verdict::NeverHappened),
            (9_000, 9_000, Verdict::NeverHappened),
        ] {
            assert_eq!(decide(&[], (at(0), at(began)), at(now)), expected);
        }
    }
}
