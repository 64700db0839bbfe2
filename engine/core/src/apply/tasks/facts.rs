//! What a plan and its state say of instances: which there are, and who needs whom.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrarium_address::{ConfigAddr, Mode as BlockMode, Name, ResourceAddr};
use terrarium_state::{Dep, InstanceSet, Object, State};

use super::circles::Will;
use crate::{Plan, PlannedAction, ResourceChange};

/// What an instance needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target<'p> {
    Instance(&'p ResourceAddr),
    /// All instances of a block.
    Block(&'p ConfigAddr),
    /// Each of many instances.
    Set(&'p InstanceSet),
}

/// Which of an instance's needs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What it will read: as planned, as recorded where there is no plan of it.
    Ahead,
    /// What its object rests on: as recorded; what is only planned counts less.
    Behind,
}

/// The plan and the state, by instance.
pub(super) struct Facts<'p> {
    pub(super) plan: &'p Plan,
    pub(super) state: &'p State,
    /// What is planned of current objects, deferred changes included.
    changes: HashMap<&'p ResourceAddr, &'p ResourceChange>,
    /// What data sources read that were read while planning.
    data: HashMap<&'p ResourceAddr, &'p [Dep]>,
    /// Where what moved in this plan was recorded before, and is now.
    moved: BTreeMap<&'p ResourceAddr, &'p ResourceAddr>,
    blocks: OnceCell<Blocks<'p>>,
}

impl<'p> Facts<'p> {
    pub(super) fn of(plan: &'p Plan, state: &'p State) -> Self {
        let deferred = plan.deferred.iter().map(|deferred| &deferred.change);
        let current = plan.changes.iter().chain(deferred).filter(|it| it.deposed.is_none());
        let mut facts = Self {
            plan,
            state,
            changes: HashMap::new(),
            data: plan.data.iter().map(|data| (&data.addr, data.deps.as_slice())).collect(),
            moved: BTreeMap::new(),
            blocks: OnceCell::new(),
        };
        for change in current {
            // The half that is done now wins over the one that waits.
            facts.changes.entry(&change.addr).or_insert(change);
            if let Some(from) = &*change.moved_from {
                facts.moved.insert(from, &change.addr);
            }
        }
        facts
    }

    /// Returns the change of a current object.
    pub(super) fn change(&self, addr: &ResourceAddr) -> Option<&'p ResourceChange> {
        self.changes.get(addr).copied()
    }

    /// Returns where an instance is, by an address that may be its old one.
    pub(super) fn now_at(&self, addr: &'p ResourceAddr) -> &'p ResourceAddr {
        self.moved.get(addr).copied().unwrap_or(addr)
    }

    /// Returns what is recorded of an object, wherever that was before it moved.
    fn object(&self, addr: &ResourceAddr, deposed: Option<&Name>) -> Option<&'p Object> {
        let moved_from = self.changes.get(addr).and_then(|change| change.moved_from.as_ref());
        let instance = self.state.resources.get(moved_from.unwrap_or(addr))?;
        match deposed {
            Some(key) => instance.deposed.get(key),
            None => instance.current.as_ref(),
        }
    }

    /// Lists what an object needs, each with how firm that is.
    pub(super) fn needs(
        &self,
        addr: &'p ResourceAddr,
        deposed: Option<&Name>,
        side: Side,
    ) -> Vec<(Target<'p>, Will)> {
        let mut needs = Vec::new();
        let change = self.changes.get(addr).copied().filter(|_| deposed.is_none());
        let planned = change.map(|change| change.deps.as_slice()).or(self.data.get(addr).copied());
        let lenders = change.map(|change| change.occupies.lenders.as_slice()).unwrap_or_default();
        let object = self.object(addr, deposed);
        let mut add = |deps: &'p [Dep], lenders: &'p [ResourceAddr], will| {
            needs.extend(lenders.iter().map(|lender| (Target::Instance(lender), will)));
            needs.extend(deps.iter().map(|dep| (target(dep), will)));
        };
        match side {
            Side::Ahead => {
                add(planned.unwrap_or_default(), lenders, Will::Must);
                // An instance that is no target is kept as it is, and nobody looked what it reads.
                let looked_at = planned.is_some() && self.plan.targets.is_empty();
                if let Some(object) = object.filter(|_| !looked_at) {
                    add(&object.deps, &object.occupies, Will::Should);
                }
            }
            Side::Behind => {
                if let Some(object) = object {
                    add(&object.deps, &object.occupies, Will::Must);
                }
                let same = object.is_some_and(|object| {
                    planned == Some(&object.deps[..]) && *lenders == object.occupies[..]
                });
                if !same {
                    add(planned.unwrap_or_default(), lenders, Will::May);
                }
            }
        }
        needs
    }

    /// Lists the instances that a target names.
    pub(super) fn instances(&self, target: Target<'p>) -> Vec<&'p ResourceAddr> {
        match target {
            Target::Instance(addr) => vec![addr],
            Target::Block(block) => self.blocks.get_or_init(|| self.index()).of(block),
            Target::Set(set) => set.addrs().iter().collect(),
        }
    }

    fn index(&self) -> Blocks<'p> {
        let mut all: BTreeSet<&ResourceAddr> = self.changes.keys().copied().collect();
        all.extend(self.plan.changes.iter().map(|change| &change.addr));
        all.extend(self.data.keys().copied());
        all.extend(self.state.resources.keys().map(|addr| self.now_at(addr)));
        let mut blocks = Blocks::default();
        for addr in all {
            blocks.add(addr, &addr.block);
        }
        // Who was recorded to read a block that moved since means it by its old name.
        for (from, to) in &self.moved {
            if from.block != to.block {
                blocks.add(to, &from.block);
            }
        }
        blocks
    }
}

pub(super) fn target(dep: &Dep) -> Target<'_> {
    match dep {
        Dep::Instance(addr) => Target::Instance(addr),
        Dep::Block(block) => Target::Block(block),
        Dep::Set(set) => Target::Set(set),
    }
}

/// Instances by block: exact, and by configuration block.
#[derive(Default)]
struct Blocks<'p> {
    exact: HashMap<&'p ConfigAddr, Vec<&'p ResourceAddr>>,
    config: HashMap<ConfigAddr, Vec<&'p ResourceAddr>>,
}

impl<'p> Blocks<'p> {
    fn add(&mut self, addr: &'p ResourceAddr, block: &'p ConfigAddr) {
        self.exact.entry(block).or_default().push(addr);
        self.config.entry(block.config()).or_default().push(addr);
    }

    /// A step without a key that names no instance by itself means all instances of that call.
    fn of(&self, block: &ConfigAddr) -> Vec<&'p ResourceAddr> {
        if let Some(exact) = self.exact.get(block) {
            return exact.clone();
        }
        let all = self.config.get(&block.config()).into_iter().flatten();
        all.copied().filter(|addr| block.covers(&addr.block)).collect()
    }
}

/// Returns whether an instance goes with this plan, or is no longer recorded after it.
pub(super) fn leaves(change: &ResourceChange) -> bool {
    matches!(change.action, PlannedAction::Delete | PlannedAction::Forget)
}

/// Returns whether an instance is a data source's.
pub(super) fn is_data(addr: &ResourceAddr) -> bool {
    addr.block.mode == BlockMode::Data
}
