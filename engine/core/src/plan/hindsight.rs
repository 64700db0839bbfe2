//! Hindsight: what can only be told once every instance is planned, since it follows from those who
//! need an object and not from what the object needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Deferral, Schedule, Window};
use terrarium_state::Dep;
use terrarium_value::{Cause, Causes, Kind, Value, When};

use super::defer::recaused;
use super::occupancy::pick;
use super::{Found, Planner};
use crate::{
    ActionReason, DeferredChange, PlannedAction, ReplaceOrder, ResourceChange, Waits, codes,
};

impl Planner<'_> {
    /// Looks back at the plan as a whole.
    pub(super) fn look_back(&self) {
        if !self.options.time.defer {
            return;
        }
        self.keep_lenders();
        self.check_exclusive();
        if !self.options.time.eager && !self.found.borrow().deferred.is_empty() {
            self.hold_back_scarce();
        }
    }

    /// A replaced lender stays until what sits on it has moved.
    fn keep_lenders(&self) {
        let mut found = self.found.borrow_mut();
        let mut moving: HashMap<ResourceAddr, Option<Timestamp>> = HashMap::new();
        for deferred in &found.deferred {
            if matches!(deferred.change.action, PlannedAction::Replace(_)) {
                for lender in &deferred.change.occupies.lenders {
                    let at = deferred.not_before();
                    let latest = moving.entry(lender.clone()).or_insert(at);
                    *latest = latest.zip(at).map(|(a, b)| a.max(b));
                }
            }
        }
        if moving.is_empty() {
            return;
        }
        let mut kept = Vec::new();
        for change in &mut found.changes {
            let Some(at) = moving.get(&change.addr) else { continue };
            if change.deposed.is_some() && change.action == PlannedAction::Delete {
                kept.push((change.addr.clone(), change.deposed.clone(), *at));
            } else if change.action == PlannedAction::Replace(ReplaceOrder::CreateFirst) {
                change.keeps_old = true;
            }
        }
        for (addr, deposed, at) in kept {
            let is_it = |change: &ResourceChange| change.addr == addr && change.deposed == deposed;
            let Some(position) = found.changes.iter().position(is_it) else { continue };
            let change = found.changes.remove(position);
            let reason = "what still sits on it to move".to_owned();
            let deferral = Deferral { not_before: at, reason };
            let waits = Waits::Consumers(Vec::new());
            found.deferred.push(DeferredChange { change, deferral, waits, approved: false });
        }
        found.index();
    }

    /// What is scarce waits with those who need it, if all of them wait.
    fn hold_back_scarce(&self) {
        let mut moved = false;
        while let Some((position, at, consumers)) = self.scarce_without_need() {
            let mut found = self.found.borrow_mut();
            let change = found.changes.remove(position);
            found.index();
            let when = at.map_or(When::Later, When::At);
            let causes = Causes::one(Cause::Instance { addr: change.addr.clone(), when });
            let after = recaused(&change.after, &change.addr, &causes);
            self.world.set_instance(
                &change.addr.block,
                change.addr.key.clone(),
                Some(after.clone()),
            );
            let schedule = Schedule { not_before: at, not_after: change.schedule.not_after };
            let change = ResourceChange { after, schedule, ..change };
            let reason = "those who need it".to_owned();
            let deferral = Deferral { not_before: at, reason };
            let waits = Waits::Consumers(consumers);
            found.deferred.push(DeferredChange { change, deferral, waits, approved: false });
            moved = true;
        }
        if moved {
            self.world.forget_named();
        }
    }

    /// Finds a scarce thing to be made that only deferred changes need.
    fn scarce_without_need(&self) -> Option<(usize, Option<Timestamp>, Vec<ResourceAddr>)> {
        let found = self.found.borrow();
        let scarce: BTreeMap<&ResourceAddr, usize> = found
            .changes
            .iter()
            .enumerate()
            .filter(|(_, change)| change.schema.scarce && change.action == PlannedAction::Create)
            .map(|(position, change)| (&change.addr, position))
            .collect();
        if scarce.is_empty() {
            return None;
        }
        let needs = Needs::of(&found);
        scarce.into_iter().find_map(|(addr, position)| {
            let (now, later) = needs.of_instance(addr);
            if now || later.is_empty() {
                return None;
            }
            let at = later.iter().filter_map(|(_, at)| *at).min();
            let consumers = later.into_iter().map(|(addr, _)| addr.clone()).collect();
            Some((position, at, consumers))
        })
    }

    /// Refuses two holders of one thing whose windows overlap; a successor waits for its predecessor.
    fn check_exclusive(&self) {
        let mut found = self.found.borrow_mut();
        let holders = holders(&found);
        let mut waiting: Vec<(ResourceAddr, ResourceAddr, Option<Timestamp>)> = Vec::new();
        for (thing, mut holders) in holders {
            holders.sort_by_key(|holder| holder.from);
            for pair in holders.windows(2) {
                let [first, second] = pair else { continue };
                if first.lingers && second.is_due {
                    waiting.push((second.addr.clone(), first.addr.clone(), first.until));
                } else if (first.bounded || second.bounded)
                    && first.until.is_none_or(|until| until > second.from)
                {
                    self.world.report(overlap(&thing, first, second));
                }
            }
        }
        for (addr, holder, at) in waiting {
            let Some(position) = found.changes.iter().position(|change| change.addr == addr) else {
                continue;
            };
            let change = found.changes.remove(position);
            let reason = format!("{holder} to let go of it");
            let deferral = Deferral { not_before: at.or(Some(self.now)), reason };
            let waits = Waits::Held(holder);
            found.deferred.push(DeferredChange { change, deferral, waits, approved: false });
        }
        found.index();
    }
}

