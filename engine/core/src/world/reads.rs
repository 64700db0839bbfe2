//! Recording of what an evaluation read, so that an instance waits for what it really needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::rc::Rc;

use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_state::{Dep, InstanceSet};

use super::files::FileReads;

/// What was read, directly or through named values: instances and blocks, and beside them files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    deps: BTreeSet<Dep>,
    pub(crate) files: FileReads,
}

impl Deref for Reads {
    type Target = BTreeSet<Dep>;

    fn deref(&self) -> &BTreeSet<Dep> {
        &self.deps
    }
}

/// What was read, shared.
pub(crate) type Deps = Rc<Reads>;

/// One set per evaluation under way, innermost last.
#[derive(Default)]
pub(super) struct ReadStack {
    open: RefCell<Vec<Reads>>,
    /// The sets of instances so far, each kept once.
    known: RefCell<BTreeSet<InstanceSet>>,
}

impl ReadStack {
    pub(super) fn push(&self) {
        self.open.borrow_mut().push(Reads::default());
    }

    pub(super) fn pop(&self) -> Deps {
        let Reads { deps, files } = self.open.borrow_mut().pop().unwrap_or_default();
        let deps = match deps.len() {
            0 | 1 => deps,
            _ => gathered(deps, &mut self.known.borrow_mut()),
        };
        Rc::new(Reads { deps, files })
    }

    pub(super) fn note(&self, dep: impl FnOnce() -> Dep) {
        if let Some(innermost) = self.open.borrow_mut().last_mut() {
            innermost.deps.insert(dep());
        }
    }

    pub(super) fn note_all(&self, reads: &Deps) {
        if let Some(innermost) = self.open.borrow_mut().last_mut() {
            innermost.deps.extend(reads.iter().cloned());
            innermost.files.extend(reads.files.iter().map(|(name, hash)| (name.clone(), *hash)));
        }
    }

    /// Notes what was read elsewhere, but for a block's own instances.
    pub(super) fn note_all_but(&self, reads: &Deps, own: &ConfigAddr) {
        let is_own = |dep: &Dep| dep.blocks().next() == Some(own);
        if let Some(innermost) = self.open.borrow_mut().last_mut() {
            innermost.deps.extend(reads.iter().filter(|dep| !is_own(dep)).cloned());
            innermost.files.extend(reads.files.iter().map(|(name, hash)| (name.clone(), *hash)));
        }
    }

    pub(super) fn note_files(&self, files: FileReads) {
        if let Some(innermost) = self.open.borrow_mut().last_mut() {
            innermost.files.extend(files);
        }
    }
}

/// Makes one set of the instances of each configuration block that were read together, so that many
/// readers share what they read instead of naming it one by one.
fn gathered(deps: BTreeSet<Dep>, known: &mut BTreeSet<InstanceSet>) -> BTreeSet<Dep> {
    let mut gathered = BTreeSet::new();
    let mut by_block: BTreeMap<ConfigAddr, Vec<ResourceAddr>> = BTreeMap::new();
    for dep in deps {
        match dep {
            Dep::Instance(addr) => by_block.entry(addr.block.config()).or_default().push(addr),
            Dep::Block(_) | Dep::Set(_) => drop(gathered.insert(dep)),
        }
    }
    for mut addrs in by_block.into_values() {
        gathered.insert(match (addrs.pop(), addrs.is_empty()) {
            (Some(one), true) => Dep::Instance(one),
            (last, _) => {
                let set: InstanceSet = addrs.into_iter().chain(last).collect();
                if !known.contains(&set) {
                    known.insert(set.clone());
                }
                Dep::Set(known.get(&set).cloned().unwrap_or(set))
            }
        });
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_that_are_read_together_are_one_set_however_many() {
        let instance = |n: usize| format!("module.m[{n}].a.b").parse::<ResourceAddr>().unwrap();
        let mut known = BTreeSet::new();
        for many in [2, 16, 17, 1_000] {
            let other = Dep::Instance("a.c".parse().unwrap());
            let reads = || (0..many).map(instance).map(Dep::Instance).chain([other.clone()]);
            let expected = Dep::Set((0..many).map(instance).collect());
            let first = gathered(reads().collect(), &mut known);
            assert_eq!(first, BTreeSet::from([other.clone(), expected]));
            let before = known.len();
            assert_eq!(gathered(reads().collect(), &mut known), first);
            assert_eq!(known.len(), before, "what was read before is shared");
        }
    }

    #[test]
    fn one_instance_stays_one() {
        let one = BTreeSet::from([Dep::Instance("a.b[3]".parse().unwrap())]);
        assert_eq!(gathered(one.clone(), &mut BTreeSet::new()), one);
    }
}
