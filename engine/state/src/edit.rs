//! Changes of the state that no provider takes part in: move, remove, push, taint. Pure functions
//! from a state to the [`Batch`] that carries them out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::{ConfigAddr, ModulePath, Name, ResourceAddr, Target};

use crate::{
    Adopted, Batch, Dep, InstanceSet, Object, ObjectChange, ObjectStatus, ScheduleChange,
    Scheduled, State, v4,
};

/// Why a state can't be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The address names nothing in the state.
    #[error("{0} does not match anything in the current state")]
    Missing(String),
    /// There is something already where it should go.
    #[error("there is already a resource instance at {0}")]
    Occupied(String),
    /// Source and target are not of the same kind.
    #[error("{from} can't be moved to {to}: {cause}")]
    Mismatch {
        /// The source.
        from: String,
        /// The target.
        to: String,
        /// Why not.
        cause: &'static str,
    },
    /// An operation on it has no outcome yet.
    #[error(
        "an operation on {0} is unfinished; run a command that settles it first, such as apply"
    )]
    Unfinished(String),
    /// The pushed state is of another line of states.
    #[error(
        "cannot import state with lineage \"{theirs}\" over unrelated state with lineage \"{ours}\""
    )]
    Lineage {
        /// Ours.
        ours: String,
        /// That of the pushed state.
        theirs: String,
    },
    /// The pushed state is older than ours.
    #[error("cannot import state with serial {theirs} over newer state with serial {ours}")]
    Older {
        /// Ours.
        ours: u64,
        /// That of the pushed state.
        theirs: u64,
    },
    /// The pushed state has our serial and another content.
    #[error(
        "cannot overwrite existing state with serial {0} with a different state that has the same serial"
    )]
    SameSerial(u64),
}

/// A move and what it moves.
#[derive(Clone, Debug)]
pub struct Renamed {
    /// Carries it out.
    pub batch: Batch,
    /// Each instance with its new address.
    pub moves: Vec<(ResourceAddr, ResourceAddr)>,
}

/// A removal and what it removes.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Carries it out.
    pub batch: Batch,
    /// The instances.
    pub removed: Vec<ResourceAddr>,
}

/// Moves a module, a block or an instance. What depends on the moved instances follows them.
pub fn rename(state: &State, from: &Target, to: &Target) -> Result<Renamed, EditError> {
    let moves = moves(state, from, to)?;
    let leaving: BTreeSet<&ResourceAddr> = moves.keys().collect();
    for (old, new) in &moves {
        settled(state, old)?;
        if state.resources.contains_key(new) && !leaving.contains(new) {
            return Err(EditError::Occupied(new.to_string()));
        }
    }
    let renames = Renames::of(state, &moves);
    let mut gone = Vec::new();
    let mut written = Vec::new();
    for (addr, instance) in &state.resources {
        let new = moves.get(addr);
        for (deposed, object) in instance.objects() {
            let renamed = renames.object(object);
            if new.is_none() && renamed.is_none() {
                continue;
            }
            let change = |addr: &ResourceAddr, object| ObjectChange {
                addr: addr.clone(),
                deposed: deposed.cloned(),
                provider: instance.provider.clone(),
                object,
            };
            if new.is_some() {
                gone.push(change(addr, None));
            }
            let object = renamed.unwrap_or_else(|| object.clone());
            written.push(change(new.unwrap_or(addr), Some(object)));
        }
    }
    let moved: Vec<Scheduled> = state
        .schedule
        .iter()
        .map(|one| match moves.get(&one.addr) {
            Some(new) => Scheduled { addr: new.clone(), ..one.clone() },
            None => one.clone(),
        })
        .collect();
    let schedule = ScheduleChange::between(&state.schedule, &moved);
    gone.extend(written);
    let batch = Batch { objects: gone, schedule, ..Batch::default() };
    Ok(Renamed { batch, moves: moves.into_iter().collect() })
}

