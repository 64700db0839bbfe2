//! Recording of what an evaluation read, so that an instance waits for what it really needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::rc::Rc;

use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_state::Dep;

use super::files::FileReads;

/// How many instances of one configuration block a set names one by one. Beyond it the set names the
/// block, so that N readers of M instances cost N edges, not N×M.
const ONE_BY_ONE: usize = 16;

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
pub(super) struct ReadStack(RefCell<Vec<Reads>>);

impl ReadStack {
    pub(super) fn push(&self) {
        self.0.borrow_mut().push(Reads::default());
    }

    pub(super) fn pop(&self) -> Deps {
        let Reads { deps, files } = self.0.borrow_mut().pop().unwrap_or_default();
        Rc::new(Reads { deps: collapsed(deps), files })
    }

    pub(super) fn note(&self, dep: impl FnOnce() -> Dep) {
        if let Some(innermost) = self.0.borrow_mut().last_mut() {
            innermost.deps.insert(dep());
        }
    }

    pub(super) fn note_all(&self, reads: &Deps) {
        if let Some(innermost) = self.0.borrow_mut().last_mut() {
            innermost.deps.extend(reads.iter().cloned());
            innermost.files.extend(reads.files.iter().map(|(name, hash)| (name.clone(), *hash)));
        }
    }

    pub(super) fn note_files(&self, files: FileReads) {
        if let Some(innermost) = self.0.borrow_mut().last_mut() {
            innermost.files.extend(files);
        }
    }
}

/// Replaces many reads of one configuration block by the block.
fn collapsed(deps: BTreeSet<Dep>) -> BTreeSet<Dep> {
    if deps.len() <= ONE_BY_ONE {
        return deps;
    }
    let mut by_block: BTreeMap<ConfigAddr, Vec<Dep>> = BTreeMap::new();
    let mut sets = Vec::new();
    for dep in deps {
        let block = match &dep {
            Dep::Instance(ResourceAddr { block, .. }) | Dep::Block(block) => block.config(),
            Dep::Set(_) => {
                sets.push(dep);
                continue;
            }
        };
        by_block.entry(block).or_default().push(dep);
    }
    by_block
        .into_iter()
        .flat_map(
            |(block, deps)| if deps.len() > ONE_BY_ONE { vec![Dep::Block(block)] } else { deps },
        )
        .chain(sets)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_instances_of_a_block_become_the_block() {
        let instance = |n: usize| Dep::Instance(format!("module.m[{n}].a.b").parse().unwrap());
        let few: BTreeSet<_> = (0..ONE_BY_ONE).map(instance).collect();
        assert_eq!(collapsed(few.clone()), few);
        let many: BTreeSet<_> = (0..=ONE_BY_ONE).map(instance).collect();
        let block = "module.m.a.b".parse::<ResourceAddr>().unwrap().block;
        assert_eq!(collapsed(many), BTreeSet::from([Dep::Block(block)]));
    }
}
