//! Facts by place: asked for by what an evaluation read, an instance or a whole block.

use std::collections::{BTreeMap, HashMap};

use terrarium_address::{ConfigAddr, InstanceKey, ResourceAddr};
use terrarium_state::Dep;

/// A fact for each of some instances.
pub(crate) struct Places<T> {
    instances: HashMap<ResourceAddr, T>,
    /// By configuration block, then by the block within its module instance.
    blocks: HashMap<ConfigAddr, BTreeMap<ConfigAddr, T>>,
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { instances: HashMap::new(), blocks: HashMap::new() }
    }
}

impl<T: Clone> Places<T> {
    /// Notes a fact of an instance; `both` makes one of it and of what was noted before.
    pub(crate) fn add(&mut self, addr: &ResourceAddr, fact: &T, both: impl Fn(T, T) -> T) {
        let merged = |known: Option<T>| match known {
            Some(known) => both(known, fact.clone()),
            None => fact.clone(),
        };
        let one = merged(self.instances.remove(addr));
        self.instances.insert(addr.clone(), one);
        let blocks = self.blocks.entry(addr.block.config()).or_default();
        let all = merged(blocks.remove(&addr.block));
        blocks.insert(addr.block.clone(), all);
    }

    /// Returns the facts of what a dependency names.
    pub(crate) fn of(&self, dep: &Dep) -> Vec<&T> {
        let Some(block) = dep.block() else {
            return dep.instances().iter().filter_map(|addr| self.instances.get(addr)).collect();
        };
        let Some(blocks) = self.blocks.get(&block.config()) else { return Vec::new() };
        // One of ten thousand instances of a module finds its own without a look at the others.
        let exact = blocks.get(block);
        if exact.is_some() || block.module.steps().iter().all(|step| step.key != InstanceKey::None)
        {
            return exact.into_iter().collect();
        }
        blocks.iter().filter(|(known, _)| block.covers(known)).map(|(_, fact)| fact).collect()
    }
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
