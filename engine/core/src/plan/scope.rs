//! What a plan is about: which of the blocks and instances, and what may become of them.

use petgraph::graph::NodeIndex;
use terrarium_address::{Name, ResourceAddr};

use super::group::Group;
use super::named::Named;
use super::recorded::Index;
use super::targets::{Restricted, Targets};
use crate::graph::{Graph, Node};
use crate::{Inputs, Mode, PlanOptions};

/// What a plan is about.
pub(super) struct Scope<'a> {
    options: &'a PlanOptions,
    targets: Targets<'a>,
    /// What the plan is restricted to; `None`: nothing.
    restricted: Option<Restricted>,
    /// What `removed` blocks say is forgotten.
    to_stay: Named<'a>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(
        inputs: &'a Inputs,
        options: &'a PlanOptions,
        graph: &Graph,
        index: &Index<'_>,
    ) -> Self {
        let targets = Targets::of(&options.targets);
        let restricted = Restricted::of(options, &targets, graph, index);
        Self { options, targets, restricted, to_stay: Named::to_stay(&inputs.config) }
    }

    /// Returns whether targets leave anything out.
    pub(super) fn is_restricted(&self) -> bool {
        self.restricted.is_some()
    }

    /// Returns whether an object of the graph is not looked at.
    pub(super) fn leaves_out(&self, at: NodeIndex) -> bool {
        self.restricted.as_ref().is_some_and(|only| !only.nodes.contains(&at))
    }

    /// Returns whether this plan changes no object.
    pub(super) fn only_refreshes(&self) -> bool {
        self.options.mode == Mode::RefreshOnly
    }

    /// Returns whether this plan destroys everything.
    pub(super) fn destroys(&self) -> bool {
        self.options.mode == Mode::Destroy
    }

    /// Returns whether an instance is to be planned, or only looked up.
    pub(super) fn plans(&self, group: &Group<'_>, addr: &ResourceAddr) -> bool {
        if self.only_refreshes() {
            return false;
        }
        let block = group.resource.block.in_module(group.path.clone());
        self.options.targets.is_empty()
            || !self.targets.names_block(&block)
            || self.targets.contains(addr)
    }

    /// Returns whether the targets let an instance be removed: it is one, or needs one that is destroyed.
    pub(super) fn may_remove(&self, addr: &ResourceAddr) -> bool {
        match &self.restricted {
            None => true,
            Some(only) if self.destroys() => only.doomed.contains(addr),
            Some(_) => self.targets.contains(addr),
        }
    }

    /// Returns whether a `removed` block says that the object is forgotten, not destroyed.
    pub(super) fn is_to_stay(&self, addr: &ResourceAddr) -> bool {
        self.options.mode == Mode::Normal && self.to_stay.contains(addr)
    }

    /// Returns whether a root output is looked at: nothing is left out, or the targets include everything that it reads,
    /// and it reads something.
    pub(super) fn covers(&self, graph: &Graph, output: &Name) -> bool {
        let Some(wanted) = self.restricted.as_ref().map(|only| &only.nodes) else { return true };
        let output = Node::Output(terrarium_address::ModulePath::root(), output.clone());
        let needed = graph.closure(|node| *node == output);
        let is_resource = |at: &NodeIndex| matches!(graph.nodes[*at], Node::Resource(..));
        !self.destroys()
            && needed.iter().any(is_resource)
            && needed.iter().filter(|at| is_resource(at)).all(|at| wanted.contains(at))
    }
}
