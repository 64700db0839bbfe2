//! The edges between tasks.
//!
//! A relation reaches through what has no task of its own in it: a data source that was read while
//! planning, an object that stays as it is. There, and where many need many, it goes over a joint, so that
//! N readers of M instances cost N + M edges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use terrarium_address::{Mode, ResourceAddr};
use terrarium_state::State;

use super::circles::{Edge, Will};
use super::facts::{Facts, Side, Target, is_data, leaves, target};
use super::{Step, Task};
use crate::grip::{Grip, only_lets_go, passed_on};
use crate::plan::{Handle, Holdable, held, recorded_deps};
use crate::{Plan, PlannedAction, ReplaceOrder, ResourceChange};

/// How an instance may have to wait for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Relation {
    /// What is read is made or changed before its reader is.
    Ready,
    /// What rests on an object is removed before the object is.
    Free,
    /// What rests on an object is removed before the object is changed in place.
    Gone,
    /// What used to read an object reads something else before the object is removed.
    Moved,
}

/// What kind of end an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndKind {
    Removal,
    BeforeCreate,
    AfterCreate,
}

#[derive(Clone, Copy, Debug)]
struct End {
    node: usize,
    kind: EndKind,
    /// Whether it is the end of an object that an earlier replacement left behind.
    deposed: bool,
}

impl End {
    /// How firmly the end waits for the updates of what used to read the object.
    fn after_updates(self) -> Option<Will> {
        match self.kind {
            EndKind::AfterCreate => Some(Will::Must),
            // Not always possible: what such an update needs may itself wait for the removal.
            EndKind::Removal => Some(Will::May),
            EndKind::BeforeCreate => None,
        }
    }
}

