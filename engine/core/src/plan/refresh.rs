//! Refresh: how recorded objects look today.

use std::sync::Arc;

use terrarium_address::ResourceAddr;
use terrarium_provider::{Provider, ReadOutcome, ReadReply, ReadRequest, Standing};
use terrarium_state::{Ended, State};
use terrarium_value::{Kind, Marks, Value};

use super::Planner;
use super::candidate::Prior;
use super::group::Group;
use super::time::{Gone, expected_end};
use crate::{Event, PlannedAction, ResourceChange, object};

/// An object to read: its address and what is recorded.
pub(super) struct Recorded<'p> {
    pub(super) addr: &'p ResourceAddr,
    pub(super) prior: &'p mut Option<Prior>,
}

/// Reads objects of one block together; one that is gone becomes `None`.
pub(super) async fn refresh(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    objects: Vec<Recorded<'_>>,
) {
    if plan.options.refresh {
        read(plan, group, provider, objects).await;
    }
}

/// Reads objects whatever the options say of a refresh.
pub(super) async fn read(
    plan: &Planner<'_>,
    group: &Group<'_>,
    provider: &Arc<dyn Provider>,
    mut objects: Vec<Recorded<'_>>,
) {
    for object in &objects {
        if let Some(ended) = object.prior.as_ref().and_then(|prior| prior.ended.as_ref()) {
            plan.ledger.borrow_mut().saw_end(object.addr, ended.at);
        }
    }
    // What is ended does not come back: it is not asked about any more.
    objects.retain(|object| object.prior.as_ref().is_some_and(|prior| prior.ended.is_none()));
    if objects.is_empty() || plan.options.offline {
        return;
    }
    let mut requests = Vec::with_capacity(objects.len());
    for object in &objects {
        let Some(prior) = object.prior.as_ref() else { continue };
        let id = object::id_of(&prior.value);
        plan.progress.on(Event::Refreshing { addr: object.addr.clone(), id });
        requests.push(ReadRequest {
            kind: group.resource.block.kind.clone(),
            addr: object.addr.clone(),
            state: prior.value.clone().unmarked_deep(),
            private: prior.private.clone(),
        });
    }
    let replies = provider.read_many(requests).await;
    for (object, reply) in objects.iter_mut().zip(replies) {
        let id = object.prior.as_ref().and_then(|prior| object::id_of(&prior.value));
        plan.progress.on(Event::Refreshed { addr: object.addr.clone(), id });
        fold(plan, group, object, reply);
    }
}

fn fold(plan: &Planner<'_>, group: &Group<'_>, object: &mut Recorded<'_>, reply: ReadReply) {
    let Some(before) = object.prior.take() else { return };
    match reply.outcome {
        ReadOutcome::Found { state, private, term } => {
            let sensitive = before.value.paths_with_mark(Marks::SENSITIVE);
            let value = state.mark_paths(&sensitive, Marks::SENSITIVE);
            let value = object::mark_sensitive(value, &group.schema.block);
            let standing = term.as_ref().map(|term| term.standing);
            let ended = match standing {
                Some(Standing::Ended(at)) => Some(Ended { at, with: None }),
                _ => None,
            };
            if let Some(ended) = &ended {
                plan.ledger.borrow_mut().saw_end(object.addr, ended.at);
            }
            if ended.is_none() && !value.same(&before.value) {
                drifted(plan, group, (object.addr, &before), value.clone());
            }
            if let Some(zone) = term.as_ref().and_then(|term| term.zone.clone()) {
                plan.zones.borrow_mut().insert(zone);
            }
            if let Some(term) = &term {
                plan.ledger.borrow_mut().lack(&term.lacks);
            }
            let window = term.map(|term| term.window).or(before.window);
            *object.prior = Some(Prior { value, private, window, ended, standing, ..before });
        }
        ReadOutcome::Gone => match was_expected(plan, group, &before) {
            Some(ended) => {
                plan.ledger.borrow_mut().saw_end(object.addr, ended.at);
                *object.prior = Some(Prior { ended: Some(ended), ..before });
            }
            None => drifted(plan, group, (object.addr, &before), group.null()),
        },
        // Reading failed or must wait: what is recorded is the best that is known.
        ReadOutcome::Refused | ReadOutcome::Deferred(_) => *object.prior = Some(before),
    }
    plan.report_each(reply.diagnostics, group.resource, object.addr);
}

/// Returns since when an object that is gone had to be expected to be.
fn was_expected(plan: &Planner<'_>, group: &Group<'_>, before: &Prior) -> Option<Ended> {
    let ledger = plan.ledger.borrow();
    let sat_on = before.occupies.iter().filter_map(|addr| {
        let (seen, predecessor) = (ledger.seen_end(addr), ledger.predecessor_end(addr, plan.now));
        Some((addr, ledger.loan(addr)?, seen, predecessor))
    });
    let sat_on = sat_on.collect();
    let gone = Gone { tenure: group.schema.tenure, window: before.window, sat_on };
    expected_end(&gone, plan.now)
}

fn drifted(
    plan: &Planner<'_>,
    group: &Group<'_>,
    (addr, before): (&ResourceAddr, &Prior),
    after: Value,
) {
    let action = if after.is_null() { PlannedAction::Delete } else { PlannedAction::Update };
    // What an action of ours is still open for changed by that, not by somebody else.
    if is_open(&plan.inputs.prior, addr) || matches!(before.value.kind(), Kind::Null(_)) {
        return;
    }
    let change = ResourceChange {
        before: before.value.clone(),
        private: before.private.clone(),
        window: before.window.into(),
        ..group.change(addr, action, after)
    };
    plan.drift.borrow_mut().add(change);
}

/// Returns whether an action on an instance was begun, and nobody knows yet what became of it.
pub(super) fn is_open(prior: &State, addr: &ResourceAddr) -> bool {
    prior.intents.iter().any(|open| open.intent.addr == *addr)
}
