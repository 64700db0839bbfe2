//! Planning: what would have to be done, and in which order it may be found out.
//!
//! The walk goes over configuration objects; the instances of a resource block are planned together.
//! Everything runs on one thread; only provider calls are concurrent.

mod action;
mod answers;
mod approvals;
mod candidate;
mod claims;
mod data;
mod going;
mod group;
mod hindsight;
mod holding;
mod import;
mod listed;
mod managed;
mod memory;
mod named;
pub(crate) mod outputs;
mod proposals;
mod recorded;
mod refresh;
mod rivals;
mod root;
mod scope;
mod seats;
mod settle;
mod targets;
mod time;
mod unknown;

pub(crate) use action::differs;
pub(crate) use group::{located, no_provisioners};
pub(crate) use holding::{Handle, Holdable, held, recorded_deps};
pub(crate) use proposals::{causes_of, ignoring};
pub(crate) use targets::{blocks_with_dependents, lies_apart, names_block};
pub(crate) use time::{missed, seen};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use petgraph::graph::NodeIndex;
use terrarium_address::{Mode as BlockMode, ModulePath, Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::config::{BlockRef, Resource};
use terrarium_provider::{Connection, Provider};

use crate::graph::{Graph, Node, create_first};
use crate::providers::{self, Providers};
use crate::rules::RuleKind;
use crate::world::{At, Phase, World};
use crate::{
    Cancel, DeferredChange, Inputs, Judge, Mode, OpenAction, Plan, PlanOptions, PlannedAction,
    Progress,
};
use group::Group;
use listed::Listed;

/// Makes a plan. It is returned even with errors (then [`Plan::errored`] is set), as far as it came.
///
/// Reads through the providers unless the options say otherwise; changes nothing.
pub async fn plan(
    inputs: &Inputs,
    options: &PlanOptions,
    progress: &Arc<dyn Progress>,
    cancel: &Cancel,
) -> (Plan, Diagnostics) {
    let (inputs, unfetched) = inputs.fetched().await;
    let inputs = &*inputs;
    inputs.limits.tell_through(progress);
    let (graph, mut diagnostics) = Graph::of(&inputs.config);
    diagnostics.extend(unfetched);
    diagnostics.extend(providers::check(inputs));
    let (index, moved) = recorded::Index::of(&inputs.prior, &inputs.config);
    diagnostics.extend(moved);
    // Where that has errors nothing is evaluated: a circle of named values has no beginning.
    let sound = !diagnostics.has_errors();
    let planner = Planner::new(inputs, options, graph, index, progress);
    let (plan, found) = Box::pin(planner.made(cancel, sound)).await;
    diagnostics.extend(found);
    let errored = diagnostics.has_errors();
    (Plan { errored, complete: plan.complete && !errored, ..plan }, diagnostics)
}

/// A plan in the making: what it is made from, and what is known of it so far, each in a value of its own.
pub(crate) struct Planner<'a> {
    inputs: &'a Inputs,
    options: &'a PlanOptions,
    modes: time::Modes,
    world: World<'a>,
    graph: Graph,
    providers: Providers<'a>,
    index: RefCell<recorded::Index<'a>>,
    create_first: BTreeSet<(ModulePath, BlockRef)>,
    scope: scope::Scope<'a>,
    imports: import::Imports<'a>,
    seated: seats::Seated<'a>,
    memory: memory::Memory,
    answers: RefCell<answers::Answers>,
    drift: RefCell<answers::Drift>,
    ledger: RefCell<time::Ledger<'a>>,
    /// What hindsight says.
    corrected: RefCell<hindsight::Corrections>,
    claims: claims::Claims,
    /// The files that were read for each instance.
    files: RefCell<approvals::Files>,
    /// The time zones that dates are declared in.
    zones: RefCell<BTreeSet<Name>>,
    /// The instant of this plan.
    now: Timestamp,
    progress: &'a Arc<dyn Progress>,
}

/// Most blocks that are looked at at once. Of a hundred thousand that depend on nothing each would keep its place
/// in memory, a kilobyte, from the beginning on.
const AT_ONCE: usize = 1000;

/// Returns whether a configuration reads anything.
fn has_data(config: &terrarium_lang::Configuration) -> bool {
    let mut blocks = config.modules.values().flat_map(|module| module.resources.keys());
    blocks.any(|block| block.mode == BlockMode::Data)
}

