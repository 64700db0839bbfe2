//! Facts by place: asked for by what an evaluation read, an instance or a whole block.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use terrarium_address::{ConfigAddr, InstanceKey, ResourceAddr};
use terrarium_state::Dep;

/// A fact for each of some instances.
pub(crate) struct Places<T> {
    instances: HashMap<ResourceAddr, T>,
    /// By block within its module instance.
    blocks: HashMap<ConfigAddr, T>,
    /// The blocks within instances of modules, by configuration block.
    within: HashMap<ConfigAddr, BTreeSet<ConfigAddr>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { instances: HashMap::new(), blocks: HashMap::new(), within: HashMap::new() }
    }
}

impl<T: Clone> Places<T> {
    /// Notes a fact of an instance; `both` makes one of it and of what was noted before.
    pub(crate) fn add(&mut self, addr: &ResourceAddr, fact: &T, both: impl Fn(T, T) -> T) {
        note(&mut self.instances, addr, fact, &both);
        note(&mut self.blocks, &addr.block, fact, &both);
        if addr.block.module.steps().iter().any(|step| step.key != InstanceKey::None) {
            let blocks = self.within.entry(addr.block.config()).or_default();
            if !blocks.contains(&addr.block) {
                blocks.insert(addr.block.clone());
            }
        }
    }

    /// Returns the facts of what a dependency names.
    pub(crate) fn of(&self, dep: &Dep) -> Vec<&T> {
        let Some(block) = dep.block() else {
            return dep.instances().iter().filter_map(|addr| self.instances.get(addr)).collect();
        };
        // One of ten thousand instances of a module finds its own without a look at the others.
        let exact = self.blocks.get(block);
        if exact.is_some() || block.module.steps().iter().all(|step| step.key != InstanceKey::None)
        {
            return exact.into_iter().collect();
        }
        let blocks = self.within.get(&block.config()).into_iter().flatten();
        blocks
            .filter(|known| block.covers(known))
            .filter_map(|known| self.blocks.get(known))
            .collect()
    }
}

fn note<K: Hash + Eq + Clone, T: Clone>(
    facts: &mut HashMap<K, T>,
    key: &K,
    fact: &T,
    both: impl Fn(T, T) -> T,
) {
    let fact = match facts.remove(key) {
        Some(known) => both(known, fact.clone()),
        None => fact.clone(),
    };
    facts.insert(key.clone(), fact);
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_address::Target;

    fn dep(text: &str) -> Dep {
        match text.strip_suffix("[*]") {
            Some(block) => match block.parse().unwrap() {
                Target::Block(block) => Dep::Block(block),
                other => panic!("{other:?} is no block"),
            },
            None => Dep::Instance(text.parse().unwrap()),
        }
    }

    #[test]
    fn a_dependency_finds_what_it_names_and_no_more() {
        let mut places: Places<&str> = Places::default();
        for (addr, fact) in [("a.b[0]", "b0"), (r#"module.m["x"].a.b"#, "x"), ("module.n.a.b", "n")]
        {
            places.add(&addr.parse().unwrap(), &fact, |_, later| later);
        }
        for (text, expected) in [
            ("a.b[0]", vec!["b0"]),
            ("a.b[1]", vec![]),
            ("a.b[*]", vec!["b0"]),
            (r#"module.m["x"].a.b[*]"#, vec!["x"]),
            (r#"module.m["y"].a.b[*]"#, vec![]),
            ("module.m.a.b[*]", vec!["x"]),
            ("module.n.a.b[*]", vec!["n"]),
        ] {
            let found: Vec<&str> = places.of(&dep(text)).into_iter().copied().collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
