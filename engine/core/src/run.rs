//! `run`: which part of a plan is due and approved, and what is held back.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::Action;
use terrarium_state::{Dep, Scheduled, State};

use crate::{DeferredChange, Plan, PlannedAction, ResourceChange};

/// What a run does at one instant.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The part of the plan that is due and approved; without changes: nothing is.
    pub plan: Plan,
    /// What is due and held back.
    pub held: Vec<HeldBack>,
    /// What stays scheduled, once the plan is carried out.
    pub left: Vec<Scheduled>,
    /// When the next scheduled action falls due, if one does.
    pub next: Option<Timestamp>,
}

/// An action that is due and not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: Action,
    /// Why not, in a sentence.
    pub why: String,
    /// Until when it can still be done; `None`: without end.
    pub open_until: Option<Timestamp>,
}

/// Splits a plan: what is scheduled, approved as it is and due by `now` is done; nothing else is.
///
/// An entry that the plan no longer needs is dropped; one that the plan defers again stays.
pub fn turn(plan: Plan, state: &State, now: Timestamp) -> Turn {
    let changes: HashMap<&ResourceAddr, &ResourceChange> = plan
        .changes
        .iter()
        .filter(|change| change.deposed.is_none())
        .map(|change| (&change.addr, change))
        .collect();
    let deferred: HashMap<&ResourceAddr, &DeferredChange> =
        plan.deferred.iter().map(|deferred| (&deferred.change.addr, deferred)).collect();
    let scheduled: HashMap<&ResourceAddr, &Scheduled> =
        state.schedule.iter().map(|entry| (&entry.addr, entry)).collect();
    let mut held = Vec::new();
    let mut left = Vec::new();
    let mut due: HashSet<ResourceAddr> = HashSet::new();
    for entry in &state.schedule {
        if let Some(deferred) = deferred.get(&entry.addr) {
            left.extend(deferred.entry().map(|new| Scheduled {
                approval: entry.approval.clone(),
                inputs: entry.inputs.clone(),
                ..new
            }));
            continue;
        }
        let Some(change) = changes.get(&entry.addr).filter(|change| acts(change)) else { continue };
        match objection(change, entry, &changes, &scheduled) {
            None => {
                due.insert(entry.addr.clone());
            }
            Some(why) => {
                left.push(entry.clone());
                held.push(HeldBack {
                    addr: entry.addr.clone(),
                    action: entry.action,
                    why,
                    open_until: entry.schedule.not_after,
                });
            }
        }
    }
    let next =
        left.iter().filter_map(|entry| entry.schedule.not_before).filter(|at| *at > now).min();
    Turn { plan: restricted(plan, &due), held, left, next }
}

fn acts(change: &ResourceChange) -> bool {
    !matches!(change.action, PlannedAction::NoOp)
}

/// Says what keeps a due action from being the one that was approved.
fn objection(
    change: &ResourceChange,
    entry: &Scheduled,
    changes: &HashMap<&ResourceAddr, &ResourceChange>,
    scheduled: &HashMap<&ResourceAddr, &Scheduled>,
) -> Option<String> {
    let planned = match change.action {
        PlannedAction::Create | PlannedAction::Replace(_) | PlannedAction::Read => Action::Create,
        PlannedAction::Update => Action::Update,
        PlannedAction::Delete | PlannedAction::Forget => Action::Delete,
        PlannedAction::NoOp => return None,
    };
    if planned != entry.action {
        return Some("the plan is another action by now".to_owned());
    }
    if entry.approval.is_none() || entry.approval != change.approval {
        return Some("the configuration changed since it was approved".to_owned());
    }
    let unapproved = |addr: &ResourceAddr| {
        changes.get(addr).is_some_and(|change| acts(change)) && !scheduled.contains_key(addr)
    };
    change.deps.iter().find_map(|dep| match dep {
        Dep::Instance(addr) if unapproved(addr) => {
            Some(format!("{addr}, which it needs, would have to be changed first"))
        }
        _ => None,
    })
}

/// Returns the plan of these instances alone; everything else stays as it is.
fn restricted(mut plan: Plan, due: &HashSet<ResourceAddr>) -> Plan {
    for change in &mut plan.changes {
        if !due.contains(&change.addr) && change.action != PlannedAction::NoOp {
            change.action = PlannedAction::NoOp;
            change.reason = None;
            change.requires_replace.clear();
            change.after = change.before.clone();
        }
    }
    plan
}
