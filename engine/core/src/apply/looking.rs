//! Looking for what came of calls without an answer: in batches, and without touching the run's state.

use std::sync::Arc;

use terrarium_provider::{
    Action, Candidate, Clock, FindRequest, Intent, PlanOutcome, PlanRequest, Private, Provider,
    ReadOutcome, ReadRequest,
};
use terrarium_value::{Causes, Value};

use crate::object::completed;
use crate::task::{Seen, There, Times, Verdict, decide, horizon};
use crate::{ResourceChange, proposed};

/// A call that is looked after.
pub(super) struct Look<'a> {
    pub(super) node: usize,
    pub(super) change: &'a ResourceChange,
    pub(super) intent: Intent,
    pub(super) times: Times,
    pub(super) prior: Option<Value>,
    pub(super) planned: Option<Value>,
    pub(super) config: Option<Value>,
    pub(super) private: Private,
}

/// What has to be read before it can be told what came of a call.
struct Reading {
    at: usize,
    state: Value,
    private: Private,
    lacks: Option<String>,
}

/// Looks; answers in the order of the looks.
pub(super) async fn look(
    provider: &dyn Provider,
    clock: &dyn Clock,
    looks: &[Look<'_>],
) -> Vec<Seen> {
    let mut seen: Vec<Seen> = looks.iter().map(|_| Seen::Unclear).collect();
    let mut readings = Vec::new();
    for (at, candidates) in found(provider, looks).await {
        match first_sight(&looks[at], candidates, clock) {
            Sight::Seen(one) => seen[at] = one,
            Sight::Read { state, private, lacks } => {
                readings.push(Reading { at, state, private, lacks });
            }
        }
    }
    // What is removed is looked at itself.
    for (at, look) in looks.iter().enumerate().filter(|(_, it)| it.intent.action == Action::Delete)
    {
        if let Some(prior) = look.prior.clone() {
            readings.push(Reading { at, state: prior, private: look.private.clone(), lacks: None });
        }
    }
    let there = read(provider, looks, readings, &mut seen, clock).await;
    judge(provider, looks, there, &mut seen, clock).await;
    seen
}

/// Asks what exists that creates and updates may have made; `None` where nobody could be asked.
async fn found(
    provider: &dyn Provider,
    looks: &[Look<'_>],
) -> Vec<(usize, Option<Vec<Candidate>>)> {
    let asked: Vec<usize> =
        (0..looks.len()).filter(|at| looks[*at].intent.action != Action::Delete).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let request = |at: &usize| {
        let Look { change, intent, planned, .. } = &looks[*at];
        let kind = change.addr.block.kind.clone();
        FindRequest { kind, intent: intent.clone(), planned: planned.clone() }
    };
    let requests: Vec<FindRequest> = asked.iter().map(request).collect();
    let replies = provider.find_many(&requests).await;
    asked.into_iter().zip(replies.into_iter().map(|reply| reply.candidates)).collect()
}

/// What is known before anything is read.
enum Sight {
    Seen(Seen),
    Read { state: Value, private: Private, lacks: Option<String> },
}

fn first_sight(look: &Look<'_>, candidates: Option<Vec<Candidate>>, clock: &dyn Clock) -> Sight {
    let Some(mut candidates) = candidates else { return Sight::Seen(Seen::Unclear) };
    if look.intent.action == Action::Update {
        if let Some(accepted) = candidates.into_iter().find_map(|candidate| candidate.pending) {
            return Sight::Seen(Seen::AtWork(accepted));
        }
        return match look.prior.clone() {
            Some(state) => Sight::Read { state, private: look.private.clone(), lacks: None },
            None => Sight::Seen(Seen::Unclear),
        };
    }
    match decide(&candidates, look.times, clock.now()) {
        Verdict::NeverHappened => Sight::Seen(Seen::Nothing),
        Verdict::Adopt { index, doubles } if doubles.is_empty() => {
            let Candidate { pending, state, private, lacks, .. } = candidates.swap_remove(index);
            match pending {
                Some(accepted) => Sight::Seen(Seen::AtWork(accepted)),
                None => Sight::Read { state, private, lacks },
            }
        }
        Verdict::Adopt { .. } => Sight::Seen(Seen::Doubled),
        Verdict::LookAgain(_) => Sight::Seen(Seen::Unclear),
    }
}

/// Reads objects; returns those that are there and were to be made or changed.
async fn read(
    provider: &dyn Provider,
    looks: &[Look<'_>],
    readings: Vec<Reading>,
    seen: &mut [Seen],
    clock: &dyn Clock,
) -> Vec<(usize, There)> {
    if readings.is_empty() {
        return Vec::new();
    }
    let request = |reading: &Reading| ReadRequest {
        kind: looks[reading.at].change.addr.block.kind.clone(),
        addr: looks[reading.at].change.addr.clone(),
        state: reading.state.clone(),
        private: reading.private.clone(),
    };
    let replies = provider.read_many(readings.iter().map(request).collect()).await;
    let mut there = Vec::new();
    for (Reading { at, lacks, .. }, reply) in readings.into_iter().zip(replies) {
        let look = &looks[at];
        let delete = look.intent.action == Action::Delete;
        match reply.outcome {
            ReadOutcome::Gone if delete => seen[at] = Seen::Gone,
            ReadOutcome::Found { .. } if delete => {
                if clock.now() >= horizon(look.times) {
                    seen[at] = Seen::Nothing;
                }
            }
            ReadOutcome::Found { state, private, .. } => {
                // Of an update nobody knows whether it was carried out: what the read can't tell is as before.
                let made = look.planned.as_ref().filter(|_| look.intent.action == Action::Create);
                let state = completed(state, made);
                there.push((at, There { state, private, lacks, as_planned: true }));
            }
            ReadOutcome::Gone | ReadOutcome::Refused | ReadOutcome::Deferred(_) => {}
        }
    }
    there
}

/// Asks whether a plan would change anything of what is there: that alone says whether it is as planned.
async fn judge(
    provider: &dyn Provider,
    looks: &[Look<'_>],
    mut there: Vec<(usize, There)>,
    seen: &mut [Seen],
    clock: &dyn Clock,
) {
    let requests: Vec<PlanRequest> =
        there.iter().map(|(at, there)| plan_request(&looks[*at], there)).collect();
    if !requests.is_empty() {
        let replies = provider.plan_many(requests).await;
        for ((_, there), reply) in there.iter_mut().zip(replies) {
            let planned = match reply.outcome {
                PlanOutcome::Planned(planned) => Some(planned.planned.unmarked_deep()),
                PlanOutcome::Refused | PlanOutcome::Deferred(_) => None,
            };
            there.as_planned = planned.is_some_and(|planned| planned.same(&there.state));
        }
    }
    for (at, there) in there {
        let look = &looks[at];
        // A later call of a create changes what an earlier one made, and may be sent again like an update.
        let changes = look.intent.action == Action::Update || look.prior.is_some();
        let undone = changes && !there.as_planned;
        if !undone {
            seen[at] = Seen::There(Box::new(there));
        } else if clock.now() >= horizon(look.times) {
            seen[at] = Seen::Nothing;
        }
    }
}

fn plan_request(look: &Look<'_>, there: &There) -> PlanRequest {
    let config = look.config.clone().unwrap_or_else(|| there.state.clone());
    let block = &look.change.schema.block;
    PlanRequest {
        kind: look.change.addr.block.kind.clone(),
        addr: look.change.addr.clone(),
        proposed: proposed::merge(block, Some(&there.state), &config, &Causes::NONE),
        prior: Some(there.state.clone()),
        config,
        private: there.private.clone(),
        ended: None,
        replaces: None,
        // What is carried out already shows in the world itself.
        claims: Arc::default(),
    }
}
