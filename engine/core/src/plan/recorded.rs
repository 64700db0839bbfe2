//! What the state records, by configuration block, after `moved` blocks were followed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrarium_address::{ConfigAddr, Mode, ModuleCallStep, ModulePath, ResourceAddr, Target};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_state::{Instance, State};

use super::named::Scope;
use crate::codes;

/// A recorded instance.
#[derive(Clone, Debug)]
pub(crate) struct Recorded<'s> {
    pub(crate) instance: &'s Instance,
    /// Its recorded address, where a `moved` block gives it another.
    pub(crate) moved_from: Option<Box<ResourceAddr>>,
}

/// Recorded instances of one configuration block, by address.
pub(crate) type Block<'s> = BTreeMap<ResourceAddr, Recorded<'s>>;

/// Recorded instances by configuration block. Most blocks have one, for which a tree would be much too large.
pub(crate) struct Index<'s>(HashMap<ConfigAddr, Vec<(ResourceAddr, Recorded<'s>)>>);

impl<'s> Index<'s> {
    /// Indexes a state; `moved` blocks are followed in the order of the source.
    pub(crate) fn of(state: &'s State, config: &Configuration) -> (Self, Diagnostics) {
        let (all, diagnostics) = relocated(state, config);
        let mut index: HashMap<ConfigAddr, Vec<_>> = HashMap::new();
        for (addr, recorded) in all {
            let block = index.entry(addr.block.config()).or_insert_with(|| Vec::with_capacity(1));
            block.push((addr, recorded));
        }
        (Self(index), diagnostics)
    }

    /// Returns how many blocks have instances.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Lists all instances.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&ResourceAddr, &Recorded<'s>)> {
        self.0.values().flatten().map(|(addr, recorded)| (addr, recorded))
    }

    /// Takes the instances of a block out of the index.
    pub(crate) fn take(&mut self, block: &ConfigAddr) -> Block<'s> {
        self.0.remove(block).into_iter().flatten().collect()
    }

    /// Takes what is left, in the order of addresses.
    pub(crate) fn take_rest(&mut self) -> BTreeMap<ConfigAddr, Block<'s>> {
        let rest = self.0.drain();
        rest.map(|(block, instances)| (block, instances.into_iter().collect())).collect()
    }
}

fn relocated<'s>(
    state: &'s State,
    config: &Configuration,
) -> (BTreeMap<ResourceAddr, Recorded<'s>>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut all: BTreeMap<ResourceAddr, Recorded<'s>> = state
        .resources
        .iter()
        .map(|(addr, instance)| (addr.clone(), Recorded { instance, moved_from: None }))
        .collect();
    let moved =
        || config.modules.iter().flat_map(|(path, it)| it.moved.iter().map(move |m| (path, m)));
    if moved().next().is_none() {
        return (all, diagnostics);
    }
    let mut blocks: BTreeMap<ConfigAddr, BTreeSet<ResourceAddr>> = BTreeMap::new();
    for addr in all.keys() {
        blocks.entry(addr.block.config()).or_default().insert(addr.clone());
    }
    for (path, moved) in moved() {
        let mut moves: Vec<(ResourceAddr, ResourceAddr)> = named(&blocks, path, &moved.from)
            .filter_map(|addr| Some((addr.clone(), relocate(addr, path, &moved.from, &moved.to)?)))
            .collect();
        moves.sort();
        for (from, to) in moves {
            if all.contains_key(&to) {
                let warning = Diagnostic::warning(codes::MOVED, "Unresolved resource instance address changes")
                    .detail(format!("{from} can't move to {to}: both hold an object. {from} is planned for destruction."))
                    .at(moved.span, "");
                diagnostics.push(warning);
            } else if let Some(mut recorded) = all.remove(&from) {
                if let Some(others) = blocks.get_mut(&from.block.config()) {
                    others.remove(&from);
                }
                blocks.entry(to.block.config()).or_default().insert(to.clone());
                recorded.moved_from.get_or_insert_with(|| Box::new(from));
                all.insert(to, recorded);
            }
        }
    }
    (all, diagnostics)
}