impl<'a> Planner<'a> {
    fn new(
        inputs: &'a Inputs,
        options: &'a PlanOptions,
        graph: Graph,
        index: recorded::Index<'a>,
        progress: &'a Arc<dyn Progress>,
    ) -> Self {
        let connection = if options.offline { Connection::Offline } else { Connection::Online };
        let create_first = create_first(&inputs.config, &graph);
        let scope = scope::Scope::of(inputs, options, &graph, &index);
        let blocks =
            index.len().max(inputs.config.modules.values().map(|it| it.resources.len()).sum());
        let modes = time::Modes::of(options);
        let providers = Providers::new(inputs, connection);
        let answers = answers::Answers::with_capacity(blocks, has_data(&inputs.config));
        let memory = memory::Memory::of(&inputs.config, |path, resource| {
            let (_, kind) = providers.of(path, resource)?;
            kind.schema(resource.block.mode, &resource.block.kind)
        });
        Self {
            inputs,
            options,
            modes,
            world: World::new(inputs, Phase::Plan).deferring(modes.defers),
            graph,
            providers,
            index: RefCell::new(index),
            create_first,
            scope,
            imports: import::Imports::in_config(&inputs.config),
            seated: seats::Seated::new(&inputs.prior),
            memory,
            answers: RefCell::new(answers),
            drift: RefCell::default(),
            ledger: RefCell::new(time::Ledger::new(&inputs.prior)),
            corrected: RefCell::default(),
            claims: claims::Claims::default(),
            files: RefCell::default(),
            zones: RefCell::default(),
            now: inputs.clock.now(),
            progress,
        }
    }

    /// Makes the plan: forward through the graph, backward over the whole, and the judgement of that.
    async fn made(self, cancel: &Cancel, sound: bool) -> (Plan, Diagnostics) {
        let mut leftovers = Vec::new();
        if sound {
            self.run(cancel).await;
            leftovers = self.look_back(cancel).await;
        }
        let (planned, falls, data) = self.answers.take().into_parts();
        let mut listed = Listed::of(planned, falls);
        if sound {
            if self.modes.makes && self.options.time.judge == Judge::Providers {
                self.check_whole(&listed).await;
            }
            self.judge(cancel, &listed);
        }
        let approvals = approvals::Approvals {
            inputs: self.inputs,
            graph: &self.graph,
            world: &self.world,
            providers: &self.providers,
            files: &self.files.take(),
        };
        approvals.fill_in(&mut listed);
        self.finish(cancel, sound, (listed, data, leftovers))
    }

