//! Hindsight: what can only be told once every instance is planned, since it follows from those who
//! need an object and not from what the object needs.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Deferral, Schedule};
use terrarium_state::Dep;
use terrarium_value::{Cause, Causes, When};

use super::Planner;
use super::defer::recaused;
use super::need::{Need, Needs};
use crate::{
    ActionReason, DeferredChange, PlannedAction, ReplaceOrder, ResourceChange, Waits, codes,
};

/// Who moves off a lender, and when the last of them does.
struct Moving {
    last: Option<Timestamp>,
    who: Vec<ResourceAddr>,
}

impl Moving {
    fn removal(&self, change: ResourceChange) -> DeferredChange {
        let schedule = Schedule { not_before: self.last, not_after: None };
        DeferredChange {
            change: ResourceChange { schedule: schedule.into(), ..change },
            deferral: Deferral::until(self.last, "what still sits on it to move"),
            waits: Waits::Consumers(self.who.clone()),
            approved: false,
        }
    }
}

impl Planner<'_> {
    /// Looks back at the plan as a whole.
    pub(super) fn look_back(&self) {
        if !self.options.time.defer {
            return;
        }
        self.keep_lenders();
        self.check_exclusive();
        self.settle_scarce();
        self.note_leftovers();
        self.warn_of_ended_values();
    }

    /// A replaced lender stays until what sits on it has moved: its removal waits with them.
    fn keep_lenders(&self) {
        let mut found = self.found.borrow_mut();
        let mut moving: HashMap<ResourceAddr, Moving> = HashMap::new();
        for deferred in &found.deferred {
            if !matches!(deferred.change.action, PlannedAction::Replace(_)) {
                continue;
            }
            for lender in &deferred.change.occupies.lenders {
                let at = deferred.not_before();
                let known = moving
                    .entry(lender.clone())
                    .or_insert_with(|| Moving { last: at, who: Vec::new() });
                known.last = known.last.zip(at).map(|(a, b)| a.max(b));
                known.who.push(deferred.change.addr.clone());
            }
        }
        if moving.is_empty() {
            return;
        }
        for change in std::mem::take(&mut found.changes) {
            let Some(moving) = moving.get(&change.addr) else {
                found.changes.push(change);
                continue;
            };
            if change.deposed.is_some() && change.action == PlannedAction::Delete {
                found.deferred.push(moving.removal(change));
            } else if change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst) {
                let null = terrarium_value::Value::null(change.schema.block.ty());
                let old = ResourceChange {
                    action: PlannedAction::Delete,
                    reason: Some(ActionReason::Deposed).into(),
                    deposed: Some("replaced".into()),
                    after: null,
                    requires_replace: Vec::new(),
                    ..change.clone()
                };
                found.deferred.push(moving.removal(old));
                found.changes.push(ResourceChange { keeps_old: true, ..change });
            } else {
                found.changes.push(change);
            }
        }
        found.index();
    }

    /// What is scarce waits with those who need it, if all of them wait; if all of them are over, it is
    /// not made any more, and what exists of it is left over.
    fn settle_scarce(&self) {
        let mut moved = false;
        // What waits may have been the only one that needed another: from the leaves up.
        loop {
            let mut unneeded = self.scarce_without_need();
            if unneeded.is_empty() {
                break;
            }
            moved = true;
            let mut found = self.found.borrow_mut();
            let changes = std::mem::take(&mut found.changes);
            for (position, change) in changes.into_iter().enumerate() {
                match unneeded.remove(&position) {
                    None => found.changes.push(change),
                    Some(need) => {
                        let deferred = self.not_needed_now(change, need);
                        found.deferred.push(deferred);
                    }
                }
            }
            found.index();
        }
        if moved {
            self.world.forget_named();
        }
    }

    fn not_needed_now(&self, change: ResourceChange, need: Need) -> DeferredChange {
        let at = need.at();
        let (waits, reason) = need.told();
        let schedule = Schedule { not_before: at, not_after: change.schedule.not_after };
        self.postponed_after_all(change, schedule, (waits, reason))
    }

    /// Turns a change that was planned for now into a deferred one; who reads it learns of it.
    pub(super) fn postponed_after_all(
        &self,
        change: ResourceChange,
        schedule: Schedule,
        (waits, reason): (Waits, String),
    ) -> DeferredChange {
        let when = schedule.not_before.map_or(When::Later, When::At);
        let causes = Causes::one(Cause::Instance { addr: change.addr.clone(), when });
        let after = recaused(&change.after, &change.addr, &causes);
        let published = if change.before.is_null() { &after } else { &change.before };
        let (block, key) = (&change.addr.block, change.addr.key.clone());
        self.world.set_instance(block, key, Some(published.clone()));
        DeferredChange {
            change: ResourceChange { after, schedule: schedule.into(), ..change },
            deferral: Deferral::until(schedule.not_before, reason),
            waits,
            approved: false,
        }
    }

    /// Finds the scarce things to be made that nobody needs now, by their position in the plan.
    fn scarce_without_need(&self) -> HashMap<usize, Need> {
        let found = self.found.borrow();
        let is_scarce = |change: &ResourceChange| {
            change.schema.scarce && change.action == PlannedAction::Create
        };
        if !found.changes.iter().any(is_scarce) {
            return HashMap::new();
        }
        let needs = Needs::of(&found);
        let scarce = found.changes.iter().enumerate().filter(|(_, change)| is_scarce(change));
        scarce
            .filter_map(|(position, change)| {
                let need = needs.of_instance(&change.addr).filter(|need| *need != Need::Now)?;
                let waits = !self.options.time.eager || matches!(need, Need::Over(_));
                waits.then_some((position, need))
            })
            .collect()
    }

    /// Notes the scarce objects whose consumers are all over.
    fn note_leftovers(&self) {
        let mut found = self.found.borrow_mut();
        let is_over = found.changes.iter().any(|change| change.ended.is_some())
            || !found.deferred.iter().all(DeferredChange::can_come);
        if !is_over {
            return;
        }
        let needs = Needs::of(&found);
        let over = |change: &&ResourceChange| {
            let stays = matches!(change.action, PlannedAction::NoOp | PlannedAction::Update);
            stays
                && change.schema.scarce
                && change.deposed.is_none()
                && change.ended.is_none()
                && matches!(needs.of_instance(&change.addr), Some(Need::Over(_)))
        };
        let leftovers: Vec<ResourceAddr> =
            found.changes.iter().filter(over).map(|change| change.addr.clone()).collect();
        found.leftovers = leftovers;
    }

    /// Warns where something alive would be written from the last values of something that ended.
    fn warn_of_ended_values(&self) {
        let found = self.found.borrow();
        let ended: BTreeSet<&ResourceAddr> = found
            .changes
            .iter()
            .filter(|change| change.ended.is_some())
            .map(|change| &change.addr)
            .collect();
        if ended.is_empty() {
            return;
        }
        let writes = |action| matches!(action, PlannedAction::Create | PlannedAction::Update);
        for change in found.changes.iter().filter(|change| writes(change.action)) {
            // One who reads a whole block for its keys need not read what ended of it.
            let mut read = change.deps.iter().flat_map(Dep::instances);
            let read = read.find_map(|addr| ended.get(addr).copied());
            if let Some(read) = read {
                let warning = Diagnostic::warning(codes::ENDED, "Values of something that ended")
                    .detail(format!(
                        "{} reads {read}, which ended: its last values are used, and nothing is behind them any more.",
                        change.addr
                    ))
                    .about(change.addr.clone());
                self.world.report(warning);
            }
        }
    }
}
