//! Targets: what `-target` restricts a plan to.

use std::collections::{BTreeSet, HashMap, HashSet};

use petgraph::graph::NodeIndex;
use terrarium_address::{ConfigAddr, ModulePath, ResourceAddr, Target};
use terrarium_lang::Configuration;
use terrarium_state::Dep;

use super::recorded::Index;
use crate::graph::{Graph, Node};
use crate::{Mode, PlanOptions};

/// What a plan is restricted to.
pub(super) struct Restricted {
    /// Configuration objects to look at.
    pub(super) nodes: BTreeSet<NodeIndex>,
    /// Recorded instances to destroy, where everything that is looked at is to be destroyed.
    pub(super) doomed: HashSet<ResourceAddr>,
}

impl Restricted {
    /// Returns what the options restrict a plan to; `None`: nothing.
    pub(super) fn of(options: &PlanOptions, graph: &Graph, index: &Index<'_>) -> Option<Self> {
        if options.targets.is_empty() {
            return None;
        }
        if options.mode != Mode::Destroy {
            let nodes = graph.closure(|node| is_target(&options.targets, node));
            return Some(Self { nodes, doomed: HashSet::new() });
        }
        let doomed = doomed(index, &options.targets);
        let blocks: HashSet<ConfigAddr> = doomed.iter().map(|addr| addr.block.config()).collect();
        let goes = |at: &NodeIndex| match &graph.nodes[*at] {
            Node::Resource(path, block) => {
                blocks.contains(&block.in_module(path.config()))
                    || is_target(&options.targets, &graph.nodes[*at])
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
fn doomed(index: &Index<'_>, targets: &[Target]) -> HashSet<ResourceAddr> {
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
    let named = |addr: &ResourceAddr| targets.iter().any(|target| target.contains(addr));
    let mut open: Vec<&ResourceAddr> =
        index.all().map(|(addr, _)| addr).filter(|addr| named(addr)).collect();
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

fn is_target(targets: &[Target], node: &Node) -> bool {
    let Node::Resource(path, block) = node else { return false };
    let block = block.in_module(path.clone());
    targets.iter().any(|target| names_block(target, &block))
}

/// Returns the blocks that targets name, and those that need one of them: what goes when the targets are
/// destroyed.
pub(crate) fn blocks_with_dependents(
    config: &Configuration,
    targets: &[Target],
) -> HashSet<ConfigAddr> {
    let (graph, _) = Graph::of(config);
    let needing = graph.dependents(|node| is_target(targets, node)).into_iter();
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