/// Who needs what, now and later.
struct Needs<'f> {
    now: BTreeSet<&'f ResourceAddr>,
    now_blocks: BTreeSet<ConfigAddr>,
    later: HashMap<&'f ResourceAddr, Vec<(&'f ResourceAddr, Option<Timestamp>)>>,
    later_blocks: HashMap<ConfigAddr, Vec<(&'f ResourceAddr, Option<Timestamp>)>>,
}

impl<'f> Needs<'f> {
    fn of(found: &'f Found) -> Self {
        let mut needs = Self {
            now: BTreeSet::new(),
            now_blocks: BTreeSet::new(),
            later: HashMap::new(),
            later_blocks: HashMap::new(),
        };
        let gone = |action| matches!(action, PlannedAction::Delete | PlannedAction::Forget);
        for change in found.changes.iter().filter(|change| !gone(change.action)) {
            for dep in &change.deps {
                match dep {
                    Dep::Instance(addr) => drop(needs.now.insert(addr)),
                    Dep::Block(block) => drop(needs.now_blocks.insert(block.config())),
                }
            }
        }
        for deferred in found.deferred.iter().filter(|deferred| deferred.can_come()) {
            let consumer = (&deferred.change.addr, deferred.not_before());
            for dep in &deferred.change.deps {
                match dep {
                    Dep::Instance(addr) => needs.later.entry(addr).or_default().push(consumer),
                    Dep::Block(block) => {
                        needs.later_blocks.entry(block.config()).or_default().push(consumer);
                    }
                }
            }
        }
        needs
    }

    /// Returns whether somebody needs an instance now, and who needs it later.
    fn of_instance(
        &self,
        addr: &ResourceAddr,
    ) -> (bool, Vec<(&'f ResourceAddr, Option<Timestamp>)>) {
        let block = addr.block.config();
        let now = self.now.contains(addr) || self.now_blocks.contains(&block);
        let exact = self.later.get(addr).into_iter().flatten();
        (now, exact.chain(self.later_blocks.get(&block).into_iter().flatten()).copied().collect())
    }
}

/// One who holds a thing that only one may hold, and when.
struct Holder {
    addr: ResourceAddr,
    from: Timestamp,
    until: Option<Timestamp>,
    /// Whether time has anything to do with it.
    bounded: bool,
    /// Whether it is to be made now.
    is_due: bool,
    /// Whether its time is over, and it is still there.
    lingers: bool,
}

/// Lists who holds what, by type, attribute and value.
fn holders(found: &Found) -> BTreeMap<String, Vec<Holder>> {
    let mut all: BTreeMap<String, Vec<Holder>> = BTreeMap::new();
    let now = found.changes.iter().map(|change| (change, None));
    let later = found.deferred.iter().filter(|deferred| deferred.can_come());
    let later = later.map(|deferred| (&deferred.change, Some(deferred.not_before())));
    for (change, deferred) in now.chain(later) {
        let gone = matches!(change.action, PlannedAction::Delete | PlannedAction::Forget);
        if gone || change.ended.is_some() || change.schema.exclusive.is_empty() {
            continue;
        }
        let from = deferred.flatten().or(change.window.as_ref().map(Window::from));
        let holder = || Holder {
            addr: change.addr.clone(),
            from: from.unwrap_or(Timestamp::MIN),
            until: change.window.and_then(|window| window.until()),
            bounded: change.window.is_some() || deferred.is_some(),
            is_due: deferred.is_none() && change.action == PlannedAction::Create,
            lingers: change.action == PlannedAction::NoOp
                && change.reason == Some(ActionReason::LenderEnds),
        };
        for path in &change.schema.exclusive {
            let mut values = Vec::new();
            pick(&change.after, &path.0, &mut values);
            for value in values {
                if let Some(thing) = name_of(&value) {
                    all.entry(thing).or_default().push(holder());
                }
            }
        }
    }
    all.retain(|_, holders| holders.len() > 1);
    all
}

/// Names the thing behind a reference: its id, or the one instance that the value waits for.
fn name_of(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return (!text.is_empty()).then(|| text.to_owned());
    }
    let Kind::Unknown(unknown) = value.kind() else { return None };
    let mut causes = unknown.causes.iter();
    match (causes.next(), causes.next()) {
        (Some(Cause::Instance { addr, .. }), None) => Some(addr.to_string()),
        _ => None,
    }
}

fn overlap(thing: &str, first: &Holder, second: &Holder) -> Diagnostic {
    let until = first.until.map_or("without end".to_owned(), |until| format!("until {until}"));
    Diagnostic::error(codes::OVERLAP, "Held by two at the same time")
        .detail(format!(
            "{} holds {thing} {until}, and {} would hold it from {} on.",
            first.addr, second.addr, second.from
        ))
        .about(second.addr.clone())
        .help("let the second lease begin when the first one ends, or give each its own")
}
