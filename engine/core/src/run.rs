//! `run`: which part of a plan is due and approved, and what is held back.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use jiff::Timestamp;
use terrarium_address::{ConfigAddr, InstanceKey, ModuleCallStep, ModulePath, ResourceAddr};
use terrarium_provider::Action;
use terrarium_state::{Dep, InstanceSet, Scheduled, State};

use crate::places::Places;
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
    let unapproved = Unapproved::of(&plan, &scheduled);
    let mut held = Vec::new();
    let mut left = Vec::new();
    let mut due: BTreeMap<usize, &Scheduled> = BTreeMap::new();
    for entry in &state.schedule {
        if let Some(deferred) = deferred.get(&(&entry.addr, Some(entry.action))) {
            let kept = |new| Scheduled {
                approval: entry.approval.clone(),
                inputs: entry.inputs.clone(),
                trials: entry.trials,
                ..new
            };
            left.extend(deferred.entry(&state.lineage).map(kept));
            continue;
        }
        let why = match changes.acting(entry) {
            Some(at) => {
                let change = &plan.changes[at];
                let why = objection(change, entry, &state.lineage, &unapproved);
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
    drop((changes, unapproved));
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

/// Holds back what needs something that is held back, however far.
fn hold_dependents(
    plan: &Plan,
    due: &mut BTreeMap<usize, &Scheduled>,
    held: &mut Vec<HeldBack>,
    left: &mut Vec<Scheduled>,
) {
    let mut readers = Readers::default();
    for at in due.keys() {
        readers.add(&plan.changes[*at].deps, *at);
    }
    let mut open: VecDeque<ResourceAddr> = held.iter().map(|held| held.addr.clone()).collect();
    while let Some(needed) = open.pop_front() {
        for at in readers.take(&needed) {
            if let Some(entry) = due.remove(&at) {
                left.push(entry.clone());
                held.push(HeldBack::of(entry, format!("{needed}, which it needs, is held back")));
                open.push_back(entry.addr.clone());
            }
        }
    }
}

/// The changes of a plan that do something, by address and by block.
struct Changes<'p> {
    plan: &'p Plan,
    by_addr: HashMap<&'p ResourceAddr, Vec<usize>>,
}

impl<'p> Changes<'p> {
    fn of(plan: &'p Plan) -> Self {
        let mut changes = Self { plan, by_addr: HashMap::new() };
        for (at, change) in plan.changes.iter().enumerate() {
            if change.action != PlannedAction::NoOp {
                changes.by_addr.entry(&change.addr).or_default().push(at);
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

    /// Returns the data sources that can be read once what is due is done: nothing that they need has to
    /// be changed beside it.
    fn reads(&self, due: &HashSet<usize>) -> HashSet<usize> {
        let done: HashSet<&ResourceAddr> =
            due.iter().map(|at| &self.plan.changes[*at].addr).collect();
        let unapproved = Unapproved::of(self.plan, &done);
        let reads = self.plan.changes.iter().enumerate();
        reads
            .filter(|(_, change)| {
                change.action == PlannedAction::Read && unapproved.needed_by(&change.deps).is_none()
            })
            .map(|(at, _)| at)
            .collect()
    }
}

/// Who reads what: readers by what they name, so that each is found once, however many read the same.
struct Readers<'p, T> {
    instances: HashMap<&'p ResourceAddr, Vec<T>>,
    blocks: HashMap<&'p ConfigAddr, Vec<T>>,
    sets: HashMap<&'p InstanceSet, Vec<T>>,
    /// The sets that an instance is a member of.
    sets_of: HashMap<&'p ResourceAddr, Vec<&'p InstanceSet>>,
}

impl<T> Default for Readers<'_, T> {
    fn default() -> Self {
        Self {
            instances: HashMap::new(),
            blocks: HashMap::new(),
            sets: HashMap::new(),
            sets_of: HashMap::new(),
        }
    }
}

impl<'p, T: Copy> Readers<'p, T> {
    fn add(&mut self, deps: &'p [Dep], reader: T) {
        for dep in deps {
            match dep {
                Dep::Instance(addr) => self.instances.entry(addr).or_default().push(reader),
                Dep::Block(block) => self.blocks.entry(block).or_default().push(reader),
                Dep::Set(set) => {
                    if !self.sets.contains_key(set) {
                        for addr in set.addrs() {
                            self.sets_of.entry(addr).or_default().push(set);
                        }
                    }
                    self.sets.entry(set).or_default().push(reader);
                }
            }
        }
    }

    /// Takes those who read an instance; whoever reads others beside it does not come again.
    fn take(&mut self, addr: &ResourceAddr) -> Vec<T> {
        let mut found = self.instances.remove(addr).unwrap_or_default();
        for block in around(&addr.block) {
            found.extend(self.blocks.remove(&block).unwrap_or_default());
        }
        for set in self.sets_of.remove(addr).unwrap_or_default() {
            found.extend(self.sets.remove(set).unwrap_or_default());
        }
        found
    }
}

/// Lists a block as those name it who read all of it: in its own module instance, or in every instance of some
/// of the innermost calls around it.
fn around(block: &ConfigAddr) -> impl Iterator<Item = ConfigAddr> {
    let steps = block.module.steps();
    (0..=steps.len())
        .filter(|keyed| {
            // The same without the key that is none would come twice.
            keyed.checked_sub(1).is_none_or(|last| {
                steps.get(last).is_some_and(|step| step.key != InstanceKey::None)
            })
        })
        .map(|keyed| {
            let named = steps.iter().enumerate().map(|(at, step)| {
                let key = if at < keyed { step.key.clone() } else { InstanceKey::None };
                ModuleCallStep { name: step.name.clone(), key }
            });
            ConfigAddr { module: ModulePath::new(named), ..block.clone() }
        })
}

/// What would have to be done, and nobody approved. Reading needs no approval: what a data source needs counts
/// in its place.
struct Unapproved<'p> {
    /// It, by the instances that need it or are it themselves.
    needed: Places<&'p ResourceAddr>,
    /// One of each set, once it was asked for.
    sets: RefCell<HashMap<InstanceSet, Option<&'p ResourceAddr>>>,
}

impl<'p> Unapproved<'p> {
    fn of(plan: &'p Plan, scheduled: &HashSet<&ResourceAddr>) -> Self {
        let mut known: HashSet<&ResourceAddr> = HashSet::new();
        let mut places: Places<&ResourceAddr> = Places::default();
        let mut readers: Readers<'_, &ResourceAddr> = Readers::default();
        let mut open: Vec<(&ResourceAddr, &ResourceAddr)> = Vec::new();
        let acts = |change: &&ResourceChange| {
            change.action != PlannedAction::NoOp && !scheduled.contains(&change.addr)
        };
        for change in plan.changes.iter().filter(acts) {
            if change.action == PlannedAction::Read {
                readers.add(&change.deps, &change.addr);
            } else {
                open.push((&change.addr, &change.addr));
            }
        }
        while let Some((addr, needed)) = open.pop() {
            if !known.insert(addr) {
                continue;
            }
            places.add(addr, &needed, |first, _| first);
            open.extend(readers.take(addr).into_iter().map(|reader| (reader, needed)));
        }
        Self { needed: places, sets: RefCell::default() }
    }

    /// Returns something unapproved that dependencies need.
    fn needed_by(&self, deps: &[Dep]) -> Option<&'p ResourceAddr> {
        deps.iter().rev().find_map(|dep| {
            let Dep::Set(set) = dep else { return self.needed.of(dep).first().map(|it| **it) };
            if let Some(known) = self.sets.borrow().get(set) {
                return *known;
            }
            let found = self.needed.of(dep).first().map(|it| **it);
            self.sets.borrow_mut().insert(set.clone(), found);
            found
        })
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
fn objection(
    change: &ResourceChange,
    entry: &Scheduled,
    lineage: &str,
    unapproved: &Unapproved<'_>,
) -> Option<String> {
    if action_of(change) != Some(entry.action) {
        return Some("the plan is another action by now".to_owned());
    }
    if let Some(why) = approval::objection(entry, change, lineage) {
        return Some(why);
    }
    let needed = unapproved.needed_by(&change.deps);
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
        change.reason = crate::Rare::default();
        change.requires_replace.clear();
        change.after = change.before.clone();
        let recorded_at = change.moved_from.as_ref().unwrap_or(&change.addr);
        let instance = state.resources.get(recorded_at);
        if let Some(object) = instance.and_then(|instance| instance.current.as_ref()) {
            change.deps.clone_from(&object.deps);
            change.window = object.window.into();
            change.occupies =
                Occupancy { lenders: object.occupies.clone(), foreign: Vec::new() }.into();
        }
        // What does not exist yet, and what is only left over, is no part of it.
        !change.before.is_null() && change.deposed.is_none() && change.importing.is_none()
    });
    plan
}

#[cfg(test)]
mod tests {
    use terrarium_address::Target;

    use super::*;

    #[test]
    fn readers_of_a_block_are_found_by_its_module_instance_alone() {
        let block = |text: &str| match text.parse().unwrap() {
            Target::Block(block) => Dep::Block(block),
            other => panic!("{other:?} is no block"),
        };
        let deps = [
            r#"module.m["x"].module.n.a.b"#,
            r#"module.m["y"].module.n.a.b"#,
            "module.m.module.n.a.b",
            "module.o.a.b",
        ]
        .map(block);
        let mut readers = Readers::default();
        for (at, dep) in deps.iter().enumerate() {
            readers.add(std::slice::from_ref(dep), at);
        }
        let mut taken = |addr: &str| {
            let mut taken = readers.take(&addr.parse().unwrap());
            taken.sort_unstable();
            taken
        };
        assert_eq!(taken(r#"module.m["x"].module.n[1].a.b[0]"#), [0, 2]);
        assert!(taken(r#"module.m["x"].module.n[1].a.b[1]"#).is_empty());
        assert_eq!(taken(r#"module.m["y"].module.n.a.b"#), [1]);
        assert_eq!(taken("module.o.a.b"), [3]);
    }
}
