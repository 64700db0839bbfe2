//! What blocks such as `removed` and `moved` name, found by address, however many of them there are.

use std::collections::HashMap;

use terrarium_address::{ConfigAddr, ModulePath, ResourceAddr, Target};
use terrarium_lang::Configuration;

/// Targets that a module's blocks name: the module in which they stand, and what they name in it.
#[derive(Default)]
pub(super) struct Named<'c> {
    by_block: HashMap<ConfigAddr, Vec<(&'c ModulePath, &'c Target)>>,
    by_module: HashMap<ModulePath, Vec<(&'c ModulePath, &'c Target)>>,
}

/// The configuration's blocks that a target names, from the root.
pub(super) enum Scope {
    /// One block.
    Block(ConfigAddr),
    /// All blocks in a module.
    Module(ModulePath),
}

impl Scope {
    /// Returns what a target in a module may name.
    pub(super) fn of(path: &ModulePath, target: &Target) -> Self {
        let inside = |module: &ModulePath| {
            ModulePath::new(path.steps().iter().chain(module.steps()).cloned()).config()
        };
        match target {
            Target::Module(module) => Self::Module(inside(module)),
            Target::Block(block) | Target::Instance(ResourceAddr { block, .. }) => {
                Self::Block(ConfigAddr { module: inside(&block.module), ..block.clone() })
            }
        }
    }
}

impl<'c> Named<'c> {
    /// Finds what `removed` blocks say is forgotten, not destroyed.
    pub(super) fn to_stay(config: &'c Configuration) -> Self {
        let mut named = Self::default();
        for (path, module) in &config.modules {
            for removed in module.removed.iter().filter(|removed| !removed.destroy) {
                named.add(path, &removed.from);
            }
        }
        named
    }

    fn add(&mut self, path: &'c ModulePath, target: &'c Target) {
        let list = match Scope::of(path, target) {
            Scope::Block(block) => self.by_block.entry(block).or_default(),
            Scope::Module(module) => self.by_module.entry(module).or_default(),
        };
        list.push((path, target));
    }

    /// Returns whether one of them names an instance.
    pub(super) fn contains(&self, addr: &ResourceAddr) -> bool {
        if self.by_block.is_empty() && self.by_module.is_empty() {
            return false;
        }
        let names = |(path, target): &(&ModulePath, &Target)| {
            addr.within(path).is_some_and(|local| target.contains(&local))
        };
        let block = addr.block.config();
        let steps = block.module.steps();
        let around = (0..=steps.len()).filter_map(|depth| {
            self.by_module.get(&ModulePath::new(steps.get(..depth)?.iter().cloned()))
        });
        self.by_block.get(&block).into_iter().chain(around).flatten().any(names)
    }
}
