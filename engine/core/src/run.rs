//! `run`: which part of a plan is due and approved, and what is held back.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_provider::Action;
use terrarium_state::{Dep, Scheduled, State};

use crate::{DeferredChange, Occupancy, Plan, PlannedAction, ResourceChange, approval};

/// What a run does at one instant.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The part of the plan that is due and approved; without changes: nothing is.
    pub plan: Plan,
    /// What is due and held back.
    pub held: Vec<HeldBack>,
    /// What stays scheduled, once the plan is carried out.
    pub left: Vec<Scheduled>,
    /// When the next scheduled action falls due, if one does.
    pub next: Option<Timestamp>,
}

/// An action that is due and not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: Action,
    /// Why not, in a sentence.
    pub why: String,
    /// Until when it can still be done; `None`: without end.
    pub open_until: Option<Timestamp>,
}

/// Splits a plan: what is scheduled, approved as it is and due by `now` is done; nothing else is.
///
/// An entry that the plan no longer needs is dropped; one that the plan defers again stays.
pub fn turn(plan: Plan, state: &State, now: Timestamp) -> Turn {
    let changes = Changes::of(&plan);
    let deferred: HashMap<(&ResourceAddr, Option<Action>), &DeferredChange> = plan
        .deferred
        .iter()
        .map(|deferred| ((&deferred.change.addr, action_of(&deferred.change)), deferred))
        .collect();
    // The current object of an instance comes before what is left over of it.
    let known: HashMap<&ResourceAddr, &ResourceChange> =
        plan.changes.iter().rev().map(|change| (&change.addr, change)).collect();
    let scheduled: HashSet<&ResourceAddr> =
        state.schedule.iter().map(|entry| &entry.addr).collect();
    let mut held = Vec::new();
    let mut left = Vec::new();
    let mut due: BTreeMap<usize, &Scheduled> = BTreeMap::new();
    for entry in &state.schedule {
        if let Some(deferred) = deferred.get(&(&entry.addr, Some(entry.action))) {
            let kept = |new| Scheduled {
                approval: entry.approval.clone(),
                inputs: entry.inputs.clone(),
                ..new
            };
            left.extend(deferred.entry(&state.lineage).map(kept));
            continue;
        }
        let why = match changes.acting(entry) {
            Some(at) => {
                let change = &plan.changes[at];
                let why = objection(change, entry, &state.lineage, &changes, &scheduled);
                if why.is_none() {
                    due.insert(at, entry);
                }
                why
            }
            // It is done, or what the configuration says now needs it no more: that nobody approved.
            None => match known.get(&entry.addr) {
                Some(change) => approval::objection(entry, change, &state.lineage),
                None => Some("the configuration no longer declares it so".to_owned()),
            },
        };
        if let Some(why) = why {
            left.push(entry.clone());
            held.push(HeldBack::of(entry, why));
        }
    }
    hold_dependents(&plan, &mut due, &mut held, &mut left);
    let mut due: HashSet<usize> = due.into_keys().collect();
    if !due.is_empty() {
        due.extend(changes.reads(&due));
    }
    let coming = left.iter().filter_map(|entry| entry.schedule.not_before);
    let next = coming.filter(|at| *at > now).min();
    drop(changes);
    Turn { plan: restricted(plan, &due, state), held, left, next }
}

impl HeldBack {
    fn of(entry: &Scheduled, why: String) -> Self {
        Self {
            addr: entry.addr.clone(),
            action: entry.action,
            why,
            open_until: entry.schedule.not_after,
        }
    }
}

/// Holds back what needs something that is held back, until nothing that is left does.
fn hold_dependents(
    plan: &Plan,
    due: &mut BTreeMap<usize, &Scheduled>,
    held: &mut Vec<HeldBack>,
    left: &mut Vec<Scheduled>,
) {
    loop {
        let instances: HashSet<&ResourceAddr> = held.iter().map(|held| &held.addr).collect();
        let blocks: HashMap<ConfigAddr, &ResourceAddr> =
            held.iter().map(|held| (held.addr.block.config(), &held.addr)).collect();
        let missing = |dep: &Dep| match dep.block() {
            Some(block) => blocks.get(&block.config()).copied(),
            None => dep.instances().iter().find_map(|addr| instances.get(addr).copied()),
        };
        let more: Vec<(usize, String)> = due
            .keys()
            .filter_map(|at| {
                let needed = plan.changes[*at].deps.iter().find_map(missing)?;
                Some((*at, format!("{needed}, which it needs, is held back")))
            })
            .collect();
        if more.is_empty() {
            return;
        }
        for (at, why) in more {
            if let Some(entry) = due.remove(&at) {
                left.push(entry.clone());
                held.push(HeldBack::of(entry, why));
            }
        }
    }
}

/// The changes of a plan that do something, by address and by block.
struct Changes<'p> {
    plan: &'p Plan,
    by_addr: HashMap<&'p ResourceAddr, Vec<usize>>,
    by_block: HashMap<ConfigAddr, Vec<&'p ResourceAddr>>,
}

