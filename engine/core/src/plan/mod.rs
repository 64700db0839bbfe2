//! Planning: what would have to be done, and in which order it may be found out.
//!
//! The walk goes over configuration objects; the instances of a resource block are planned together.
//! Everything runs on one thread; only provider calls are concurrent.

mod action;
mod approvals;
mod candidate;
mod claims;
mod data;
mod defer;
mod exclusive;
mod grip;
mod hindsight;
mod holding;
mod import;
mod lending;
mod managed;
mod named;
mod need;
mod occupancy;
mod orphans;
pub(crate) mod outputs;
mod places;
mod recorded;
mod refresh;
mod targets;
mod unknown;

pub(crate) use action::differs;
pub(crate) use grip::{Grip, only_lets_go, passed_on};
pub(crate) use holding::{Handle, Holdable, held, recorded_deps};
pub(crate) use managed::{causes_of, ignoring};
pub(crate) use occupancy::names_at;
pub(crate) use places::Places;
pub(crate) use targets::{blocks_with_dependents, lies_apart, names_block};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use petgraph::graph::NodeIndex;
use terrarium_address::{ConfigAddr, Mode as BlockMode, ModulePath, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::config::{BlockRef, Resource};
use terrarium_provider::{Connection, Deferral};

use crate::graph::{Graph, Node, create_first};
use crate::model::DataResult;
use crate::providers::{self, Providers};
use crate::rules::RuleKind;
use crate::world::{At, Phase, World};
use crate::{
    Cancel, DeferredChange, Inputs, Mode, OpenAction, Plan, PlanOptions, PlannedAction, Progress,
    ResourceChange, Waits,
};

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
    if sound {
        planner.run(cancel).await;
        planner.check_whole().await;
    }
    let (plan, found) = planner.finish(cancel, sound);
    diagnostics.extend(found);
    let errored = diagnostics.has_errors();
    (Plan { errored, complete: plan.complete && !errored, ..plan }, diagnostics)
}

pub(crate) struct Planner<'a> {
    inputs: &'a Inputs,
    options: &'a PlanOptions,
    world: World<'a>,
    graph: Graph,
    providers: Providers<'a>,
    index: RefCell<recorded::Index<'a>>,
    create_first: BTreeSet<(ModulePath, BlockRef)>,
    targets: targets::Targets<'a>,
    /// What the plan is restricted to; `None`: nothing.
    restricted: Option<targets::Restricted>,
    /// What `removed` blocks say is forgotten.
    to_stay: named::Named<'a>,
    imports: BTreeMap<ConfigAddr, Vec<&'a terrarium_lang::config::Import>>,
    /// What the blocks of `imports` name; evaluated when it is first asked for.
    import_ids: RefCell<HashMap<ConfigAddr, std::rc::Rc<import::ImportIds>>>,
    /// Who is recorded to sit on whom; found when it is first asked for.
    seated: std::cell::OnceCell<HashMap<&'a ResourceAddr, Vec<&'a ResourceAddr>>>,
    found: RefCell<Found>,
    lent: RefCell<lending::Lent>,
    claims: claims::Claims,
    /// The files that were read for each instance.
    files: RefCell<approvals::Files>,
    /// The instant of this plan.
    now: Timestamp,
    progress: &'a Arc<dyn Progress>,
}

/// What the plan consists of so far.
#[derive(Default)]
struct Found {
    changes: Vec<ResourceChange>,
    drift: Vec<ResourceChange>,
    /// Instances whose drift turned out to be none.
    undrifted: HashSet<ResourceAddr>,
    data: Vec<DataResult>,
    deferred: Vec<DeferredChange>,
    /// Current objects by instance.
    by_addr: HashMap<ResourceAddr, usize>,
    /// The same by block, for `replace_triggered_by`.
    by_block: HashMap<ConfigAddr, Vec<usize>>,
    /// Instances with something to do, for data sources that depend on them; `None` where there are none.
    pending: Option<places::Places<()>>,
    /// Instances that are not there before a time, and what they wait for longest.
    coming: places::Places<occupancy::Wait>,
    /// Scarce objects that nobody needs any more.
    leftovers: Vec<ResourceAddr>,
    /// The time zones that dates are declared in.
    zones: BTreeSet<terrarium_address::Name>,
}

