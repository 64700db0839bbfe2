//! The graph of configuration objects: as large as the source, not as its instances.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;

use petgraph::graph::{DiGraph, NodeIndex};
use terrarium_address::{InstanceKey, ModulePath, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};
use terrarium_lang::Configuration;
use terrarium_lang::config::{BlockRef, Module, Rule};
use terrarium_lang::expr::{Expr, Reference, Subject};

use crate::codes;
use crate::providers::{asked_for, resolve};

/// A configuration object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Node {
    Variable(ModulePath, Name),
    Local(ModulePath, Name),
    Output(ModulePath, Name),
    Resource(ModulePath, BlockRef),
    /// A module call's `count`, `for_each` and `depends_on`; everything inside waits for it.
    Call(ModulePath, Name),
    /// Everything inside a module.
    Close(ModulePath),
    Provider(ModulePath, Name, Option<Name>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, rest) = match self {
            Self::Variable(path, name) => (path, format!("var.{name}")),
            Self::Local(path, name) => (path, format!("local.{name}")),
            Self::Output(path, name) => (path, format!("output.{name}")),
            Self::Resource(path, block) => (path, block.to_string()),
            Self::Call(path, name) => (path, format!("module.{name} (expand)")),
            Self::Close(path) => return write!(f, "{path} (close)"),
            Self::Provider(path, name, None) => (path, format!("provider.{name}")),
            Self::Provider(path, name, Some(alias)) => (path, format!("provider.{name}.{alias}")),
        };
        if path.is_root() { f.write_str(&rest) } else { write!(f, "{path}.{rest}") }
    }
}

/// Edges point from what is needed to what needs it.
pub(crate) struct Graph {
    pub(crate) nodes: DiGraph<Node, Option<Span>>,
}

impl Graph {
    /// Builds the graph, and reports cycles with their path.
    pub(crate) fn of(config: &Configuration) -> (Self, Diagnostics) {
        let mut builder = Builder { config, graph: DiGraph::new(), index: HashMap::new() };
        for (path, module) in &config.modules {
            builder.module(path, module);
        }
        let graph = Self { nodes: builder.graph };
        let cycles = graph.cycles();
        (graph, cycles)
    }

    /// Returns the objects that `wanted` needs, itself included.
    pub(crate) fn closure(&self, wanted: impl Fn(&Node) -> bool) -> BTreeSet<NodeIndex> {
        self.reach(wanted, petgraph::Incoming)
    }

    /// Returns the objects that need `wanted`, itself included.
    pub(crate) fn dependents(&self, wanted: impl Fn(&Node) -> bool) -> BTreeSet<NodeIndex> {
        self.reach(wanted, petgraph::Outgoing)
    }

    fn reach(
        &self,
        wanted: impl Fn(&Node) -> bool,
        direction: petgraph::Direction,
    ) -> BTreeSet<NodeIndex> {
        let mut found: BTreeSet<NodeIndex> =
            self.nodes.node_indices().filter(|at| wanted(&self.nodes[*at])).collect();
        let mut open: Vec<NodeIndex> = found.iter().copied().collect();
        while let Some(at) = open.pop() {
            for next in self.nodes.neighbors_directed(at, direction) {
                if found.insert(next) {
                    open.push(next);
                }
            }
        }
        found
    }

    fn cycles(&self) -> Diagnostics {
        // Iterative, so that no chain is too long for it.
        let components = petgraph::algo::kosaraju_scc(&self.nodes);
        let looped = |members: &Vec<NodeIndex>| match members.as_slice() {
            [one] => self.nodes.contains_edge(*one, *one),
            members => members.len() > 1,
        };
        components
            .iter()
            .filter(|members| looped(members))
            .map(|members| self.describe(members))
            .collect()
    }