/// Removes instances from the state; the objects themselves stay where they are.
pub fn remove(state: &State, targets: &[Target]) -> Result<Removed, EditError> {
    let mut removed = BTreeSet::new();
    for target in targets {
        let found = state.resources.keys().filter(|addr| target.contains(addr));
        let before = removed.len();
        removed.extend(found.cloned());
        if removed.len() == before && !removed.iter().any(|addr| target.contains(addr)) {
            return Err(EditError::Missing(target.to_string()));
        }
    }
    let mut changes = Vec::new();
    for addr in &removed {
        settled(state, addr)?;
        let Some(instance) = state.resources.get(addr) else { continue };
        changes.extend(instance.objects().map(|(deposed, _)| ObjectChange {
            addr: addr.clone(),
            deposed: deposed.cloned(),
            provider: instance.provider.clone(),
            object: None,
        }));
    }
    let gone = state.schedule.iter().filter(|one| removed.contains(&one.addr));
    let schedule = gone.map(|one| ScheduleChange::Remove(one.key())).collect();
    let batch = Batch { objects: changes, schedule, ..Batch::default() };
    Ok(Removed { batch, removed: removed.into_iter().collect() })
}

/// Puts another state in the place of ours: one of our line and newer, or, by force, any.
///
/// `adopted` names the file, where it is the one that the state was taken over from.
pub fn push(
    own: &State,
    pushed: State,
    force: bool,
    adopted: Option<Adopted>,
) -> Result<Batch, EditError> {
    if let Some(open) = own.intents.first() {
        return Err(EditError::Unfinished(open.intent.addr.to_string()));
    }
    let has_own = !is_fresh(own);
    if has_own && !force {
        let (ours, theirs) = (own.serial, pushed.serial);
        if own.lineage != pushed.lineage {
            let (ours, theirs) = (own.lineage.to_string(), pushed.lineage.to_string());
            return Err(EditError::Lineage { ours, theirs });
        }
        if theirs < ours {
            return Err(EditError::Older { ours, theirs });
        }
        if theirs == ours && v4::write(own) != v4::write(&pushed) {
            return Err(EditError::SameSerial(ours));
        }
    }
    let same = has_own && v4::write(own) == v4::write(&pushed);
    let replace = (!same).then(|| pushed.into());
    Ok(Batch { replace, adopted, ..Batch::default() })
}

/// Marks an instance's current object as tainted, or as ready again.
pub fn mark(state: &State, addr: &ResourceAddr, status: ObjectStatus) -> Result<Batch, EditError> {
    let missing = || EditError::Missing(addr.to_string());
    let instance = state.resources.get(addr).ok_or_else(missing)?;
    let object = instance.current.clone().ok_or_else(missing)?;
    settled(state, addr)?;
    let change = ObjectChange {
        addr: addr.clone(),
        deposed: None,
        provider: instance.provider.clone(),
        object: Some(Object { status, ..object }),
    };
    Ok(Batch { objects: vec![change], ..Batch::default() })
}

/// Returns whether no command has changed the state yet.
pub(crate) fn is_fresh(state: &State) -> bool {
    state.serial == 0 && state.resources.is_empty() && state.intents.is_empty()
}

pub(crate) fn settled(state: &State, addr: &ResourceAddr) -> Result<(), EditError> {
    if state.intents.iter().any(|open| open.intent.addr == *addr) {
        return Err(EditError::Unfinished(addr.to_string()));
    }
    Ok(())
}

type Moves = BTreeMap<ResourceAddr, ResourceAddr>;