impl Found {
    /// Returns the changes of a block's current objects.
    fn of_block(&self, block: &ConfigAddr) -> impl Iterator<Item = &ResourceChange> {
        let indices = self.by_block.get(block).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|at| self.changes.get(*at))
    }

    fn add(&mut self, change: ResourceChange) {
        if change.action != PlannedAction::NoOp {
            self.note_pending(&change.addr);
        }
        if change.deposed.is_none() {
            self.by_addr.insert(change.addr.clone(), self.changes.len());
            self.by_block.entry(change.addr.block.clone()).or_default().push(self.changes.len());
        }
        self.changes.push(change);
    }

    /// Notes an instance with something to do.
    fn note_pending(&mut self, addr: &ResourceAddr) {
        if let Some(pending) = &mut self.pending {
            pending.add(addr, &(), |(), ()| ());
        }
    }

    /// Returns whether anything that a dependency names has something to do.
    fn waits_for(&self, dep: &terrarium_state::Dep) -> bool {
        self.pending.as_ref().is_some_and(|pending| !pending.of(dep).is_empty())
    }

    /// Finds the changes by address again, after some were taken out.
    fn index(&mut self) {
        self.by_addr.clear();
        self.by_block.clear();
        for (at, change) in self.changes.iter().enumerate() {
            if change.deposed.is_none() {
                self.by_addr.insert(change.addr.clone(), at);
                self.by_block.entry(change.addr.block.clone()).or_default().push(at);
            }
        }
    }

    /// Notes that an instance is not there before a time, for those that depend on it.
    fn comes(&mut self, addr: &ResourceAddr, at: Option<Timestamp>) {
        let waits = Waits::Dependency(addr.clone());
        let wait = occupancy::Wait { at, waits, reason: addr.to_string() };
        self.coming.add(addr, &wait, occupancy::Wait::latest);
    }
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
        let targets = targets::Targets::of(&options.targets);
        let restricted = targets::Restricted::of(options, &targets, &graph, &index);
        // What grows by doubling is for a moment there twice, which is the most that a plan takes.
        let blocks =
            index.len().max(inputs.config.modules.values().map(|it| it.resources.len()).sum());
        Self {
            inputs,
            options,
            world: World::new(inputs, Phase::Plan)
                .deferring(options.time.defer && options.mode != Mode::Destroy),
            graph,
            providers: Providers::new(inputs, connection),
            index: RefCell::new(index),
            create_first,
            targets,
            restricted,
            to_stay: named::Named::to_stay(&inputs.config),
            imports: import::by_block(&inputs.config),
            import_ids: RefCell::default(),
            seated: std::cell::OnceCell::new(),
            found: RefCell::new(Found {
                changes: Vec::with_capacity(blocks),
                by_addr: HashMap::with_capacity(blocks),
                by_block: HashMap::with_capacity(blocks),
                pending: has_data(&inputs.config).then(places::Places::default),
                ..Found::default()
            }),
            lent: RefCell::default(),
            claims: claims::Claims::default(),
            files: RefCell::default(),
            now: inputs.clock.now(),
            progress,
        }
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
            self.orphan_blocks().await;
            if self.options.mode == Mode::Normal && self.options.targets.is_empty() {
                self.check_imports();
            }
            if self.options.mode != Mode::Destroy {
                self.world.check_blocks();
            }
        }
    }

    async fn visit(&self, at: NodeIndex) -> NodeIndex {
        let skipped = self.restricted.as_ref().is_some_and(|only| !only.nodes.contains(&at));
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
            self.take_from_state(&group, recorded, skipped).await;
        } else if block.mode == BlockMode::Managed {
            self.managed(&group, recorded).await;
        } else {
            self.data(&group, recorded).await;
        }
    }

    fn finish(self, cancel: &Cancel, sound: bool) -> (Plan, Diagnostics) {
        self.look_back();
        self.check_holders();
        self.check_successors();
        self.check_swaps();
        self.fill_approvals();
        let zone = self.zone();
        let (outputs, variables) =
            if sound { (self.outputs(), self.root_variables()) } else { Default::default() };
        let given_again = self.given_again();
        // Without a read nobody knows that it is there.
        let looked = self.options.refresh && !self.options.offline;
        let realms = if looked { self.providers.realms() } else { BTreeMap::new() };
        if looked && self.options.targets.is_empty() && !cancel.is_raised() {
            self.check_found();
        }
        let diagnostics = self.world.take_diagnostics();
        let mut found = self.found.into_inner();
        // No two are equal; a stable sort would hold half of them twice.
        found.changes.sort_unstable_by(|a, b| (&a.addr, &a.deposed).cmp(&(&b.addr, &b.deposed)));
        found.deferred.sort_by(|a, b| a.change.addr.cmp(&b.change.addr));
        found.drift.retain(|drift| !found.undrifted.contains(&drift.addr));
        found.drift.sort_by(|a, b| a.addr.cmp(&b.addr));
        found.data.sort_by(|a, b| a.addr.cmp(&b.addr));
        let complete = !found.deferred.iter().any(DeferredChange::can_come)
            && !self.options.offline
            && !cancel.is_raised()
            && self.options.targets.is_empty();
        let plan = Plan {
            mode: self.options.mode,
            changes: found.changes,
            drift: found.drift,
            data: found.data,
            outputs,
            deferred: found.deferred,
            leftovers: found.leftovers,
            under_way: under_way(&self.inputs.prior),
            lineage: self.inputs.prior.lineage.clone(),
            serial: self.inputs.prior.serial,
            variables,
            given_again,
            targets: self.options.targets.clone(),
            complete,
            errored: false,
            at: self.inputs.clock.now(),
            realms,
            zone,
        };
        (plan, diagnostics)
    }

    /// Refuses to take a whole state for deleted that nothing binds to the cloud at hand.
    fn check_found(&self) {
        let found = self.found.borrow();
        let gone =
            found.drift.iter().filter(|drift| drift.after.is_null()).map(|drift| &drift.addr);
        for error in self.providers.unfound(&gone.collect()) {
            self.world.report(error);
        }
    }

    /// Notes a change that is not made now.
    fn defer(&self, change: ResourceChange, deferral: Deferral, waits: Waits) {
        let mut found = self.found.borrow_mut();
        if !matches!(waits, Waits::Closed(_)) {
            found.comes(&change.addr, deferral.not_before);
            found.note_pending(&change.addr);
        }
        found.deferred.push(DeferredChange { change, deferral, waits, approved: false });
    }

    fn report_at(&self, diagnostic: Diagnostic, resource: &Resource, addr: &ResourceAddr) {
        self.world.report(located(diagnostic, resource, addr));
    }

    /// Returns an instant in the time of the dates that are declared so far.
    fn shown(&self, at: Timestamp) -> String {
        crate::words::instant(at, self.found.borrow().zones.first().map(|zone| &**zone))
    }

    /// Returns the time zone that all declared dates are in.
    fn zone(&self) -> Option<terrarium_address::Name> {
        let zones = std::mem::take(&mut self.found.borrow_mut().zones);
        if zones.len() == 1 { zones.into_iter().next() } else { None }
    }

    /// Lists the ephemeral root variables that were given a value.
    fn given_again(&self) -> BTreeSet<terrarium_address::Name> {
        let root = self.world.module(crate::world::ModuleId::ROOT);
        let ephemeral = root.config.variables.values().filter(|variable| variable.ephemeral);
        let names = ephemeral.map(|variable| variable.name.clone());
        names.filter(|name| self.inputs.variables.contains_key(name)).collect()
    }

    fn root_variables(&self) -> BTreeMap<terrarium_address::Name, terrarium_value::Value> {
        let root = self.world.module(crate::world::ModuleId::ROOT);
        // What is ephemeral is no part of a plan: it is given anew when the plan is applied.
        let kept = root.config.variables.values().filter(|variable| !variable.ephemeral);
        kept.map(|variable| &variable.name)
            .filter_map(|name| {
                Some((name.clone(), self.world.variable(crate::world::ModuleId::ROOT, name)?))
            })
            .collect()
    }
}

