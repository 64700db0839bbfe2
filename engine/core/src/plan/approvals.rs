//! What an approval of each deferred or scheduled change covers, hashed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use petgraph::graph::NodeIndex;
use terrarium_address::{ModulePath, Name, ResourceAddr};
use terrarium_lang::config::{BlockRef, BlockText, Module};
use terrarium_state::Scheduled;
use terrarium_value::to_snapshot;

use super::listed::Listed;
use super::root;
use crate::approval::{self, BLOCK, FILE, VARIABLE};
use crate::graph::{Graph, Node};
use crate::providers::Providers;
use crate::world::{FileReads, ModuleId, World};
use crate::{DeferredChange, Inputs, ResourceChange};

/// How many blocks of its closure an instance names one by one, nearest first; a change of another one is
/// told as one of the configuration. Without a limit, a long chain would be named once per link.
const NAMED_BLOCKS: usize = 64;

/// How many objects are visited in search of the variables that an instance reads, for their names.
const VISITED: usize = 4096;

/// A hash in the making.
type Hash = [u8; 32];

/// The hashes of the graph's objects.
struct Hashes {
    /// Of an object alone.
    own: Vec<Hash>,
    /// Of an object and all that it needs.
    deep: Vec<Hash>,
    /// Of the values of root variables.
    values: HashMap<NodeIndex, (Name, Hash)>,
    resources: HashMap<(ModulePath, BlockRef), NodeIndex>,
}

/// The files that were read for each instance. Instances of a course read the same ones: what is the same is
/// shared.
#[derive(Default)]
pub(super) struct Files {
    by_addr: HashMap<ResourceAddr, Arc<FileReads>>,
    last: Arc<FileReads>,
}

impl Files {
    /// Notes what was read for an instance.
    pub(super) fn note(&mut self, addr: &ResourceAddr, reads: &crate::world::Deps) {
        if !reads.files.is_empty() {
            self.add(addr, &reads.files);
        }
    }

    fn add(&mut self, addr: &ResourceAddr, reads: &FileReads) {
        let known = self.by_addr.entry(addr.clone()).or_default();
        if known.is_empty() {
            if *self.last != *reads {
                self.last = Arc::new(reads.clone());
            }
            *known = self.last.clone();
        } else if reads.iter().any(|(name, hash)| known.get(name) != Some(hash)) {
            let more = reads.iter().map(|(name, hash)| (name.clone(), *hash));
            Arc::make_mut(known).extend(more);
        }
    }

    fn of(&self, addr: &ResourceAddr) -> impl Iterator<Item = (&Name, &Hash)> {
        self.by_addr.get(addr).into_iter().flat_map(|reads| reads.iter())
    }
}

/// Who fills in what approvals cover.
pub(super) struct Approvals<'p, 'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) graph: &'p Graph,
    pub(super) world: &'p World<'a>,
    pub(super) providers: &'p Providers<'a>,
    pub(super) files: &'p Files,
}

impl Approvals<'_, '_> {
    /// Fills in what an approval of deferred and scheduled changes covers, and which are approved.
    pub(super) fn fill_in(&self, found: &mut Listed) {
        let schedule = &self.inputs.prior.schedule;
        let wanted: HashSet<&ResourceAddr> = schedule.iter().map(|entry| &entry.addr).collect();
        if wanted.is_empty() && found.deferred.is_empty() {
            return;
        }
        let Some(hashes) = self.hashes() else { return };
        let mut entries: HashMap<&ResourceAddr, Vec<&Scheduled>> = HashMap::new();
        for entry in schedule {
            entries.entry(&entry.addr).or_default().push(entry);
        }
        let mut parts: HashMap<NodeIndex, BTreeMap<Name, Name>> = HashMap::new();
        for change in found.changes.iter_mut().filter(|change| wanted.contains(&change.addr)) {
            self.fill(change, &hashes, &mut parts);
        }
        for deferred in &mut found.deferred {
            self.fill(&mut deferred.change, &hashes, &mut parts);
            let entries = entries.get(&deferred.change.addr);
            deferred.approved = entries.is_some_and(|entries| self.is_approved(deferred, entries));
        }
    }

    fn is_approved(&self, deferred: &DeferredChange, entries: &[&Scheduled]) -> bool {
        let prior = &self.inputs.prior;
        let Some(new) = deferred.entry(&prior.lineage) else { return false };
        entries.iter().any(|entry| {
            entry.action == new.action
                && approval::objection(entry, &deferred.change, &prior.lineage).is_none()
        })
    }

    fn fill(
        &self,
        change: &mut ResourceChange,
        hashes: &Hashes,
        parts: &mut HashMap<NodeIndex, BTreeMap<Name, Name>>,
    ) {
        let block = &change.addr.block;
        let block_ref = BlockRef::of(block);
        let node = hashes.resources.get(&(block.module.config(), block_ref)).copied();
        let mut hasher = blake3::Hasher::new();
        update(&mut hasher, change.addr.to_string().as_bytes());
        // A block that is no longer declared rests on nothing.
        if let Some(hash) = node.and_then(|node| hashes.deep.get(node.index())) {
            hasher.update(hash);
        }
        change.approval = Some(hex(&hasher.finalize().into()));
        let mut covers = match node {
            Some(node) => parts.entry(node).or_insert_with(|| self.parts(node, hashes)).clone(),
            None => BTreeMap::new(),
        };
        let reads = self.providers.recorded(&change.provider);
        let reads = reads.map(|provider| self.providers.reads(&provider)).unwrap_or_default();
        let of_instance = self.files.of(&change.addr);
        for (name, hash) in of_instance.chain(&reads.files) {
            covers.insert(format!("{FILE}{name}").into(), hex(hash));
        }
        change.covers = Arc::new(covers);
    }

