//! Refresh: how recorded objects look today.

use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Provider, ReadOutcome, ReadReply, ReadRequest, Standing, Tenure};
use terrarium_state::Ended;
use terrarium_value::{Kind, Marks, Value};

use super::candidate::Prior;
use super::{Group, Planner};
use crate::{Event, Mode, PlannedAction, ResourceChange, object};

/// An object to read: its address and what is recorded.
pub(super) struct Recorded<'p> {
    pub(super) addr: &'p ResourceAddr,
    pub(super) prior: &'p mut Option<Prior>,
}

impl Planner<'_> {
    /// Reads objects of one block together; one that is gone becomes `None`.
    pub(super) async fn refresh(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        objects: Vec<Recorded<'_>>,
    ) {
        if self.options.refresh {
            self.read(group, provider, objects).await;
        }
    }

    /// Reads objects whatever the options say of a refresh.
    pub(super) async fn read(
        &self,
        group: &Group<'_>,
        provider: &Arc<dyn Provider>,
        mut objects: Vec<Recorded<'_>>,
    ) {
        for object in &objects {
            if let Some(ended) = object.prior.as_ref().and_then(|prior| prior.ended.as_ref()) {
                self.saw_end(object.addr, ended.at);
            }
        }
        // What is ended does not come back: it is not asked about any more.
        objects.retain(|object| object.prior.as_ref().is_some_and(|prior| prior.ended.is_none()));
        if objects.is_empty() || self.options.offline {
            return;
        }
        let mut requests = Vec::with_capacity(objects.len());
        for object in &objects {
            let Some(prior) = object.prior.as_ref() else { continue };
            let id = object::id_of(&prior.value);
            self.progress.on(Event::Refreshing { addr: object.addr.clone(), id });
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
            self.progress.on(Event::Refreshed { addr: object.addr.clone(), id });
            self.fold(group, object, reply);
        }
    }

    fn fold(&self, group: &Group<'_>, object: &mut Recorded<'_>, reply: ReadReply) {
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
                    self.saw_end(object.addr, ended.at);
                }
                if ended.is_none() && !value.same(&before.value) {
                    self.drifted(group, object.addr, &before, value.clone());
                }
                if let Some(zone) = term.as_ref().and_then(|term| term.zone.clone()) {
                    self.found.borrow_mut().zones.insert(zone);
                }
                let window = term.map(|term| term.window).or(before.window);
                *object.prior = Some(Prior { value, private, window, ended, standing, ..before });
            }
            ReadOutcome::Gone => match self.expected_end(group, &before) {
                Some(ended) => {
                    self.saw_end(object.addr, ended.at);
                    *object.prior = Some(Prior { ended: Some(ended), ..before });
                }
                None => {
                    self.drifted(group, object.addr, &before, group.null());
                }
            },
            // Reading failed or must wait: what is recorded is the best that is known.
            ReadOutcome::Refused | ReadOutcome::Deferred(_) => *object.prior = Some(before),
        }
        self.report_each(reply.diagnostics, group.resource, object.addr);
    }

    /// Returns since when an object that is gone had to be expected to be: what it sat on is over, or its
    /// own term is.
    fn expected_end(&self, group: &Group<'_>, before: &Prior) -> Option<Ended> {
        let loans: Vec<_> =
            before.occupies.iter().filter_map(|addr| Some((addr, self.loan(addr)?))).collect();
        // What a lender was before this plan counts, not the new one that the plan may make of it.
        let over = loans.iter().find_map(|(addr, loan)| {
            let at = self
                .seen_end(addr)
                .or_else(|| loan.over(self.now).filter(|_| !loan.fresh))
                .or_else(|| self.predecessor_end(addr))?;
            Some(Ended { at, with: Some((*addr).clone()) })
        });
        let known = !loans.is_empty();
        let own = before.window.and_then(|window| window.until()).filter(|until| {
            // A recorded window may be older than the lender's; then the lender counts.
            *until <= self.now && !known && group.schema.tenure != Tenure::None
        });
        over.or(own.map(|at| Ended { at, with: None }))
    }

    /// Returns since when a replaced lender is over that still stands for those who have not moved.
    fn predecessor_end(&self, addr: &ResourceAddr) -> Option<Timestamp> {
        let instance = self.inputs.prior.resources.get(addr)?;
        let ends = instance.deposed.values().filter_map(|object| object.window?.until());
        ends.filter(|until| *until <= self.now).max()
    }

    fn drifted(&self, group: &Group<'_>, addr: &ResourceAddr, before: &Prior, after: Value) {
        let action = if after.is_null() { PlannedAction::Delete } else { PlannedAction::Update };
        // What an action of ours is still open for changed by that, not by somebody else.
        if self.is_open(addr) || matches!(before.value.kind(), Kind::Null(_)) {
            return;
        }
        let change = ResourceChange {
            before: before.value.clone(),
            private: before.private.clone(),
            window: before.window.into(),
            ..change(group, addr, action, after)
        };
        self.found.borrow_mut().drift.push(change);
    }

    /// Returns whether an action on an instance was begun, and nobody knows yet what became of it.
    pub(super) fn is_open(&self, addr: &ResourceAddr) -> bool {
        self.inputs.prior.intents.iter().any(|open| open.intent.addr == *addr)
    }

    /// Returns whether this plan may change objects at all.
    pub(super) fn only_refreshes(&self) -> bool {
        self.options.mode == Mode::RefreshOnly
    }

    /// Returns the configured provider of a block.
    pub(super) async fn provider(&self, group: &Group<'_>) -> Option<Arc<dyn Provider>> {
        self.providers.configured(&self.world, &group.provider).await
    }
}

/// Starts a change of an instance; the rest is filled in by the caller.
pub(super) fn change(
    group: &Group<'_>,
    addr: &ResourceAddr,
    action: PlannedAction,
    after: Value,
) -> ResourceChange {
    ResourceChange {
        after,
        create_first: group.create_first,
        ..ResourceChange::new(addr.clone(), group.recorded.clone(), group.schema.clone(), action)
    }
}
