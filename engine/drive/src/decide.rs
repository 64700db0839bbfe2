//! What a turn decides: what it leaves aside, what it missed, what it waits for, what its failures mean.

use std::collections::BTreeSet;

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_core::{ActionReason, HeldBack, Plan, PlannedAction, RunSummary};
use terrarium_provider::Action;
use terrarium_state::{Scheduled, State};

use crate::came::{Came, FailedDue, Gate, MissedDue, Prospect};
use crate::patience::Patience;

/// Notes what was carried out, and what failed.
pub(crate) fn count(
    came: &mut Came,
    summary: RunSummary,
    (state, patience): (&State, &mut Patience),
    now: Timestamp,
) {
    let count = |action| summary.done.iter().filter(|done| done.action == action).count();
    came.done =
        (count(PlannedAction::Create), count(PlannedAction::Update), count(PlannedAction::Delete));
    for done in &summary.done {
        // The delete of what was broken is no success yet.
        if done.action != PlannedAction::Delete || !scheduled(state, &done.addr, Action::Create) {
            patience.done(&done.addr);
        }
    }
    came.acted = !summary.done.is_empty();
    came.interrupted = summary.interrupted;
    came.outputs = Some(summary.outputs);
    for failure in summary.failed {
        let entry = state.schedule.iter().find(|entry| entry.addr == failure.addr);
        let until = entry.and_then(|entry| entry.schedule.not_after);
        let prospect = patience.failed(&failure.addr, now, until);
        came.failed.push(FailedDue { addr: failure.addr, why: failure.why, prospect });
    }
}

fn scheduled(state: &State, addr: &ResourceAddr, action: Action) -> bool {
    state.schedule.iter().any(|entry| entry.addr == *addr && entry.action == action)
}

/// Takes entries out of the schedule that are left aside this time.
pub(crate) fn split(state: &State, aside: &BTreeSet<ResourceAddr>) -> (State, Vec<Scheduled>) {
    let (kept, considered) =
        state.schedule.iter().cloned().partition(|entry| aside.contains(&entry.addr));
    (State { schedule: considered, ..state.clone() }, kept)
}

/// Leaves out what was made anew too often.
pub(crate) fn without_broken(mut plan: Plan, patience: &mut Patience, came: &mut Came) -> Plan {
    for change in &mut plan.changes {
        let broken = matches!(change.action, PlannedAction::Replace(_))
            && *change.reason == Some(ActionReason::Tainted);
        if broken && !patience.recreates(&change.addr) {
            change.action = PlannedAction::NoOp;
            change.reason = terrarium_core::Rare::default();
            change.requires_replace.clear();
            change.after = change.before.clone();
            let why = "what it left was made anew three times, and broke each time".to_owned();
            came.failed.push(FailedDue {
                addr: change.addr.clone(),
                why,
                prospect: Prospect::GivenUp,
            });
        }
    }
    plan
}

pub(crate) fn acting(plan: &Plan) -> bool {
    plan.changes.iter().any(|change| change.action != PlannedAction::NoOp)
}

/// Lists what is scheduled and can't come any more.
pub(crate) fn missed(plan: &Plan, state: &State) -> Vec<MissedDue> {
    let closed = plan
        .deferred
        .iter()
        .filter_map(|deferred| Some((&deferred.change.addr, deferred.closed()?)));
    closed
        .filter_map(|(addr, closed)| {
            let entry = state.schedule.iter().find(|entry| entry.addr == *addr)?;
            let since = entry.schedule.not_before;
            Some(MissedDue { addr: addr.clone(), action: entry.action, since, closed })
        })
        .collect()
}

/// Returns what keeps scheduled work waiting that could be due by now.
pub(crate) fn gate(
    left: &[Scheduled],
    held: &[HeldBack],
    aside: &BTreeSet<ResourceAddr>,
    now: Timestamp,
) -> Option<Gate> {
    let waits = left.iter().filter(|entry| {
        !aside.contains(&entry.addr) && !held.iter().any(|held| held.addr == entry.addr)
    });
    waits
        .filter_map(|entry| match entry.schedule.not_before {
            Some(at) if at <= now => Some(Gate::Time),
            Some(_) => None,
            None => Some(Gate::Unknown),
        })
        .min()
}