/// Returns the recorded instances of the blocks that a target in a module may name.
fn named<'b>(
    blocks: &'b BTreeMap<ConfigAddr, BTreeSet<ResourceAddr>>,
    path: &ModulePath,
    target: &Target,
) -> Box<dyn Iterator<Item = &'b ResourceAddr> + 'b> {
    match Scope::of(path, target) {
        Scope::Block(block) => Box::new(blocks.get(&block).into_iter().flatten()),
        Scope::Module(module) => {
            // Addresses begin with their module: what is inside of one stands together, its own blocks first.
            let first = ConfigAddr {
                module: module.clone(),
                mode: Mode::Data,
                kind: "".into(),
                name: "".into(),
            };
            let inside = blocks.range(first..);
            Box::new(
                inside
                    .take_while(move |(block, _)| block.module.is_within(&module))
                    .flat_map(|(_, addrs)| addrs),
            )
        }
    }
}

/// Returns where a `moved` block of the module at `path` sends an address; `None`: it stays.
fn relocate(
    addr: &ResourceAddr,
    path: &ModulePath,
    from: &Target,
    to: &Target,
) -> Option<ResourceAddr> {
    let here = addr.block.module.steps().get(..path.steps().len())?;
    let local = addr.within(path)?;
    if !from.contains(&local) {
        return None;
    }
    let moved = match (from, to) {
        (Target::Module(from), Target::Module(to)) => {
            let rest = local.block.module.steps().get(from.steps().len()..)?;
            let steps = carried(local.block.module.steps(), to.steps()).chain(rest.iter().cloned());
            ResourceAddr {
                block: ConfigAddr { module: ModulePath::new(steps), ..local.block },
                key: local.key,
            }
        }
        (_, Target::Block(to)) => ResourceAddr {
            block: ConfigAddr {
                module: ModulePath::new(carried(local.block.module.steps(), to.module.steps())),
                ..to.clone()
            },
            key: if matches!(from, Target::Instance(_)) {
                terrarium_address::InstanceKey::None
            } else {
                local.key
            },
        },
        (_, Target::Instance(to)) => to.clone(),
        _ => return None,
    };
    let module = here.iter().cloned().chain(moved.block.module.steps().iter().cloned());
    let full = ResourceAddr {
        block: ConfigAddr { module: ModulePath::new(module), ..moved.block },
        key: moved.key,
    };
    (full != *addr).then_some(full)
}

/// The target's module steps; where they name the same call without a key, the instance's key is kept.
fn carried<'p>(
    from: &'p [ModuleCallStep],
    to: &'p [ModuleCallStep],
) -> impl Iterator<Item = ModuleCallStep> + use<'p> {
    to.iter().enumerate().map(|(at, step)| match from.get(at) {
        Some(old) if old.name == step.name && step.key.is_none() => old.clone(),
        _ => step.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_follow_terraforms_rules() {
        for (addr, from, to, expected) in [
            ("a.b", "a.b", "a.c", Some("a.c")),
            ("a.b[0]", "a.b", "a.c", Some("a.c[0]")),
            ("a.b", "a.b", "a.b[0]", Some("a.b[0]")),
            ("a.b[0]", "a.b[0]", "a.b", Some("a.b")),
            ("module.m[1].a.b", "module.m", "module.n", Some("module.n.a.b")),
            ("module.m[1].a.b", "module.m[1]", "module.n[2]", Some("module.n[2].a.b")),
            ("a.b", "a.x", "a.c", None),
            ("a.b", "a.b", "module.m.a.b", Some("module.m.a.b")),
        ] {
            let addr: ResourceAddr = addr.parse().unwrap();
            let moved =
                relocate(&addr, &ModulePath::root(), &from.parse().unwrap(), &to.parse().unwrap());
            assert_eq!(
                moved.map(|addr| addr.to_string()).as_deref(),
                expected,
                "{addr}: {from} -> {to}"
            );
        }
    }
}