    /// Describes one cycle in a strongly connected component: each object needs the next.
    fn describe(&self, members: &[NodeIndex]) -> Diagnostic {
        let circle = self.shortest_circle(members);
        let names = circle.iter().chain(circle.first()).map(|n| self.nodes[*n].to_string());
        let names = crate::words::shortened(names, circle.len() + 1, " needs ");
        let mut error = Diagnostic::error(codes::CYCLE, "Cycle").detail(format!(
            "These objects wait for each other, so that none can be the first: {names}."
        ));
        let follows = circle.iter().skip(1).chain(circle.first());
        for (needs, needed) in circle.iter().zip(follows).take(crate::words::MEMBERS) {
            let span = self.nodes.find_edge(*needed, *needs).and_then(|edge| self.nodes[edge]);
            if let Some(span) = span {
                let text = format!("{} needs {}", self.nodes[*needs], self.nodes[*needed]);
                error =
                    if error.at.is_none() { error.at(span, text) } else { error.also(span, text) };
            }
        }
        error
    }

    /// Returns the shortest way through a strongly connected component from its first object back to it,
    /// each needing the next.
    fn shortest_circle(&self, members: &[NodeIndex]) -> Vec<NodeIndex> {
        let inside: HashSet<NodeIndex> = members.iter().copied().collect();
        let Some(first) = members.iter().min().copied() else { return Vec::new() };
        let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut open = VecDeque::from([first]);
        while let Some(at) = open.pop_front() {
            let mut needed: Vec<NodeIndex> =
                self.nodes.neighbors_directed(at, petgraph::Incoming).collect();
            needed.sort_unstable();
            for next in needed.into_iter().filter(|next| inside.contains(next)) {
                if next == first {
                    let back = std::iter::successors(Some(at), |at| came_from.get(at).copied());
                    let mut circle: Vec<NodeIndex> = back.collect();
                    circle.reverse();
                    return circle;
                }
                if let Entry::Vacant(free) = came_from.entry(next) {
                    free.insert(at);
                    open.push_back(next);
                }
            }
        }
        vec![first]
    }
}

struct Builder<'c> {
    config: &'c Configuration,
    graph: DiGraph<Node, Option<Span>>,
    index: HashMap<Node, NodeIndex>,
}