    async fn run(&self, cancel: &Cancel) {
        let nodes = &self.graph.nodes;
        let mut open: Vec<usize> = nodes
            .node_indices()
            .map(|at| nodes.neighbors_directed(at, petgraph::Incoming).count())
            .collect();
        let mut ready: VecDeque<NodeIndex> =
            nodes.node_indices().filter(|at| open[at.index()] == 0).collect();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < AT_ONCE
                && let Some(at) = ready.pop_front()
            {
                if !cancel.is_raised() {
                    running.push(self.visit(at));
                }
            }
            let Some(done) = running.next().await else { break };
            for next in nodes.neighbors_directed(done, petgraph::Outgoing) {
                open[next.index()] -= 1;
                if open[next.index()] == 0 {
                    ready.push_back(next);
                }
            }
        }
        if !cancel.is_raised() {
            going::orphan_blocks(self).await;
        }
    }

    async fn visit(&self, at: NodeIndex) -> NodeIndex {
        let skipped = self.scope.leaves_out(at);
        match &self.graph.nodes[at] {
            Node::Resource(path, block) => self.resource(path, block, skipped).await,
            node if !skipped && self.options.mode != Mode::Destroy => self.named(node),
            _ => {}
        }
        at
    }

    /// Evaluates a named value in every instance of its module, so that its errors are found.
    fn named(&self, node: &Node) {
        match node {
            Node::Variable(path, name) => {
                for id in self.world.instances_of(path) {
                    let _ = self.world.variable(id, name);
                    let module = self.world.module(id);
                    if let Some(variable) = module.config.variables.get(name) {
                        let _ = self.world.check_rules(
                            id,
                            At::Module,
                            &variable.validations,
                            RuleKind::Variable,
                        );
                    }
                }
            }
            Node::Local(path, name) => {
                for id in self.world.instances_of(path) {
                    let _ = self.world.local(id, name);
                }
            }
            Node::Output(path, name) => {
                for id in self.world.instances_of(path) {
                    let _ = self.world.output(id, name);
                }
            }
            Node::Call(path, name) => {
                for id in self.world.instances_of(path) {
                    let _ = self.world.children(id, name);
                }
            }
            Node::Resource(..) | Node::Close(..) | Node::Provider(..) => {}
        }
    }

    async fn resource(&self, path: &ModulePath, block: &BlockRef, skipped: bool) {
        let Some(module) = self.inputs.config.module(path) else { return };
        let Some(resource) = module.resources.get(block) else { return };
        let recorded = self.index.borrow_mut().take(&block.in_module(path.config()));
        let Some((addr, kind)) = self.providers.of(path, resource) else {
            self.world.report(providers::not_configured(path, resource));
            return;
        };
        for provisioner in &resource.provisioners {
            self.world.report(no_provisioners(provisioner.span));
        }
        let Some(schema) = kind.schema(block.mode, &block.kind) else {
            self.world.report(providers::unknown_kind(kind, resource));
            return;
        };
        let create_first = self.create_first.contains(&(path.config(), block.clone()));
        let named = self.providers.recorded_as(&addr);
        let group = Group::new((path, resource), (addr, kind), schema, named, create_first);
        if skipped || self.options.mode == Mode::Destroy {
            going::take_from_state(self, &group, recorded, skipped).await;
        } else if block.mode == BlockMode::Managed {
            managed::managed(self, &group, recorded).await;
        } else {
            data::data(self, &group, recorded).await;
        }
    }

    /// Judges the plan as a whole: what only all of it together shows to be wrong.
    fn judge(&self, cancel: &Cancel, listed: &Listed) {
        if !cancel.is_raised() {
            if self.options.mode == Mode::Normal && self.options.targets.is_empty() {
                self.imports.check(self, listed);
            }
            if self.options.mode != Mode::Destroy {
                self.world.check_blocks();
            }
        }
        let around = holding::Around {
            inputs: self.inputs,
            providers: &self.providers,
            left_out: self.scope.is_restricted(),
        };
        let mut wrong = Vec::new();
        if !self.scope.only_refreshes() {
            wrong.extend(holding::check_holders(listed, &around));
        }
        wrong.extend(rivals::check_successors(listed, &self.inputs.config));
        wrong.extend(rivals::check_swaps(listed, &self.inputs.config));
        for error in wrong {
            self.world.report(error);
        }
    }

    fn finish(
        self,
        cancel: &Cancel,
        sound: bool,
        (listed, mut data, leftovers): (Listed, Vec<crate::DataResult>, Vec<ResourceAddr>),
    ) -> (Plan, Diagnostics) {
        let mut zones = self.zones.take().into_iter();
        let zone = zones.next().filter(|_| zones.next().is_none());
        let (outputs, variables) = if sound {
            {
                let outputs = outputs::planned(&self.world, &self.graph, &self.scope, &listed);
                (outputs, root::variables(&self.world))
            }
        } else {
            Default::default()
        };
        let drift = self.drift.take().into_list();
        // Without a read nobody knows that it is there.
        let looked = self.modes.asked;
        let realms = if looked { self.providers.realms() } else { BTreeMap::new() };
        if looked && self.options.targets.is_empty() && !cancel.is_raised() {
            let gone = drift.iter().filter(|drift| drift.after.is_null()).map(|drift| &drift.addr);
            for error in self.providers.unfound(&gone.collect()) {
                self.world.report(error);
            }
        }
        let diagnostics = self.world.take_diagnostics();
        data.sort_by(|a, b| a.addr.cmp(&b.addr));
        let complete = !listed.deferred.iter().any(DeferredChange::can_come)
            && !self.options.offline
            && !cancel.is_raised()
            && self.options.targets.is_empty();
        let plan = Plan {
            mode: self.options.mode,
            given_again: root::given_again(&self.world),
            changes: listed.changes,
            drift,
            data,
            outputs,
            deferred: listed.deferred,
            leftovers,
            under_way: under_way(&self.inputs.prior),
            lineage: self.inputs.prior.lineage.clone(),
            serial: self.inputs.prior.serial,
            variables,
            targets: self.options.targets.clone(),
            complete,
            errored: false,
            at: self.inputs.clock.now(),
            realms,
            zone,
        };
        (plan, diagnostics)
    }

    /// Has every provider judge the plan as a whole.
    async fn check_whole(&self, listed: &Listed) {
        for diagnostic in claims::judged(&self.providers, &self.claims, listed).await {
            let config = &self.inputs.config;
            let addr = diagnostic.origin.addr.clone();
            match addr.and_then(|addr| Some((config.resource(&addr.block)?, addr))) {
                Some((resource, addr)) => self.report_at(diagnostic, resource, &addr),
                None => self.world.report(diagnostic),
            }
        }
    }

    fn report_at(&self, diagnostic: Diagnostic, resource: &Resource, addr: &ResourceAddr) {
        self.world.report(located(diagnostic, resource, addr));
    }

    /// Returns an instant in the time of the dates that are declared so far.
    fn shown(&self, at: Timestamp) -> String {
        crate::words::instant(at, self.zones.borrow().first().map(|zone| &**zone))
    }

    /// Returns the configured provider of a block.
    async fn provider(&self, group: &Group<'_>) -> Option<Arc<dyn Provider>> {
        self.providers.configured(&self.world, &group.provider).await
    }
}

/// Lists what was begun and not ended, in the order of addresses.
fn under_way(prior: &terrarium_state::State) -> Vec<OpenAction> {
    let mut open: Vec<OpenAction> = prior
        .intents
        .iter()
        .map(|open| OpenAction {
            addr: open.intent.addr.clone(),
            deposed: open.intent.deposed.clone(),
            action: match open.intent.action {
                terrarium_provider::Action::Create => PlannedAction::Create,
                terrarium_provider::Action::Update => PlannedAction::Update,
                terrarium_provider::Action::Delete => PlannedAction::Delete,
            },
            since: open.intent.at,
        })
        .collect();
    open.sort_by(|a, b| (&a.addr, &a.deposed, a.since).cmp(&(&b.addr, &b.deposed, b.since)));
    open
}