    /// Names the variables and the nearest blocks that a block rests on, with their hashes.
    fn parts(&self, node: NodeIndex, hashes: &Hashes) -> BTreeMap<Name, Name> {
        let nodes = &self.graph.nodes;
        let mut parts = BTreeMap::new();
        let mut seen = HashSet::from([node]);
        let mut open = VecDeque::from([node]);
        let mut blocks = 0;
        while let Some(at) = open.pop_front() {
            if let Some((name, hash)) = hashes.values.get(&at) {
                parts.insert(format!("{VARIABLE}{name}").into(), hex(hash));
            }
            if blocks < NAMED_BLOCKS && !matches!(nodes[at], Node::Close(_)) {
                blocks += 1;
                if let Some(hash) = hashes.own.get(at.index()) {
                    parts.insert(format!("{BLOCK}{}", nodes[at]).into(), hex(hash));
                }
            }
            for needed in nodes.neighbors_directed(at, petgraph::Incoming) {
                if seen.len() < VISITED && seen.insert(needed) {
                    open.push_back(needed);
                }
            }
        }
        parts
    }

    /// Hashes every object of the graph, in the order of need; `None` where there is no such order.
    fn hashes(&self) -> Option<Hashes> {
        let nodes = &self.graph.nodes;
        let order = petgraph::algo::toposort(nodes, None).ok()?;
        let mut hashes = Hashes {
            own: vec![[0; 32]; nodes.node_count()],
            deep: vec![[0; 32]; nodes.node_count()],
            values: HashMap::new(),
            resources: HashMap::new(),
        };
        let variables = root::variables(self.world);
        for at in order {
            let node = &nodes[at];
            let own = self.own_hash(node);
            let mut deep = blake3::Hasher::new();
            deep.update(&own);
            match node {
                Node::Variable(path, name) if path.is_root() && !self.is_ephemeral(name) => {
                    if let Some(value) = variables.get(name) {
                        let hash = blake3::hash(to_snapshot(value).as_bytes());
                        deep.update(hash.as_bytes());
                        hashes.values.insert(at, (name.clone(), hash.into()));
                    }
                }
                Node::Resource(path, block) => {
                    hashes.resources.insert((path.clone(), block.clone()), at);
                }
                _ => {}
            }
            let needed: BTreeSet<Hash> = nodes
                .neighbors_directed(at, petgraph::Incoming)
                .filter_map(|needed| hashes.deep.get(needed.index()).copied())
                .collect();
            for hash in &needed {
                deep.update(hash);
            }
            if let (Some(first), Some(second)) =
                (hashes.own.get_mut(at.index()), hashes.deep.get_mut(at.index()))
            {
                *first = own;
                *second = deep.finalize().into();
            }
        }
        Some(hashes)
    }

    /// The values of ephemeral variables differ from run to run by their nature: they are not covered.
    fn is_ephemeral(&self, name: &Name) -> bool {
        let root = self.world.module(ModuleId::ROOT);
        root.config.variables.get(name).is_some_and(|variable| variable.ephemeral)
    }

    /// Hashes what is written of one object.
    fn own_hash(&self, node: &Node) -> Hash {
        let mut hasher = blake3::Hasher::new();
        update(&mut hasher, node.to_string().as_bytes());
        let module = |path: &ModulePath| self.inputs.config.module(path);
        let mut written = |text: Option<&BlockText>| {
            if let Some(text) = text {
                text.for_each_token(&mut |token| update(&mut hasher, token.as_bytes()));
            }
        };
        match node {
            Node::Variable(path, name) => {
                written(module(path).and_then(|it| it.variables.get(name)).map(|it| &it.text));
                let call = path.parent().zip(path.steps().last());
                written(call.as_ref().and_then(|(parent, step)| {
                    module(parent)?.calls.get(&step.name)?.argument_texts.get(name)
                }));
            }
            Node::Local(path, name) => {
                written(module(path).and_then(|it| it.locals.get(name)).map(|it| &it.text));
            }
            Node::Output(path, name) => {
                written(module(path).and_then(|it| it.outputs.get(name)).map(|it| &it.text));
            }
            Node::Resource(path, block) => {
                written(module(path).and_then(|it| it.resources.get(block)).map(|it| &it.text));
            }
            Node::Call(path, name) => {
                written(module(path).and_then(|it| it.calls.get(name)).map(|it| &it.text));
            }
            Node::Close(_) => {}
            Node::Provider(path, name, alias) => {
                let found = module(path);
                let block = found.and_then(|it| {
                    it.providers.iter().find(|it| it.name == *name && it.alias == *alias)
                });
                written(block.map(|it| &it.text));
                if let Some(requirement) = found.and_then(|it| required(it, name)) {
                    update(&mut hasher, requirement.as_bytes());
                }
            }
        }
        hasher.finalize().into()
    }
}

/// Returns what a module requires of a provider, as text.
fn required(module: &Module, name: &Name) -> Option<String> {
    let requirement = module.required_providers.get(name)?;
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    Some(format!("{} {}", part(&requirement.source), part(&requirement.version)))
}

/// Adds a part such that two parts are never mistaken for one.
fn update(hasher: &mut blake3::Hasher, part: &[u8]) {
    hasher.update(&(part.len() as u64).to_le_bytes());
    hasher.update(part);
}

fn hex(hash: &Hash) -> Name {
    blake3::Hash::from(*hash).to_hex().as_str().into()
}