/// Draws the edges of a plan.
pub(super) struct Weaver<'p> {
    facts: Facts<'p>,
    pub(super) tasks: Vec<Task>,
    pub(super) nodes: usize,
    pub(super) edges: Vec<Edge>,
    /// Create, update or read task by instance.
    forward: HashMap<&'p ResourceAddr, usize>,
    /// Delete tasks by instance, deposed objects included.
    ends: HashMap<&'p ResourceAddr, Vec<End>>,
    /// Delete task by change.
    own_end: BTreeMap<usize, End>,
    joints: HashMap<(Relation, Target<'p>), usize>,
    /// Joints whose own edges are still to be drawn.
    open: Vec<(Relation, Target<'p>, usize)>,
    /// Changes in place that let go of something, and whether that is all that they do.
    let_go: BTreeMap<usize, bool>,
    /// The successors of lenders that what goes down and comes back waits for before it goes.
    successors: HashMap<&'p ResourceAddr, Vec<usize>>,
}

impl<'p> Weaver<'p> {
    pub(super) fn weave(plan: &'p Plan, state: &'p State) -> Self {
        let mut weaver = Self {
            facts: Facts::of(plan, state),
            tasks: Vec::new(),
            nodes: 0,
            edges: Vec::new(),
            forward: HashMap::new(),
            ends: HashMap::new(),
            own_end: BTreeMap::new(),
            joints: HashMap::new(),
            open: Vec::new(),
            let_go: BTreeMap::new(),
            successors: HashMap::new(),
        };
        for (change, planned) in plan.changes.iter().enumerate() {
            for step in steps(planned) {
                weaver.task(change, *step);
            }
            if planned.action == PlannedAction::Update && !passed_on(planned).0.is_empty() {
                weaver.let_go.insert(change, only_lets_go(planned));
            }
        }
        weaver.nodes = weaver.tasks.len();
        for change in 0..plan.changes.len() {
            weaver.wait_for_reads(change);
            if !weaver.ends.is_empty() || weaver.let_go.contains_key(&change) {
                weaver.wait_for_readers(change);
            }
        }
        weaver.wait_for_holders();
        weaver.wait_for_release();
        while let Some((relation, target, joint)) = weaver.open.pop() {
            weaver.expand(relation, target, joint);
        }
        while weaver.wait_with_occupants() {}
        weaver
    }

    fn edge(&mut self, first: usize, then: usize, will: Will) {
        if first != then {
            self.edges.push(Edge { first, then, will });
        }
    }

    fn task(&mut self, change: usize, step: Step) {
        let planned = &self.facts.plan.changes[change];
        let node = self.tasks.len();
        self.tasks.push(Task { change, step });
        match step {
            Step::Create | Step::Update | Step::Read => {
                if let Some(end) = self.own_end.get(&change) {
                    self.edge(end.node, node, Will::Must);
                }
                self.forward.insert(&planned.addr, node);
            }
            Step::Delete => {
                let kind = match planned.action {
                    // What used to read a deposed object has been given another.
                    _ if planned.deposed.is_some() => EndKind::AfterCreate,
                    PlannedAction::Replace(ReplaceOrder::DeleteFirst) => EndKind::BeforeCreate,
                    PlannedAction::Replace(ReplaceOrder::CreateFirst) => EndKind::AfterCreate,
                    _ => EndKind::Removal,
                };
                if planned.action == PlannedAction::Replace(ReplaceOrder::CreateFirst)
                    && let Some(create) = self.forward.get(&planned.addr).copied()
                {
                    self.edge(create, node, Will::Must);
                }
                let end = End { node, kind, deposed: planned.deposed.is_some() };
                self.ends.entry(&planned.addr).or_default().push(end);
                self.own_end.insert(change, end);
            }
            Step::Forget => {}
        }
    }

    /// Returns the create, update or read task of a change.
    fn own_forward(&self, planned: &ResourceChange) -> Option<usize> {
        self.forward.get(&planned.addr).copied().filter(|_| planned.deposed.is_none())
    }

    /// A forward task waits for those of what it reads.
    fn wait_for_reads(&mut self, change: usize) {
        let planned = &self.facts.plan.changes[change];
        let Some(node) = self.own_forward(planned) else { return };
        for lender in &planned.occupies.lenders {
            let Some(needed) = self.forward.get(lender).copied() else { continue };
            // What sits on a lender goes down when its successor stands, not before. A wish, since the
            // successor may need an update that waits for this very removal.
            let stands_first = self
                .ends
                .get(lender)
                .is_some_and(|ends| ends.iter().any(|end| end.kind == EndKind::AfterCreate));
            if let Some(end) = self.own_end.get(&change).copied().filter(|_| stands_first) {
                self.edge(needed, end.node, Will::Should);
                self.successors.entry(&planned.addr).or_default().push(needed);
            }
        }
        let mut needs = self.facts.needs(&planned.addr, None, Side::Ahead);
        self.stay_until_read(change, &needs);
        if self.let_go.get(&change) == Some(&true) {
            needs = needs.into_iter().map(|(target, _)| (target, Will::May)).collect();
        }
        self.tie_all(Relation::Ready, node, needs);
    }

    /// What is made anew goes down when the data sources that it reads have been read, not before: they may look
    /// for a successor that takes a while (the port of a server that is made first). A wish, since that successor
    /// may itself wait for this removal.
    fn stay_until_read(&mut self, change: usize, needs: &[(Target<'p>, Will)]) {
        let Some(end) = self.own_end.get(&change).copied() else { return };
        if end.kind != EndKind::BeforeCreate {
            return;
        }
        for (target, _) in needs {
            let looks = match target {
                Target::Instance(addr) => is_data(addr),
                Target::Block(block) => block.mode == Mode::Data,
                Target::Set(set) => set.addrs().first().is_some_and(is_data),
            };
            if looks {
                self.tie(Relation::Ready, end.node, *target, Will::Should);
            }
        }
    }

    /// The end of an object, or its change in place, waits for the end of what was recorded to read it;
    /// the end of an object waits for the update of what was. A change that only lets go of something (an
    /// address of its port) is to what it rested on like its end.
    fn wait_for_readers(&mut self, change: usize) {
        let planned = &self.facts.plan.changes[change];
        let end = self.own_end.get(&change).copied();
        let forward = self.own_forward(planned);
        if end.is_none() && forward.is_none() {
            return;
        }
        let needs = self.facts.needs(&planned.addr, planned.deposed.as_ref(), Side::Behind);
        if let Some(forward) = forward {
            let only = self.let_go.get(&change).copied();
            let relation = if only == Some(true) { Relation::Free } else { Relation::Moved };
            self.tie_all(relation, forward, needs.clone());
            match only {
                Some(true) => self.tie_all(Relation::Gone, forward, needs.clone()),
                Some(false) => self.tie_all(Relation::Gone, forward, left_behind(planned, &needs)),
                None => {}
            }
        }
        let Some(end) = end else { return };
        if !self.forward.is_empty() && (end.kind != EndKind::AfterCreate || end.deposed) {
            // What an earlier replacement left behind waits for its readers, who may need the change.
            let at_most = if end.deposed { Will::May } else { Will::Must };
            let needs = needs.iter().map(|(target, will)| (*target, at_most.min(*will)));
            self.tie_all(Relation::Gone, end.node, needs.collect());
        }
        self.tie_all(Relation::Free, end.node, needs);
    }

    /// What holds an object lets go of it, by its update or its own removal, before the object is removed:
    /// no removal would succeed otherwise. (That a replacement can't be had so is told by the plan.)
    fn wait_for_holders(&mut self) {
        let plan = self.facts.plan;
        let mut holders: Vec<(Handle, usize, usize)> = Vec::new();
        for (at, change) in plan.changes.iter().enumerate() {
            let updates = change.action == PlannedAction::Update;
            let lets_go = match self.own_end.get(&at) {
                Some(end) => Some(end.node),
                None => self.own_forward(change).filter(|_| updates),
            };
            if let Some(node) = lets_go {
                let held = held(&change.schema, &change.before);
                holders.extend(held.into_iter().map(|handle| (handle, at, node)));
            }
        }
        if holders.is_empty() || self.own_end.is_empty() {
            return;
        }
        let ends = self.own_end.iter().filter(|(_, end)| end.kind != EndKind::BeforeCreate);
        let ends = Holdable::of(ends.map(|(change, end)| {
            let change = &plan.changes[*change];
            (&change.addr, &change.before, end.node)
        }));
        for (handle, change, node) in holders {
            let change = &plan.changes[change];
            let deps = [&change.deps[..], recorded_deps(self.facts.state, change)];
            for (_, end) in ends.get(&handle, &deps) {
                self.edge(node, *end, Will::Must);
            }
        }
    }

    /// What only one may hold is let go of before another one takes it. A wish: two may swap what they hold.
    fn wait_for_release(&mut self) {
        let plan = self.facts.plan;
        let mut let_go: HashMap<String, Vec<(Grip<'p>, usize, usize)>> = HashMap::new();
        let changes = plan.changes.iter().enumerate();
        for (at, change) in changes.filter(|(_, it)| it.action != PlannedAction::Create) {
            let forward = self.own_forward(change);
            let Some(node) = self.own_end.get(&at).map(|end| end.node).or(forward) else {
                continue;
            };
            for grip in passed_on(change).0 {
                let_go.entry(grip.thing.clone()).or_default().push((grip, at, node));
            }
        }
        if let_go.is_empty() {
            return;
        }
        for (taker, change) in plan.changes.iter().enumerate() {
            let Some(node) = self.own_forward(change) else { continue };
            for grip in passed_on(change).1 {
                let old = let_go.get(&grip.thing).into_iter().flatten();
                for (_, holder, first) in old.filter(|(old, ..)| old.is_on(&grip)) {
                    if *holder != taker {
                        self.edges.push(Edge { first: *first, then: node, will: Will::Should });
                    }
                }
            }
        }
    }

    fn tie_all(&mut self, relation: Relation, node: usize, needs: Vec<(Target<'p>, Will)>) {
        for (target, will) in needs {
            self.tie(relation, node, target, will);
        }
    }

    /// Ties a node to what it needs.
    fn tie(&mut self, relation: Relation, node: usize, target: Target<'p>, will: Will) {
        let Some((other, at_most)) = self.node_of(relation, target) else { return };
        let will = will.min(at_most);
        match relation {
            Relation::Ready => self.edge(other, node, will),
            Relation::Free | Relation::Gone | Relation::Moved => self.edge(node, other, will),
        }
    }

    /// Returns the node that stands for a target, and how firm an edge to it can be at most.
    fn node_of(&mut self, relation: Relation, target: Target<'p>) -> Option<(usize, Will)> {
        let mut key = target;
        if let Target::Instance(addr) = target {
            let addr = self.facts.now_at(addr);
            key = Target::Instance(addr);
            let ends = self.ends.get(addr).map(Vec::as_slice).unwrap_or_default();
            match (relation, ends) {
                (Relation::Ready, _) => {
                    if let Some(node) = self.forward.get(addr) {
                        return Some((*node, Will::Must));
                    }
                }
                (Relation::Free, [one]) if !one.deposed => return Some((one.node, Will::Must)),
                // Its reader goes before it does, and it goes before what it needs is changed.
                (Relation::Gone, [one]) if one.kind != EndKind::AfterCreate => return None,
                (Relation::Moved, []) if !self.is_passed(addr) => return None,
                (Relation::Moved, [one]) if !self.is_passed(addr) => {
                    return one.after_updates().map(|will| (one.node, will));
                }
                _ => {}
            }
        }
        let next = self.nodes;
        let joint = *self.joints.entry((relation, key)).or_insert(next);
        if joint == next {
            self.nodes += 1;
            self.open.push((relation, key, joint));
        }
        Some((joint, Will::Must))
    }

    /// Returns whether a reader of an instance is taken for a reader of what that instance reads, too: it
    /// does nothing of its own that would give the reader another value.
    fn is_passed(&self, addr: &ResourceAddr) -> bool {
        is_data(addr) || !(self.forward.contains_key(addr) || self.goes(addr))
    }

    /// Returns whether the current object of an instance is removed.
    fn goes(&self, addr: &ResourceAddr) -> bool {
        self.ends.get(addr).is_some_and(|ends| ends.iter().any(|end| !end.deposed))
    }

    /// Draws the edges of a joint.
    fn expand(&mut self, relation: Relation, target: Target<'p>, joint: usize) {
        let Target::Instance(addr) = target else {
            for addr in self.facts.instances(target) {
                self.tie(relation, joint, Target::Instance(addr), Will::Must);
            }
            return;
        };
        let ends = self.ends.get(addr).cloned().unwrap_or_default();
        let (passes, side) = match relation {
            // Nothing is read of what goes.
            Relation::Ready => (!self.facts.change(addr).is_some_and(leaves), Side::Ahead),
            Relation::Free => {
                for end in &ends {
                    self.edge(joint, end.node, Will::Must);
                }
                (!self.goes(addr), Side::Behind)
            }
            Relation::Gone => {
                if let Some(node) = self.changed_in_place(addr) {
                    // A wish: a successor that is made before its predecessor goes may need the change.
                    self.edge(joint, node, Will::Should);
                }
                (true, Side::Behind)
            }
            Relation::Moved => {
                for end in &ends {
                    if let Some(will) = end.after_updates() {
                        self.edge(joint, end.node, will);
                    }
                }
                (self.is_passed(addr), Side::Behind)
            }
        };
        if passes {
            self.tie_all(relation, joint, self.facts.needs(addr, None, side));
        }
    }

    /// Returns the task that changes an object in place, or makes anew what vanished.
    fn changed_in_place(&self, addr: &ResourceAddr) -> Option<usize> {
        let change = self.facts.change(addr)?;
        let changes = matches!(change.action, PlannedAction::Update | PlannedAction::Create);
        self.forward.get(addr).copied().filter(|_| changes)
    }

    /// What goes down and comes back with an occupant waits with it: a refusal leaves all of it running.
    fn wait_with_occupants(&mut self) -> bool {
        if self.successors.is_empty() {
            return false;
        }
        let plan = self.facts.plan;
        let known = self.successors.len();
        for (change, planned) in plan.changes.iter().enumerate() {
            let Some(end) = self.own_end.get(&change).copied() else { continue };
            if planned.action != PlannedAction::Replace(ReplaceOrder::DeleteFirst)
                || self.successors.contains_key(&planned.addr)
            {
                continue;
            }
            let mut first: BTreeSet<usize> = BTreeSet::new();
            for (target, _) in self.facts.needs(&planned.addr, None, Side::Ahead) {
                let all = self.facts.instances(target).into_iter();
                first.extend(all.filter_map(|it| self.successors.get(it)).flatten());
            }
            if !first.is_empty() {
                let first: Vec<usize> = first.into_iter().collect();
                for successor in &first {
                    self.edge(*successor, end.node, Will::Should);
                }
                self.successors.insert(&planned.addr, first);
            }
        }
        self.successors.len() > known
    }
}

/// Lists what a change in place moves off: it no longer needs that, and leaves before that is changed.
fn left_behind<'p>(
    planned: &ResourceChange,
    needs: &[(Target<'p>, Will)],
) -> Vec<(Target<'p>, Will)> {
    let ahead: Vec<Target<'_>> = planned.deps.iter().map(target).collect();
    needs.iter().filter(|(one, _)| !ahead.contains(one)).copied().collect()
}

/// Lists the steps of a change, in the order in which their tasks are made.
fn steps(planned: &ResourceChange) -> &'static [Step] {
    match planned.action {
        PlannedAction::NoOp => &[],
        PlannedAction::Read => &[Step::Read],
        PlannedAction::Create => &[Step::Create],
        PlannedAction::Update => &[Step::Update],
        PlannedAction::Delete => &[Step::Delete],
        PlannedAction::Forget => &[Step::Forget],
        PlannedAction::Replace(ReplaceOrder::DeleteFirst) => &[Step::Delete, Step::Create],
        PlannedAction::Replace(ReplaceOrder::CreateFirst) if planned.keeps_old => &[Step::Create],
        PlannedAction::Replace(ReplaceOrder::CreateFirst) => &[Step::Create, Step::Delete],
    }
}
