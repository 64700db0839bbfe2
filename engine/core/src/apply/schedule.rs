//! The schedule: what an apply approves for later, and what a run leaves.

use std::collections::HashSet;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_state::{Batch, CommitError, Durability, ScheduleChange, Scheduled, State};

use super::walk::Walk;
use crate::{Inputs, Mode, Plan, PlannedAction, RunSummary};

/// Returns the schedule that holds once a plan is approved: what it defers, and what it does not touch.
///
/// What sits on, or reads, something that is to be destroyed can't come any more.
pub(super) fn approved(plan: &Plan, inputs: &Inputs, lineage: &str) -> Vec<Scheduled> {
    let prior = &inputs.prior;
    if plan.mode == Mode::RefreshOnly {
        return prior.schedule.clone();
    }
    let deferred = plan.deferred.iter().filter_map(|deferred| deferred.entry(lineage));
    if plan.targets.is_empty() {
        return deferred.collect();
    }
    let acting = plan.changes.iter().filter(|change| change.action != PlannedAction::NoOp);
    let waiting = plan.deferred.iter().map(|deferred| &deferred.change);
    let acts: HashSet<&ResourceAddr> = acting.chain(waiting).map(|change| &change.addr).collect();
    let going = match plan.mode {
        Mode::Destroy => crate::plan::blocks_with_dependents(&inputs.config, &plan.targets),
        Mode::Normal | Mode::RefreshOnly => HashSet::new(),
    };
    let is_target = |addr: &ResourceAddr| plan.targets.iter().any(|it| it.contains(addr));
    let is_named = |addr: &ResourceAddr| {
        let block = addr.block.config();
        plan.targets.iter().any(|target| crate::plan::names_block(target, &block))
    };
    let targeted = |entry: &Scheduled| {
        let addr = &entry.addr;
        let is_near = || plan.targets.iter().any(|it| !crate::plan::lies_apart(it, addr));
        is_target(addr) || (going.contains(&addr.block.config()) && !is_named(addr) && is_near())
    };
    let kept =
        prior.schedule.iter().filter(|entry| !acts.contains(&entry.addr) && !targeted(entry));
    kept.cloned().chain(deferred).collect()
}

/// Returns the schedule after a run: what stays, and what it tried and did not bring about.
pub(super) fn after_run(left: &[Scheduled], prior: &State, summary: &RunSummary) -> Vec<Scheduled> {
    let failed = summary.failed.iter().map(|failed| &failed.addr);
    let skipped = summary.skipped.iter().map(|skipped| &skipped.addr);
    let undone: HashSet<&ResourceAddr> = failed.chain(skipped).chain(&summary.pending).collect();
    let kept: HashSet<&ResourceAddr> = left.iter().map(|entry| &entry.addr).collect();
    let again = prior
        .schedule
        .iter()
        .filter(|entry| undone.contains(&entry.addr) && !kept.contains(&entry.addr));
    left.iter().chain(again).cloned().collect()
}

impl Walk<'_> {
    /// Returns when the first of the credentials ends that later work will need.
    pub(super) async fn credentials_end(&self) -> Option<Timestamp> {
        let deferred = self.plan.deferred.iter().map(|deferred| &deferred.change.provider);
        let mut first = None;
        for name in deferred.collect::<std::collections::BTreeSet<_>>() {
            let Some(addr) = self.providers.recorded(name) else { continue };
            let Some(provider) = self.providers.configured(self.world, &addr).await else {
                continue;
            };
            first = match (first, provider.credentials_end().await) {
                (Some(a), Some(b)) => Some(std::cmp::min::<Timestamp>(a, b)),
                (a, b) => a.or(b),
            };
        }
        first
    }

    /// Writes the schedule, durably, where it is another than before.
    pub(super) async fn schedule(&self, schedule: Vec<Scheduled>) -> Result<(), CommitError> {
        let schedule = ScheduleChange::between(&self.inputs.prior.schedule, &schedule);
        if schedule.is_empty() {
            return Ok(());
        }
        let batch = Batch { schedule, ..Batch::default() };
        self.submit(batch, Durability::Now).durable().await.map(drop)
    }
}