impl Builder<'_> {
    fn node(&mut self, node: Node) -> NodeIndex {
        if let Some(known) = self.index.get(&node) {
            return *known;
        }
        let at = self.graph.add_node(node.clone());
        self.index.insert(node, at);
        at
    }

    fn edge(&mut self, needed: NodeIndex, needs: NodeIndex, span: Option<Span>) {
        self.graph.add_edge(needed, needs, span);
    }

    fn module(&mut self, path: &ModulePath, module: &Module) {
        let mut inside = Vec::new();
        for variable in module.variables.values() {
            let at = self.node(Node::Variable(path.clone(), variable.name.clone()));
            self.argument(path, &variable.name, at);
            // A validation may read other objects of the module; the variable itself is no cycle.
            for reference in rule_references(&variable.validations) {
                if reference.subject != Subject::Variable(variable.name.clone()) {
                    self.reference(path, reference, at);
                }
            }
            inside.push(at);
        }
        for local in module.locals.values() {
            let at = self.node(Node::Local(path.clone(), local.name.clone()));
            self.expressions(path, [&local.value], at);
            inside.push(at);
        }
        for output in module.outputs.values() {
            let at = self.node(Node::Output(path.clone(), output.name.clone()));
            self.expressions(path, [&output.value], at);
            self.dependencies(path, &output.depends_on, at);
            self.references(path, rule_references(&output.preconditions), at);
            inside.push(at);
        }
        for call in module.calls.values() {
            let at = self.node(Node::Call(path.clone(), call.name.clone()));
            self.expressions(path, call.count.iter().chain(&call.for_each), at);
            self.dependencies(path, &call.depends_on, at);
            inside.push(at);
        }
        inside.extend(self.resources(path, module));
        self.frame(path, module, &inside);
    }

    fn resources(&mut self, path: &ModulePath, module: &Module) -> Vec<NodeIndex> {
        let mut inside = Vec::new();
        for block in &module.providers {
            let at =
                self.node(Node::Provider(path.clone(), block.name.clone(), block.alias.clone()));
            self.references(path, &block.body.references(), at);
            inside.push(at);
        }
        for resource in module.resources.values() {
            let at = self.node(Node::Resource(path.clone(), resource.block.clone()));
            self.expressions(path, resource.count.iter().chain(&resource.for_each), at);
            self.dependencies(path, &resource.depends_on, at);
            self.references(path, &resource.body.references(), at);
            let lifecycle = &resource.lifecycle;
            self.expressions(path, &lifecycle.replace_triggered_by, at);
            let conditions = rule_references(&lifecycle.preconditions)
                .chain(rule_references(&lifecycle.postconditions));
            let itself =
                Subject::Resource(resource.block.clone(), terrarium_lang::expr::KeyRef::Whole);
            self.references(path, conditions.filter(|reference| reference.subject != itself), at);
            let (name, alias) = asked_for(resource);
            if let Some(addr) = resolve(self.config, path, &name, alias.as_ref()) {
                let provider = self.node(Node::Provider(addr.module, addr.name, addr.alias));
                self.edge(provider, at, resource.provider.as_ref().map(|reference| reference.span));
            }
            inside.push(at);
        }
        inside
    }

    /// Ties what is inside a module to its call, and its end to what is inside.
    fn frame(&mut self, path: &ModulePath, module: &Module, inside: &[NodeIndex]) {
        let close = self.node(Node::Close(path.clone()));
        let call = path
            .parent()
            .zip(path.steps().last())
            .map(|(parent, step)| Node::Call(parent, step.name.clone()));
        let call = call.map(|call| self.node(call));
        for at in inside {
            if let Some(call) = call {
                self.edge(call, *at, None);
            }
            self.edge(*at, close, None);
        }
        for name in module.calls.keys() {
            let child = self.node(Node::Close(path.child(name.clone(), InstanceKey::None)));
            self.edge(child, close, None);
        }
    }

    /// Adds the edges of the argument that a variable gets from the module's call.
    fn argument(&mut self, path: &ModulePath, variable: &Name, at: NodeIndex) {
        let Some((parent, step)) = path.parent().zip(path.steps().last()) else { return };
        let call = self.config.module(&parent).and_then(|caller| caller.calls.get(&step.name));
        if let Some(expr) = call.and_then(|call| call.arguments.get(variable)) {
            self.expressions(&parent, [expr], at);
        }
    }

    fn expressions<'e>(
        &mut self,
        path: &ModulePath,
        exprs: impl IntoIterator<Item = &'e Expr>,
        at: NodeIndex,
    ) {
        for expr in exprs {
            self.references(path, expr.references(), at);
        }
    }

    fn references<'r>(
        &mut self,
        path: &ModulePath,
        all: impl IntoIterator<Item = &'r Reference>,
        at: NodeIndex,
    ) {
        for reference in all {
            self.reference(path, reference, at);
        }
    }

    /// Adds the edges of a `depends_on`, where a module means all of it, and so does an output that it has not.
    fn dependencies(&mut self, path: &ModulePath, all: &[Reference], at: NodeIndex) {
        for reference in all {
            self.reference(path, reference, at);
            if let Subject::Module { name, output, .. } = &reference.subject {
                let child = path.child(name.clone(), InstanceKey::None);
                let is_there = output.as_ref().is_some_and(|it| self.config.has_output(&child, it));
                if !is_there {
                    let close = self.node(Node::Close(child));
                    self.edge(close, at, Some(reference.span));
                }
            }
        }
    }

    fn reference(&mut self, path: &ModulePath, reference: &Reference, at: NodeIndex) {
        let Some(module) = self.config.module(path) else { return };
        let span = Some(reference.span);
        let needed = match &reference.subject {
            Subject::Variable(name) if module.variables.contains_key(name) => {
                vec![Node::Variable(path.clone(), name.clone())]
            }
            Subject::Local(name) if module.locals.contains_key(name) => {
                vec![Node::Local(path.clone(), name.clone())]
            }
            Subject::Resource(block, _) if module.resources.contains_key(block) => {
                vec![Node::Resource(path.clone(), block.clone())]
            }
            Subject::Module { name, output, .. } => self.called(path, name, output.as_ref()),
            _ => Vec::new(),
        };
        for node in needed {
            let needed = self.node(node);
            self.edge(needed, at, span);
        }
    }

    /// Lists what a reference to a module call needs.
    fn called(&self, path: &ModulePath, name: &Name, output: Option<&Name>) -> Vec<Node> {
        let child = path.child(name.clone(), InstanceKey::None);
        let Some(module) = self.config.module(&child) else { return Vec::new() };
        let call = Node::Call(path.clone(), name.clone());
        match output {
            Some(output) if module.outputs.contains_key(output) => {
                vec![call, Node::Output(child, output.clone())]
            }
            Some(_) => vec![call],
            None => {
                let outputs =
                    module.outputs.keys().map(|output| Node::Output(child.clone(), output.clone()));
                outputs.chain([call]).collect()
            }
        }
    }
}

