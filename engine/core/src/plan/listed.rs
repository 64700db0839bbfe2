//! From fates to the lists of a plan: every change is built once, when all fates are settled.

use std::collections::BTreeMap;

use terrarium_address::ResourceAddr;
use terrarium_provider::Schedule;
use terrarium_value::Value;

use super::time::{Planned, lender_stays};
use crate::fate::{Fate, Wait};
use crate::{ActionReason, DeferredChange, PlannedAction, Rare, ReplaceOrder, ResourceChange};

/// The changes of a plan.
#[derive(Default)]
pub(super) struct Listed {
    /// What is done now, and what stands, in the order of addresses.
    pub(super) changes: Vec<ResourceChange>,
    /// What is not done now, in the order of addresses.
    pub(super) deferred: Vec<DeferredChange>,
}

impl Listed {
    /// Builds them from what was planned, and from the removals of what comes back later.
    pub(super) fn of(planned: Vec<Planned>, falls: Vec<ResourceChange>) -> Self {
        let staying = lender_stays(planned.iter());
        let mut listed = Self { changes: Vec::with_capacity(planned.len()), deferred: Vec::new() };
        listed.changes.extend(falls);
        for planned in planned {
            listed.add(planned, &staying);
        }
        // No two are equal; a stable sort would hold half of them twice.
        listed.changes.sort_unstable_by(|a, b| (&a.addr, &a.deposed).cmp(&(&b.addr, &b.deposed)));
        listed.deferred.sort_by(|a, b| a.change.addr.cmp(&b.change.addr));
        listed
    }

    /// Lists all changes.
    pub(super) fn all(&self) -> impl Iterator<Item = &ResourceChange> {
        self.changes.iter().chain(self.deferred.iter().map(|deferred| &deferred.change))
    }

    fn add(&mut self, planned: Planned, staying: &BTreeMap<ResourceAddr, Wait>) {
        let schedule = planned.schedule();
        let stays = staying.get(&planned.change.addr);
        match planned.fate() {
            Fate::Later(_) | Fate::GoesDown(_) | Fate::Never(_) => {
                self.defer(planned.change, schedule);
            }
            Fate::Now | Fate::Ended(_) | Fate::Lingers(_) => match stays {
                Some(wait) => self.stay(planned.change, wait),
                None => self.changes.push(planned.change),
            },
        }
    }

    fn defer(&mut self, change: ResourceChange, schedule: Schedule) {
        let change = ResourceChange { schedule: schedule.into(), ..change };
        self.deferred.push(DeferredChange { change, approved: false });
    }

    /// Lets a replaced lender stay for now: its successor comes, and it goes when the last occupant has moved.
    fn stay(&mut self, change: ResourceChange, wait: &Wait) {
        let schedule = Schedule { not_before: wait.at, not_after: None };
        let later: Rare<Fate> = Fate::Later(wait.clone()).into();
        if change.deposed.is_some() && change.action == PlannedAction::Delete {
            self.defer(ResourceChange { fate: later, ..change }, schedule);
        } else if change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst) {
            let old = ResourceChange {
                action: PlannedAction::Delete,
                reason: Some(ActionReason::Deposed).into(),
                deposed: Some("replaced".into()),
                after: Value::null(change.schema.block.ty()),
                requires_replace: Vec::new(),
                fate: later,
                ..change.clone()
            };
            self.defer(old, schedule);
            self.changes.push(ResourceChange { keeps_old: true, ..change });
        } else {
            self.changes.push(change);
        }
    }
}