/// Lists what moves where.
fn moves(state: &State, from: &Target, to: &Target) -> Result<Moves, EditError> {
    let mismatch =
        |cause| EditError::Mismatch { from: from.to_string(), to: to.to_string(), cause };
    let all = state.resources.keys();
    let moves: Moves = match (from, to) {
        (Target::Module(old), Target::Module(new)) => all
            .filter_map(|addr| {
                let module = rebased(&addr.block.module, old, new)?;
                let block = ConfigAddr { module, ..addr.block.clone() };
                Some((addr.clone(), ResourceAddr { block, key: addr.key.clone() }))
            })
            .collect(),
        (Target::Module(_), _) | (_, Target::Module(_)) => {
            return Err(mismatch("a module can only be moved to a module"));
        }
        (Target::Block(old), Target::Block(new)) => {
            alike(old, new).map_err(mismatch)?;
            let mine = all.filter(|addr| addr.block == *old);
            mine.map(|addr| (addr.clone(), new.instance(addr.key.clone()))).collect()
        }
        (Target::Block(old), Target::Instance(new)) => {
            alike(old, &new.block).map_err(mismatch)?;
            let old = old.instance(terrarium_address::InstanceKey::None);
            all.filter(|addr| **addr == old).map(|addr| (addr.clone(), new.clone())).collect()
        }
        (Target::Instance(old), to) => {
            let new = match to {
                Target::Instance(new) => new.clone(),
                Target::Block(block) => block.instance(terrarium_address::InstanceKey::None),
                Target::Module(_) => return Err(mismatch("an instance is no module")),
            };
            alike(&old.block, &new.block).map_err(mismatch)?;
            all.filter(|addr| *addr == old).map(|addr| (addr.clone(), new.clone())).collect()
        }
    };
    if moves.is_empty() { Err(EditError::Missing(from.to_string())) } else { Ok(moves) }
}

fn alike(old: &ConfigAddr, new: &ConfigAddr) -> Result<(), &'static str> {
    if (old.mode, &old.kind) == (new.mode, &new.kind) {
        Ok(())
    } else {
        Err("resource types don't match")
    }
}

/// Returns the path with its beginning `old` replaced; `None` where it does not begin so.
fn rebased(path: &ModulePath, old: &ModulePath, new: &ModulePath) -> Option<ModulePath> {
    let rest = path.steps().strip_prefix(old.steps())?;
    Some(ModulePath::new(new.steps().iter().chain(rest).cloned()))
}

/// How references to what moved change.
struct Renames<'m> {
    instances: &'m Moves,
    /// Blocks of which nothing stays behind, with and without the keys of their modules.
    blocks: BTreeMap<ConfigAddr, ConfigAddr>,
    /// Sets by the hash that they had before.
    sets: RefCell<BTreeMap<Name, InstanceSet>>,
}

impl<'m> Renames<'m> {
    fn of(state: &State, instances: &'m Moves) -> Self {
        let mut blocks: BTreeMap<ConfigAddr, ConfigAddr> = BTreeMap::new();
        for (old, new) in instances {
            blocks.insert(old.block.clone(), new.block.clone());
            blocks.insert(old.block.config(), new.block.config());
        }
        for addr in state.resources.keys().filter(|addr| !instances.contains_key(addr)) {
            blocks.remove(&addr.block);
            blocks.remove(&addr.block.config());
        }
        Self { instances, blocks, sets: RefCell::default() }
    }

    /// Returns the object with its references changed; `None` where it has none of them.
    fn object(&self, object: &Object) -> Option<Object> {
        let deps: Vec<Dep> = object.deps.iter().map(|dep| self.dep(dep)).collect();
        let occupies: Vec<_> = object.occupies.iter().map(|addr| self.addr(addr)).collect();
        let same = deps == object.deps && occupies == object.occupies;
        (!same).then(|| Object { deps, occupies, ..object.clone() })
    }

    fn dep(&self, dep: &Dep) -> Dep {
        match dep {
            Dep::Instance(addr) => Dep::Instance(self.addr(addr)),
            Dep::Block(block) => {
                Dep::Block(self.blocks.get(block).cloned().unwrap_or_else(|| block.clone()))
            }
            // Thousands of objects share a set: it is renamed once.
            Dep::Set(set) => {
                let mut sets = self.sets.borrow_mut();
                let renamed = sets.entry(set.hash().clone()).or_insert_with(|| {
                    let moves = set.addrs().iter().any(|addr| self.instances.contains_key(addr));
                    if !moves {
                        return set.clone();
                    }
                    set.addrs().iter().map(|addr| self.addr(addr)).collect()
                });
                Dep::Set(renamed.clone())
            }
        }
    }

    fn addr(&self, addr: &ResourceAddr) -> ResourceAddr {
        self.instances.get(addr).unwrap_or(addr).clone()
    }
}
