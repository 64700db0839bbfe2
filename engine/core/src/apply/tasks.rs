//! The order of an apply: tasks, and what each waits for.
//!
//! An instance waits for the instances that it really read. `weave` draws the edges from what the plan and
//! the state say (`facts`), `circles` lets wishes give way where they leave no order.

mod circles;
mod facts;
#[cfg(test)]
mod tests;
mod weave;

use terrarium_diagnostic::Diagnostic;
use terrarium_state::State;

use crate::{Plan, PlannedAction, codes};

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

    /// Completes "before its …": the noun that a message uses.
    fn noun(self) -> &'static str {
        match self {
            Self::Read => "reading",
            Self::Create => "creation",
            Self::Update => "update",
            Self::Delete => "removal",
            Self::Forget => "forgetting",
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

/// Tasks that wait for each other in turn, which only a damaged state or a circle of wishes that can't
/// give way causes.
#[derive(Debug)]
pub(crate) struct Circle(Vec<Task>);

impl Order {
    /// Orders a plan's changes.
    pub(crate) fn of(plan: &Plan, state: &State) -> Result<Self, Circle> {
        let weave::Weaver { tasks, nodes, edges, .. } = weave::Weaver::weave(plan, state);
        let edges = circles::broken(nodes, edges).map_err(|path| {
            Circle(path.iter().filter_map(|at| tasks.get(*at)).copied().collect())
        })?;
        let mut order = Self { tasks, followers: vec![Vec::new(); nodes], waits: vec![0; nodes] };
        for edge in edges {
            order.followers[edge.first].push(edge.then);
            order.waits[edge.then] += 1;
        }
        Ok(order)
    }
}

impl Circle {
    /// Tells the path of the circle.
    pub(crate) fn told(&self, plan: &Plan) -> Diagnostic {
        let name = |task: &Task| {
            let addr = &plan.changes[task.change].addr;
            format!("the {} of {addr}", task.step.noun())
        };
        let names = self.0.iter().chain(self.0.first()).map(name);
        let names = crate::words::shortened(names, self.0.len() + 1, " comes before ");
        let error = Diagnostic::error(codes::CYCLE, "Cycle")
            .detail(format!(
                "These steps wait for each other, so that none can be the first: {names}. Nothing was changed."
            ))
            .help("take one of them out of this run with -target, or change them one after the other");
        match self.0.first() {
            Some(first) => error.about(plan.changes[first.change].addr.clone()),
            None => error,
        }
    }
}
