//! Targets: what `-target` restricts a plan to.

use std::collections::{BTreeSet, HashMap, HashSet};

use petgraph::graph::NodeIndex;
use terrarium_address::{ConfigAddr, InstanceKey, ModulePath, ResourceAddr, Target};
use terrarium_lang::Configuration;
use terrarium_state::Dep;

use super::recorded::Index;
use crate::graph::{Graph, Node};
use crate::{Mode, PlanOptions};

/// Targets by what they name, so that a block or an instance is not compared with each of them.
pub(super) struct Targets<'a> {
    modules: Vec<&'a ModulePath>,
    /// Blocks, as the configuration knows them, and what of their instances: all, or that key's.
    blocks: HashMap<ConfigAddr, HashMap<Option<&'a InstanceKey>, Vec<&'a ConfigAddr>>>,
}

impl<'a> Targets<'a> {
    pub(super) fn of(targets: &'a [Target]) -> Self {
        let mut found = Self { modules: Vec::new(), blocks: HashMap::new() };
        for target in targets {
            let (block, key) = match target {
                Target::Module(path) => {
                    found.modules.push(path);
                    continue;
                }
                Target::Block(block) => (block, None),
                Target::Instance(addr) => (&addr.block, Some(&addr.key)),
            };
            let keys = found.blocks.entry(block.config()).or_default();
            keys.entry(key).or_default().push(block);
        }
        found
    }

    /// Returns whether one of them names instances of this block, or a module around it.
    pub(super) fn names_block(&self, block: &ConfigAddr) -> bool {
        self.blocks.contains_key(&block.config())
            || self.modules.iter().any(|module| block.module.is_within(&module.config()))
    }

    /// Returns whether one of them names this instance.
    pub(super) fn contains(&self, addr: &ResourceAddr) -> bool {
        if self.modules.iter().any(|path| addr.block.module.is_within(path)) {
            return true;
        }
        let Some(keys) = self.blocks.get(&addr.block.config()) else { return false };
        let named = [None, Some(&addr.key)].into_iter().filter_map(|key| keys.get(&key));
        named.flatten().any(|block| block.covers(&addr.block))
    }

    fn names_node(&self, node: &Node) -> bool {
        let Node::Resource(path, block) = node else { return false };
        self.names_block(&block.in_module(path.clone()))
    }
}

/// What a plan is restricted to.
pub(super) struct Restricted {
    /// Configuration objects to look at.
    pub(super) nodes: BTreeSet<NodeIndex>,
    /// Recorded instances to destroy, where everything that is looked at is to be destroyed.
    pub(super) doomed: HashSet<ResourceAddr>,
}

impl Restricted {
    /// Returns what the options restrict a plan to; `None`: nothing.
    pub(super) fn of(
        options: &PlanOptions,
        targets: &Targets<'_>,
        graph: &Graph,
        index: &Index<'_>,
    ) -> Option<Self> {
        if options.targets.is_empty() {
            return None;
        }
        if options.mode != Mode::Destroy {
            let nodes = graph.closure(|node| targets.names_node(node));
            return Some(Self { nodes, doomed: HashSet::new() });
        }
        let doomed = doomed(index, targets);
        let blocks: HashSet<ConfigAddr> = doomed.iter().map(|addr| addr.block.config()).collect();
        let goes = |at: &NodeIndex| match &graph.nodes[*at] {
            Node::Resource(path, block) => {
                blocks.contains(&block.in_module(path.config()))
                    || targets.names_node(&graph.nodes[*at])
            }
            _ => false,
        };
        let nodes = graph.nodes.node_indices().filter(goes).collect();
        Some(Self { nodes, doomed })
    }
}

