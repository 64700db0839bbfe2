//! The order of an apply: tasks, and what each waits for.
//!
//! An instance waits for the instances that it really read. Reads of a whole block go through one
//! joint, so that N readers of M instances cost N + M edges.

use std::collections::{HashMap, VecDeque};

use terrarium_address::{ConfigAddr, ResourceAddr};
use terrarium_state::State;

use crate::{Plan, PlannedAction, ReplaceOrder};

/// What a task does to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Step {
    /// A data source is read.
    Read,
    /// The object is made.
    Create,
    /// The object is changed in place.
    Update,
    /// The object is removed.
    Delete,
    /// The object is no longer recorded.
    Forget,
}

impl Step {
    /// Returns the action that users know it by.
    pub(crate) fn action(self) -> PlannedAction {
        match self {
            Self::Read => PlannedAction::Read,
            Self::Create => PlannedAction::Create,
            Self::Update => PlannedAction::Update,
            Self::Delete => PlannedAction::Delete,
            Self::Forget => PlannedAction::Forget,
        }
    }
}

/// A task: one step of one planned change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Index into [`Plan::changes`].
    pub(crate) change: usize,
    pub(crate) step: Step,
}

/// Tasks, joints and edges; an index below `tasks.len()` is a task, others are joints.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) tasks: Vec<Task>,
    /// Who waits for a node.
    pub(crate) followers: Vec<Vec<usize>>,
    /// For how many nodes a node waits.
    pub(crate) waits: Vec<usize>,
}

impl Order {
    /// Orders a plan's changes. The error lists the addresses of a circle, which only a damaged state or
    /// a mistake of ours can cause.
    pub(crate) fn of(plan: &Plan, state: &State) -> Result<Self, Vec<ResourceAddr>> {
        let strict = Builder::new(plan, state).build(Soft::Include);
        if strict.stuck().is_empty() {
            return Ok(strict);
        }
        let order = Builder::new(plan, state).build(Soft::Leave);
        let stuck = order.stuck();
        if stuck.is_empty() {
            return Ok(order);
        }
        Err(stuck
            .into_iter()
            .filter_map(|at| plan.changes.get(order.tasks.get(at)?.change))
            .map(|c| c.addr.clone())
            .collect())
    }

    fn add_node(&mut self) -> usize {
        self.followers.push(Vec::new());
        self.waits.push(0);
        self.waits.len() - 1
    }

    fn edge(&mut self, first: usize, then: usize) {
        if first != then {
            self.followers[first].push(then);
            self.waits[then] += 1;
        }
    }

    /// Returns the nodes that can never run.
    fn stuck(&self) -> Vec<usize> {
        let mut waits = self.waits.clone();
        let mut ready: VecDeque<usize> = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        while let Some(at) = ready.pop_front() {
            for next in &self.followers[at] {
                waits[*next] -= 1;
                if waits[*next] == 0 {
                    ready.push_back(*next);
                }
            }
        }
        (0..waits.len()).filter(|at| waits[*at] > 0).collect()
    }
}

/// Whether a removal waits for the updates of what used to read the object: better, but not always
/// possible.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Soft {
    Include,
    Leave,
}

struct Builder<'p> {
    plan: &'p Plan,
    state: &'p State,
    order: Order,
    /// Create, update or read task by instance.
    forward: HashMap<&'p ResourceAddr, usize>,
    /// Delete tasks by instance, deposed objects included, each with what kind of end it is.
    ends: HashMap<&'p ResourceAddr, Vec<(usize, End)>>,
    /// Delete task by change.
    own_end: HashMap<usize, usize>,
    /// Where what moved in this plan was recorded before.
    moved: HashMap<&'p ResourceAddr, &'p ResourceAddr>,
    /// The successors of lenders that what goes down and comes back waits for before it goes.
    successors: HashMap<&'p ResourceAddr, Vec<usize>>,
    joints: HashMap<(Joint, ConfigAddr), usize>,
    blocks: Blocks<'p>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Removal,
    BeforeCreate,
    AfterCreate,
}

