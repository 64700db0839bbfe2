//! Rounds of hindsight: what only the whole plan tells is solved from scratch, and what it changes is planned again.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use petgraph::graph::NodeIndex;
use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_diagnostic::Diagnostic;

use super::Planner;
use super::answers::Answers;
use super::time::{Modes, Planned, ended_values, exclusive, leftovers, scarce};
use crate::fate::Fate;
use crate::graph::Node;
use crate::world::{BlockValues, World};
use crate::{Cancel, codes, words};

/// What hindsight says of instances.
pub(super) type Corrections = BTreeMap<ResourceAddr, Fate>;

impl Planner<'_> {
    /// Looks back at the plan as a whole, until it says the same twice; returns what is left over.
    pub(super) async fn look_back(&self, cancel: &Cancel) -> Vec<ResourceAddr> {
        let mut earlier: Vec<Corrections> = Vec::new();
        while !cancel.is_raised() {
            let corrections = corrections(&self.answers.borrow(), self.modes, self.now);
            let changed = differing(&self.answers.borrow(), &self.corrected.borrow(), &corrections);
            if changed.is_empty() {
                break;
            }
            if earlier.contains(&corrections) {
                self.world.report(circle(changed));
                break;
            }
            earlier.push(self.corrected.replace(corrections));
            self.plan_again(&changed).await;
        }
        self.tell_hindsight()
    }

    fn tell_hindsight(&self) -> Vec<ResourceAddr> {
        let answers = self.answers.borrow();
        if !self.modes.defers {
            return Vec::new();
        }
        let all: Vec<&Planned> = answers.all().collect();
        for overlap in exclusive(all.iter().copied(), self.now).overlaps {
            self.world.report(overlap.told(&|at| self.shown(at)));
        }
        for told in ended_values(&all) {
            self.world.report(told);
        }
        leftovers(&all)
    }

    /// Plans those blocks again of which hindsight says something new, and those who read or sit on what that changed,
    /// in the order of the graph.
    async fn plan_again(&self, changed: &BTreeSet<ResourceAddr>) {
        let Ok(order) = petgraph::algo::toposort(&self.graph.nodes, None) else { return };
        let blocks: HashSet<_> = changed.iter().map(|addr| addr.block.config()).collect();
        let named = |at: NodeIndex| match &self.graph.nodes[at] {
            Node::Resource(path, block) => blocks.contains(&block.in_module(path.config())),
            _ => false,
        };
        self.world.forget_named();
        let reads = |at| self.graph.nodes.neighbors_directed(at, petgraph::Incoming);
        let config = |at: NodeIndex| match &self.graph.nodes[at] {
            Node::Resource(path, block) => Some(block.in_module(path.config())),
            _ => None,
        };
        // What others name must not tell of what may change before it is planned again.
        let mut within: HashSet<NodeIndex> = HashSet::new();
        for at in &order {
            if named(*at) || reads(*at).any(|read| within.contains(&read)) {
                within.insert(*at);
            }
        }
        let open: HashSet<ConfigAddr> = within.iter().filter_map(|at| config(*at)).collect();
        let now = self.now;
        self.ledger.borrow_mut().enter_anew(self.answers.borrow().but_for(&open), now);
        let mut touched: HashSet<NodeIndex> = HashSet::new();
        for at in order.into_iter().filter(|at| within.contains(at)) {
            let dirty = named(at) || reads(at).any(|read| touched.contains(&read));
            let Some(block) = config(at) else {
                if dirty {
                    touched.insert(at);
                }
                continue;
            };
            if !dirty {
                let answers = self.answers.borrow();
                self.ledger.borrow_mut().enter_more(answers.wanted_of(&block), now);
                continue;
            }
            let before = visible(&self.world, &self.answers.borrow(), &block);
            self.answers.borrow_mut().forget(&block);
            // The walk holds a visit for each block at once; this one is rare.
            Box::pin(self.visit(at)).await;
            if visible(&self.world, &self.answers.borrow(), &block) != before {
                touched.insert(at);
            }
        }
    }
}

/// Solves the rules that look backward, from what was planned and nothing else.
fn corrections(answers: &Answers, modes: Modes, now: Timestamp) -> Corrections {
    if !modes.defers {
        return Corrections::new();
    }
    let all: Vec<&Planned> = answers.all().collect();
    let mut corrections = scarce(&all, modes);
    // Who must wait for a thing to be let go waits at least that long, and others may not need it at all.
    for (addr, fate) in exclusive(all.into_iter(), now).waiting {
        corrections.entry(addr).or_insert(fate);
    }
    corrections
}

/// Returns a hash of what others see of a block: the values of its instances, and when they come. The values
/// themselves would be there twice while the block is planned again.
fn visible(world: &World<'_>, answers: &Answers, block: &ConfigAddr) -> u64 {
    let mut hasher = DefaultHasher::new();
    for planned in answers.wanted_of(block) {
        planned.fate().when().hash(&mut hasher);
        planned.fate().over().map(|over| over.at).hash(&mut hasher);
    }
    for module in world.instances_of(&block.module) {
        let path = world.module(module).path.clone();
        let values = world.values_of(&ConfigAddr { module: path, ..block.clone() });
        for (key, value) in values.iter().flat_map(BlockValues::instances) {
            key.hash(&mut hasher);
            value.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Lists those whose fate a new round changes: what was said of them may say itself by now, in other words.
fn differing(answers: &Answers, known: &Corrections, new: &Corrections) -> BTreeSet<ResourceAddr> {
    let changes = |addr: &&ResourceAddr| {
        let Some(planned) = answers.find(addr) else { return false };
        let settled = new.get(*addr).unwrap_or(planned.forward());
        !is_same(planned.fate(), settled)
    };
    known.keys().chain(new.keys()).filter(changes).cloned().collect()
}

/// Returns whether two fates come to the same, whoever is waited for.
fn is_same(one: &Fate, other: &Fate) -> bool {
    match (one, other) {
        (Fate::Later(one), Fate::Later(other)) => one.at == other.at,
        (Fate::Never(one), Fate::Never(other)) => one.at == other.at,
        (one, other) => one == other,
    }
}

/// Says that instances wait for each other in a circle: each answer makes another one wrong.
fn circle(members: BTreeSet<ResourceAddr>) -> Diagnostic {
    let names: Vec<String> = members.iter().map(ToString::to_string).collect();
    let shown = words::shortened(names.iter().cloned(), names.len(), ", ");
    let told = Diagnostic::error(codes::WAITS_IN_A_CIRCLE, "A circle of waits")
        .detail(format!(
            "{shown} wait for each other: whenever one of them is planned for its time, another one has to change."
        ))
        .help("let one of them end or begin at another time, or take a reference between them away");
    match members.into_iter().next() {
        Some(first) => told.about(first),
        None => told,
    }
}