/// Returns the recorded instances that targets name, and those that can't stay without one of them.
///
/// Who needs whom is what is recorded, data sources passed through. As in Terraform an instance counts as
/// needing all instances of a block that it needs one of, but for those in another instance of its own
/// module.
fn doomed(index: &Index<'_>, targets: &Targets<'_>) -> HashSet<ResourceAddr> {
    let mut dependents: HashMap<ConfigAddr, Vec<&ResourceAddr>> = HashMap::new();
    let mut moved: HashMap<ConfigAddr, HashSet<ConfigAddr>> = HashMap::new();
    for (addr, recorded) in index.all() {
        if let Some(from) = &recorded.moved_from {
            moved.entry(from.block.config()).or_default().insert(addr.block.config());
        }
        let instance = recorded.instance;
        for object in instance.current.iter().chain(instance.deposed.values()) {
            let blocks: BTreeSet<ConfigAddr> =
                object.deps.iter().flat_map(Dep::blocks).map(ConfigAddr::config).collect();
            for block in blocks {
                dependents.entry(block).or_default().push(addr);
            }
        }
    }
    let mut doomed: HashSet<ResourceAddr> = HashSet::new();
    let mut open: Vec<&ResourceAddr> =
        index.all().map(|(addr, _)| addr).filter(|addr| targets.contains(addr)).collect();
    doomed.extend(open.iter().map(|addr| (*addr).clone()));
    while let Some(addr) = open.pop() {
        let block = addr.block.config();
        let old = moved.iter().filter(|(_, to)| to.contains(&block)).map(|(from, _)| from);
        for block in old.chain([&block]) {
            for dependent in dependents.get(block).into_iter().flatten() {
                let apart = are_apart(&addr.block.module, &dependent.block.module);
                if !apart && doomed.insert((*dependent).clone()) {
                    open.push(dependent);
                }
            }
        }
    }
    doomed
}

/// Returns whether two modules are different instances of one.
fn are_apart(one: &ModulePath, other: &ModulePath) -> bool {
    one != other && one.config() == other.config()
}

/// Returns whether an instance lies in another instance of the module that a target names or stands in.
pub(crate) fn lies_apart(target: &Target, addr: &ResourceAddr) -> bool {
    let path = match target {
        Target::Module(path) => path,
        Target::Block(block) => &block.module,
        Target::Instance(addr) => &addr.block.module,
    };
    addr.block.module.is_within(&path.config()) && !addr.block.module.is_within(path)
}

/// Returns the blocks that targets name, and those that need one of them: what goes when the targets are
/// destroyed.
pub(crate) fn blocks_with_dependents(
    config: &Configuration,
    targets: &[Target],
) -> HashSet<ConfigAddr> {
    let (graph, _) = Graph::of(config);
    let targets = Targets::of(targets);
    let needing = graph.dependents(|node| targets.names_node(node)).into_iter();
    let blocks = needing.filter_map(|at| match &graph.nodes[at] {
        Node::Resource(path, block) => Some(block.in_module(path.clone()).config()),
        _ => None,
    });
    blocks.collect()
}

/// Returns whether a target names instances of this block (and not a module around it).
pub(crate) fn names_block(target: &Target, block: &ConfigAddr) -> bool {
    match target {
        Target::Module(module) => block.module.is_within(&module.config()),
        Target::Block(wanted) => wanted.config() == block.config(),
        Target::Instance(wanted) => wanted.block.config() == block.config(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_together_name_what_each_of_them_names() {
        let targets = [
            "module.m",
            "module.m[\"a\"]",
            "module.m.module.n[0]",
            "t.x",
            "t.x[0]",
            "t.x[\"0\"]",
            "data.t.x",
            "module.m.t.x",
            "module.m.t.x[1]",
            "module.m[\"a\"].t.x",
            "module.m[\"a\"].t.x[1]",
        ];
        let addrs = [
            "t.x",
            "t.x[0]",
            "t.x[\"0\"]",
            "t.x[1]",
            "t.y",
            "u.x",
            "data.t.x",
            "module.m.t.x[1]",
            "module.m[\"a\"].t.x",
            "module.m[\"a\"].t.x[1]",
            "module.m[\"b\"].t.x[1]",
            "module.m[\"a\"].module.n[0].t.x",
            "module.n.t.x[1]",
        ];
        let (mut named, mut not) = (0, 0);
        for target in targets.map(|text| text.parse::<Target>().unwrap()) {
            let both = [target, "t.other".parse().unwrap()];
            let index = Targets::of(&both);
            for addr in addrs.map(|text| text.parse::<ResourceAddr>().unwrap()) {
                let contains = both.iter().any(|target| target.contains(&addr));
                assert_eq!(index.contains(&addr), contains, "{} {addr}", both[0]);
                let block = addr.block.config();
                let names = both.iter().any(|target| names_block(target, &block));
                assert_eq!(index.names_block(&block), names, "{} {block}", both[0]);
                *if contains { &mut named } else { &mut not } += 1;
            }
        }
        assert!(named > 10 && not > 50, "{named} {not}");
    }
}