impl End {
    fn waits_for_updates(self, soft: Soft) -> bool {
        match self {
            Self::AfterCreate => true,
            Self::Removal => soft == Soft::Include,
            Self::BeforeCreate => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Joint {
    /// After every forward task of a block.
    Ready,
    /// Before every end of a block's objects.
    Free,
    /// Before those ends that updates of what used to read the objects come before.
    Updated,
}

/// Instances by block: exact, and by configuration block.
#[derive(Default)]
struct Blocks<'p> {
    exact: HashMap<&'p ConfigAddr, Vec<&'p ResourceAddr>>,
    config: HashMap<ConfigAddr, Vec<&'p ResourceAddr>>,
}

impl<'p> Blocks<'p> {
    fn add(&mut self, addr: &'p ResourceAddr) {
        self.exact.entry(&addr.block).or_default().push(addr);
        self.config.entry(addr.block.config()).or_default().push(addr);
    }

    fn of(&self, block: &ConfigAddr) -> &[&'p ResourceAddr] {
        self.exact
            .get(block)
            .or_else(|| self.config.get(block))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

impl<'p> Builder<'p> {
    fn new(plan: &'p Plan, state: &'p State) -> Self {
        Self {
            plan,
            state,
            order: Order::default(),
            forward: HashMap::new(),
            ends: HashMap::new(),
            own_end: HashMap::new(),
            moved: HashMap::new(),
            successors: HashMap::new(),
            joints: HashMap::new(),
            blocks: Blocks::default(),
        }
    }

    fn build(mut self, soft: Soft) -> Order {
        let plan = self.plan;
        for (change, planned) in plan.changes.iter().enumerate() {
            // A deposed object follows the current one of the same address.
            let before = change.checked_sub(1).and_then(|at| plan.changes.get(at));
            if before.is_none_or(|before| before.addr != planned.addr) {
                self.blocks.add(&planned.addr);
            }
            if let Some(from) = &planned.moved_from {
                self.moved.insert(from, &planned.addr);
            }
            let steps: &[Step] = match planned.action {
                PlannedAction::NoOp => &[],
                PlannedAction::Read => &[Step::Read],
                PlannedAction::Create => &[Step::Create],
                PlannedAction::Update => &[Step::Update],
                PlannedAction::Delete => &[Step::Delete],
                PlannedAction::Forget => &[Step::Forget],
                PlannedAction::Replace(ReplaceOrder::DeleteFirst) => &[Step::Delete, Step::Create],
                PlannedAction::Replace(ReplaceOrder::CreateFirst) if planned.keeps_old => {
                    &[Step::Create]
                }
                PlannedAction::Replace(ReplaceOrder::CreateFirst) => &[Step::Create, Step::Delete],
            };
            for step in steps {
                self.task(change, *step);
            }
        }
        for change in 0..plan.changes.len() {
            self.wait_for_reads(change);
            if !self.ends.is_empty() {
                self.wait_for_readers(change, soft);
            }
        }
        if soft == Soft::Include {
            while self.wait_with_occupants() {}
        }
        self.order
    }

    /// What goes down and comes back with an occupant waits with it: a refusal leaves all of it running.
    fn wait_with_occupants(&mut self) -> bool {
        let known = self.successors.len();
        for (change, planned) in self.plan.changes.iter().enumerate() {
            let Some(end) = self.own_end.get(&change).copied() else { continue };
            if planned.action != PlannedAction::Replace(ReplaceOrder::DeleteFirst)
                || self.successors.is_empty()
                || self.successors.contains_key(&planned.addr)
            {
                continue;
            }
            let read = planned.deps.iter().flat_map(|dep| match dep.block() {
                Some(block) => self.blocks.of(block).to_vec(),
                None => dep.instances().iter().collect::<Vec<_>>(),
            });
            let first: Vec<usize> =
                read.filter_map(|addr| self.successors.get(addr)).flatten().copied().collect();
            if !first.is_empty() {
                for successor in &first {
                    self.order.edge(*successor, end);
                }
                self.successors.insert(&planned.addr, first);
            }
        }
        self.successors.len() > known
    }

    fn task(&mut self, change: usize, step: Step) {
        let planned = &self.plan.changes[change];
        let at = self.order.add_node();
        self.order.tasks.push(Task { change, step });
        match step {
            Step::Create | Step::Update | Step::Read => {
                if planned.action == PlannedAction::Replace(ReplaceOrder::DeleteFirst)
                    && let Some(end) = self.own_end.get(&change).copied()
                {
                    self.order.edge(end, at);
                }
                self.forward.insert(&planned.addr, at);
            }
            Step::Delete => {
                let end = match planned.action {
                    // What used to read a deposed object has been given another.
                    _ if planned.deposed.is_some() => End::AfterCreate,
                    PlannedAction::Replace(ReplaceOrder::DeleteFirst) => End::BeforeCreate,
                    PlannedAction::Replace(ReplaceOrder::CreateFirst) => End::AfterCreate,
                    _ => End::Removal,
                };
                if planned.action == PlannedAction::Replace(ReplaceOrder::CreateFirst)
                    && let Some(create) = self.forward.get(&planned.addr)
                {
                    self.order.edge(*create, at);
                }
                self.ends.entry(&planned.addr).or_default().push((at, end));
                self.own_end.insert(change, at);
            }
            Step::Forget => {}
        }
    }

    /// A forward task waits for those of what it reads.
    fn wait_for_reads(&mut self, change: usize) {
        let planned = &self.plan.changes[change];
        let Some(at) = self.forward.get(&planned.addr).copied() else { return };
        if planned.deposed.is_some() {
            return;
        }
        for lender in &planned.occupies.lenders {
            let Some(needed) = self.forward.get(lender).copied() else { continue };
            self.order.edge(needed, at);
            // What sits on a lender goes down when its successor stands, not before.
            let stands_first = self
                .ends
                .get(lender)
                .is_some_and(|ends| ends.iter().any(|(_, end)| *end == End::AfterCreate));
            if let Some(end) = self.own_end.get(&change).copied().filter(|_| stands_first) {
                self.order.edge(needed, end);
                self.successors.entry(&planned.addr).or_default().push(needed);
            }
        }
        for dep in &planned.deps {
            for addr in dep.instances() {
                if let Some(needed) = self.forward.get(addr).copied() {
                    self.order.edge(needed, at);
                }
            }
            if let Some(block) = dep.block() {
                let joint = self.joint(Joint::Ready, block, Soft::Include);
                self.order.edge(joint, at);
            }
        }
    }

    /// The end of an object waits for the end, or the update, of what was recorded to read it.
    fn wait_for_readers(&mut self, change: usize, soft: Soft) {
        let planned = &self.plan.changes[change];
        let own_end = self.own_end.get(&change).copied();
        let forward =
            self.forward.get(&planned.addr).copied().filter(|_| planned.deposed.is_none());
        let recorded_at = planned.moved_from.as_ref().unwrap_or(&planned.addr);
        let object =
            self.state.resources.get(recorded_at).and_then(|instance| match &planned.deposed {
                Some(key) => instance.deposed.get(key),
                None => instance.current.as_ref(),
            });
        let recorded = object.map(|object| object.deps.as_slice()).unwrap_or_default();
        let lenders = object.map(|object| object.occupies.as_slice()).unwrap_or_default();
        for lender in lenders.iter().chain(&planned.occupies.lenders) {
            self.end_after(lender, (own_end, forward), soft);
        }
        for dep in recorded.iter().chain(&planned.deps) {
            for addr in dep.instances() {
                self.end_after(addr, (own_end, forward), soft);
            }
            let Some(block) = dep.block() else { continue };
            if let Some(own) = own_end {
                let joint = self.joint(Joint::Free, block, soft);
                self.order.edge(own, joint);
            }
            if let Some(forward) = forward {
                let joint = self.joint(Joint::Updated, block, soft);
                self.order.edge(forward, joint);
            }
        }
    }

    /// The end of what an object reads or sits on comes after the object's own end, or update.
    fn end_after(
        &mut self,
        needed: &'p ResourceAddr,
        (own_end, forward): (Option<usize>, Option<usize>),
        soft: Soft,
    ) {
        let needed = self.moved.get(needed).copied().unwrap_or(needed);
        let Some(ends) = self.ends.get(needed) else { return };
        for (end, kind) in ends {
            if let Some(own) = own_end {
                self.order.edge(own, *end);
            }
            if let Some(forward) = forward
                && kind.waits_for_updates(soft)
            {
                self.order.edge(forward, *end);
            }
        }
    }

    fn joint(&mut self, joint: Joint, block: &ConfigAddr, soft: Soft) -> usize {
        if let Some(known) = self.joints.get(&(joint, block.clone())) {
            return *known;
        }
        let at = self.order.add_node();
        self.joints.insert((joint, block.clone()), at);
        for addr in self.blocks.of(block).to_vec() {
            if joint == Joint::Ready {
                if let Some(needed) = self.forward.get(addr).copied() {
                    self.order.edge(needed, at);
                }
                continue;
            }
            for (end, kind) in self.ends.get(addr).into_iter().flatten() {
                if joint == Joint::Free || kind.waits_for_updates(soft) {
                    self.order.edge(at, *end);
                }
            }
        }
        at
    }
}