/// A resource block and all that its instances have in common.
struct Group<'g> {
    path: &'g ModulePath,
    resource: &'g Resource,
    provider: providers::ProviderAddr,
    kind: &'g providers::KnownProvider,
    schema: Arc<terrarium_provider::Schema>,
    /// The provider configuration, as the state names it.
    recorded: terrarium_address::Name,
    /// Whether a replacement is created before its predecessor is destroyed.
    create_first: bool,
}

impl<'g> Group<'g> {
    fn new(
        (path, resource): (&'g ModulePath, &'g Resource),
        (provider, kind): (providers::ProviderAddr, &'g providers::KnownProvider),
        schema: Arc<terrarium_provider::Schema>,
        recorded: terrarium_address::Name,
        create_first: bool,
    ) -> Self {
        Self { path, resource, provider, kind, schema, recorded, create_first }
    }

    /// Returns an object that is not there.
    fn null(&self) -> terrarium_value::Value {
        terrarium_value::Value::null(self.schema.block.ty())
    }

    /// Returns whether such objects have a term of their own: a lease.
    fn has_term(&self) -> bool {
        self.schema.tenure == terrarium_provider::Tenure::Own
    }
}

/// Gives a provider's diagnostic the address and the span of the attribute that it names.
pub(crate) fn located(
    mut diagnostic: Diagnostic,
    resource: &Resource,
    addr: &ResourceAddr,
) -> Diagnostic {
    if diagnostic.at.is_none() {
        let path = diagnostic.origin.path.clone().unwrap_or_default();
        let span = resource.body.span_of(&path).unwrap_or(resource.span);
        diagnostic = diagnostic.at(span, "");
    }
    if diagnostic.origin.addr.is_none() {
        diagnostic = diagnostic.about(addr.clone());
    }
    diagnostic
}

/// Says that provisioners are not carried out.
pub(crate) fn no_provisioners(span: terrarium_diagnostic::Span) -> Diagnostic {
    Diagnostic::error(crate::codes::PROVISIONER, "Provisioners are not supported")
        .detail("A plan that ignored a provisioner would leave the object half made.")
        .at(span, "")
        .help("use user_data, or an image that brings what is needed")
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