fn rule_references(rules: &[Rule]) -> impl Iterator<Item = &Reference> {
    rules
        .iter()
        .flat_map(|rule| rule.condition.references().iter().chain(rule.error_message.references()))
}

/// Blocks whose replacement must be created first because something that is so depends on them.
pub(crate) fn create_first(
    config: &Configuration,
    graph: &Graph,
) -> BTreeSet<(ModulePath, BlockRef)> {
    let declared = |node: &Node| match node {
        Node::Resource(path, block) => config
            .module(path)
            .and_then(|module| module.resources.get(block))
            .is_some_and(|resource| resource.lifecycle.create_before_destroy),
        _ => false,
    };
    let nodes = graph.closure(declared);
    nodes
        .into_iter()
        .filter_map(|at| match &graph.nodes[at] {
            Node::Resource(path, block) => Some((path.clone(), block.clone())),
            _ => None,
        })
        .collect()
}

/// Returns the dependency graph of a configuration's resources, data sources, modules' values and
/// providers in DOT; an edge points from what needs to what is needed, as `terraform graph` draws it.
pub fn dot(config: &Configuration) -> (String, Diagnostics) {
    let (graph, diagnostics) = Graph::of(config);
    let mut lines: Vec<String> = Vec::new();
    let shown = |node: &Node| matches!(node, Node::Resource(..));
    for at in graph.nodes.node_indices().filter(|at| shown(&graph.nodes[*at])) {
        let label = graph.nodes[at].to_string();
        let name = terrarium_address::quote(&label);
        lines.push(format!("  {name} [label={name}];"));
        for needed in graph.needed_resources(at) {
            lines.push(format!(
                "  {name} -> {};",
                terrarium_address::quote(&graph.nodes[needed].to_string())
            ));
        }
    }
    lines.sort_unstable();
    let body = lines.join("\n");
    (
        format!(
            "digraph G {{\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n{body}\n}}\n"
        ),
        diagnostics,
    )
}

impl Graph {
    /// Returns the nearest resources that an object needs, through named values.
    fn needed_resources(&self, at: NodeIndex) -> BTreeSet<NodeIndex> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::from([at]);
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            for needed in self.nodes.neighbors_directed(at, petgraph::Incoming) {
                if !seen.insert(needed) {
                    continue;
                }
                match self.nodes[needed] {
                    Node::Resource(..) => {
                        found.insert(needed);
                    }
                    _ => open.push(needed),
                }
            }
        }
        found
    }
}