impl<'p> Changes<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut changes = Self { plan, by_addr: HashMap::new(), by_block: HashMap::new() };
        for (at, change) in plan.changes.iter().enumerate() {
            if change.action != PlannedAction::NoOp {
                changes.by_addr.entry(&change.addr).or_default().push(at);
                changes.by_block.entry(change.addr.block.config()).or_default().push(&change.addr);
            }
        }
        changes
    }

    /// Returns the change that an entry may mean: the one with its action, else any of its instance.
    fn acting(&self, entry: &Scheduled) -> Option<usize> {
        let all = self.by_addr.get(&entry.addr)?;
        let same = all.iter().find(|at| action_of(&self.plan.changes[**at]) == Some(entry.action));
        same.or(all.first()).copied()
    }

    /// Returns something that a change needs and nobody approved. Reading needs no approval: what a data
    /// source needs counts in its place.
    fn unapproved(
        &self,
        deps: &'p [Dep],
        scheduled: &HashSet<&ResourceAddr>,
    ) -> Option<&'p ResourceAddr> {
        let mut wanted: Vec<&Dep> = deps.iter().collect();
        let mut seen: HashSet<&ResourceAddr> = HashSet::new();
        while let Some(dep) = wanted.pop() {
            for addr in self.named(dep) {
                if scheduled.contains(addr) || !seen.insert(addr) {
                    continue;
                }
                let of_it = self.by_addr.get(addr).into_iter().flatten();
                for change in of_it.map(|at| &self.plan.changes[*at]) {
                    if change.action != PlannedAction::Read {
                        return Some(addr);
                    }
                    wanted.extend(&change.deps);
                }
            }
        }
        None
    }

    /// Returns the instances that a dependency names and that do something.
    fn named(&self, dep: &'p Dep) -> Vec<&'p ResourceAddr> {
        if let Some(block) = dep.block() {
            return self.by_block.get(&block.config()).cloned().unwrap_or_default();
        }
        let acting = |addr| self.by_addr.get_key_value(addr).map(|(addr, _)| *addr);
        dep.instances().iter().filter_map(acting).collect()
    }

    /// Returns the data sources that can be read once what is due is done: nothing that they need has to
    /// be changed beside it.
    fn reads(&self, due: &HashSet<usize>) -> HashSet<usize> {
        let done: HashSet<&ResourceAddr> =
            due.iter().map(|at| &self.plan.changes[*at].addr).collect();
        let reads = self.plan.changes.iter().enumerate();
        reads
            .filter(|(_, change)| {
                change.action == PlannedAction::Read
                    && self.unapproved(&change.deps, &done).is_none()
            })
            .map(|(at, _)| at)
            .collect()
    }
}

fn action_of(change: &ResourceChange) -> Option<Action> {
    match change.action {
        PlannedAction::Create | PlannedAction::Replace(_) | PlannedAction::Read => {
            Some(Action::Create)
        }
        PlannedAction::Update => Some(Action::Update),
        PlannedAction::Delete | PlannedAction::Forget => Some(Action::Delete),
        PlannedAction::NoOp => None,
    }
}

/// Says what keeps a due action from being the one that was approved.
fn objection<'p>(
    change: &'p ResourceChange,
    entry: &Scheduled,
    lineage: &str,
    changes: &Changes<'p>,
    scheduled: &HashSet<&ResourceAddr>,
) -> Option<String> {
    if action_of(change) != Some(entry.action) {
        return Some("the plan is another action by now".to_owned());
    }
    if let Some(why) = approval::objection(entry, change, lineage) {
        return Some(why);
    }
    let needed = changes.unapproved(&change.deps, scheduled);
    needed.map(|addr| format!("{addr}, which it needs, would have to be changed first"))
}

/// Returns the plan of these changes alone; everything else stays as it is, and is recorded as it was.
fn restricted(mut plan: Plan, due: &HashSet<usize>, state: &State) -> Plan {
    let mut at = 0;
    plan.changes.retain_mut(|change| {
        let stays = due.contains(&at) || change.action == PlannedAction::NoOp;
        at += 1;
        if stays {
            return true;
        }
        change.action = PlannedAction::NoOp;
        change.reason = None;
        change.requires_replace.clear();
        change.after = change.before.clone();
        let recorded_at = change.moved_from.as_ref().unwrap_or(&change.addr);
        let instance = state.resources.get(recorded_at);
        if let Some(object) = instance.and_then(|instance| instance.current.as_ref()) {
            change.deps.clone_from(&object.deps);
            change.window = object.window;
            change.occupies = Occupancy { lenders: object.occupies.clone(), foreign: Vec::new() };
        }
        // What does not exist yet, and what is only left over, is no part of it.
        !change.before.is_null() && change.deposed.is_none() && change.importing.is_none()
    });
    plan
}
