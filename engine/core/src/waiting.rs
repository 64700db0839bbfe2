//! What waits for its time: changes that can't be made now, and why.

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Action, Schedule};
use terrarium_state::{Scheduled, State};

use crate::fate::{Fate, Wait, Waits};
use crate::{Plan, PlannedAction, ResourceChange, approval};

/// A change that is not made in this apply: later, or never ([`ResourceChange::fate`] says which).
#[derive(Clone, Debug)]
pub struct DeferredChange {
    /// The change, as far as it is known. Without a known repetition its instance has no key, and stands
    /// for all of its block.
    pub change: ResourceChange,
    /// Whether it is scheduled already, with the very hash that the change carries.
    pub approved: bool,
}

/// A scheduled action whose time has come, and that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: Action,
    /// Since when.
    pub since: Timestamp,
    /// Until when it can still be done; `None`: without end.
    pub open_until: Option<Timestamp>,
}

/// Lists the scheduled actions that are overdue, the oldest first.
pub fn overdue(state: &State, now: Timestamp) -> Vec<Overdue> {
    let mut found: Vec<Overdue> = state
        .schedule
        .iter()
        .filter_map(|entry| {
            let since = entry.schedule.not_before.filter(|at| *at <= now)?;
            Some(Overdue {
                addr: entry.addr.clone(),
                action: entry.action,
                since,
                open_until: entry.schedule.not_after,
            })
        })
        .collect();
    found.sort_by(|a, b| (a.since, &a.addr).cmp(&(b.since, &b.addr)));
    found
}

impl DeferredChange {
    /// Returns whether it can still come: a closed window is told, but there is nothing to approve.
    pub fn can_come(&self) -> bool {
        self.wait().is_some()
    }

    /// Returns what it waits for; `None`: it can't come any more.
    pub fn wait(&self) -> Option<&Wait> {
        match &*self.change.fate {
            Fate::Later(wait) | Fate::GoesDown(wait) => Some(wait),
            Fate::Now | Fate::Ended(_) | Fate::Lingers(_) | Fate::Never(_) => None,
        }
    }

    /// Returns why it waits; `None`: it can't come any more.
    pub fn waits(&self) -> Option<&Waits> {
        self.wait().map(|wait| &wait.waits)
    }

    /// Returns since when it can't come any more; `None`: it can.
    pub fn closed(&self) -> Option<Timestamp> {
        match &*self.change.fate {
            Fate::Never(over) => Some(over.at),
            _ => None,
        }
    }

    /// Returns the reason as Terraform's JSON plan names it (`deferred_changes[].reason`).
    ///
    /// Terraform knows no time: what waits for a window, or can't come any more, is `unknown` there.
    pub fn code(&self) -> &'static str {
        match self.waits() {
            Some(Waits::Values) => "instance_count_unknown",
            Some(Waits::Configuration) => "provider_config_unknown",
            Some(Waits::Dependency(_)) => "deferred_prereq",
            Some(Waits::Lender(_) | Waits::Lacks(_) | Waits::Held(_)) => "absent_prereq",
            Some(Waits::Provider) => "resource_config_unknown",
            Some(Waits::Opening | Waits::Consumers(_)) | None => "unknown",
        }
    }

    /// Returns whether it is a value, not an hour, that it waits for.
    pub fn waits_for_values(&self) -> bool {
        matches!(self.waits(), Some(Waits::Values | Waits::Configuration))
    }

    /// Returns what it waits for, in words that complete "waits for …".
    pub fn reason(&self) -> String {
        match &*self.change.fate {
            Fate::Never(over) => crate::plan::missed(over, &self.change.occupies),
            _ => self.wait().map(|wait| wait.reason.clone()).unwrap_or_default(),
        }
    }

    /// Returns the earliest instant at which it can be made, where that is known.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.wait().and_then(|wait| wait.at)
    }

    /// Returns the entry that the store of this lineage keeps of it; `None` where nothing is scheduled for a time.
    pub(crate) fn entry(&self, lineage: &str) -> Option<Scheduled> {
        if !self.can_come() || self.waits_for_values() {
            return None;
        }
        let action = match self.change.action {
            PlannedAction::Create | PlannedAction::Replace(_) => Action::Create,
            PlannedAction::Update => Action::Update,
            PlannedAction::Delete => Action::Delete,
            PlannedAction::NoOp | PlannedAction::Read | PlannedAction::Forget => return None,
        };
        Some(Scheduled {
            addr: self.change.addr.clone(),
            deposed: self.change.deposed.clone(),
            action,
            schedule: Schedule {
                not_before: self.not_before(),
                not_after: self.change.schedule.not_after,
            },
            reason: self.reason(),
            approval: self.change.approval.as_ref().map(|hash| approval::keyed(lineage, hash)),
            inputs: approval::keyed_parts(lineage, &self.change.covers),
            trials: terrarium_state::Trials::default(),
        })
    }
}

impl Plan {
    /// Returns whether something waits that nobody has approved yet.
    pub fn has_unapproved(&self) -> bool {
        self.deferred.iter().any(|deferred| deferred.can_come() && !deferred.approved)
    }

    /// Returns whether approved work waits for its time.
    pub fn has_waiting(&self) -> bool {
        self.deferred.iter().any(|deferred| deferred.can_come() && deferred.approved)
    }

    /// Returns the earliest instant at which something deferred can be made.
    pub fn next_due(&self) -> Option<Timestamp> {
        let coming = self.deferred.iter().filter(|deferred| deferred.can_come());
        coming.filter_map(DeferredChange::not_before).min()
    }

    /// Returns the instances that ended as expected, in the order of addresses.
    pub fn ended(&self) -> impl Iterator<Item = &ResourceChange> {
        self.changes.iter().filter(|change| change.ended().is_some())
    }
}
