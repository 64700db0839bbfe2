//! What waits for its time: changes that can't be made now, and why.

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_provider::{Action, Deferral, Schedule};
use terrarium_state::{Scheduled, State};

use crate::{Plan, PlannedAction, ResourceChange, approval};

/// A change that can't be made in this apply.
#[derive(Clone, Debug)]
pub struct DeferredChange {
    /// The change, as far as it is known. Without a known repetition its instance has no key, and stands
    /// for all of its block.
    pub change: ResourceChange,
    /// Until when, in words that complete "waits for …".
    pub deferral: Deferral,
    /// Why.
    pub waits: Waits,
    /// Whether it is scheduled already, with the very hash that the change carries.
    pub approved: bool,
}

/// Why a change is not made now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// What it sits on does not lend yet: the lender, as an address or in words.
    Lender(String),
    /// Something that it reads, or names in `depends_on`, waits itself.
    Dependency(ResourceAddr),
    /// A `count` or a `for_each`, its own or that of a module around it, that is not known yet.
    Values,
    /// Its provider's configuration is not known yet, and the provider can't do without.
    Configuration,
    /// Its own window is not open yet: an extension, which is possible only near the end.
    Opening,
    /// It is scarce, and everything that needs it waits.
    Consumers(Vec<ResourceAddr>),
    /// The thing that it needs alone is still held by another: the holder.
    Held(ResourceAddr),
    /// Never: what it sits on ended at this instant.
    Closed(Timestamp),
    /// The provider said so.
    Provider,
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

impl Waits {
    /// Returns the reason as Terraform's JSON plan names it (`deferred_changes[].reason`).
    ///
    /// Terraform knows no time: what waits for a window is `unknown` there.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Values => "instance_count_unknown",
            Self::Configuration => "provider_config_unknown",
            Self::Dependency(_) => "deferred_prereq",
            Self::Lender(_) | Self::Held(_) => "absent_prereq",
            Self::Provider => "resource_config_unknown",
            Self::Opening | Self::Consumers(_) | Self::Closed(_) => "unknown",
        }
    }
}

impl DeferredChange {
    /// Returns whether it can still come: a closed window is told, but there is nothing to approve.
    pub fn can_come(&self) -> bool {
        !matches!(self.waits, Waits::Closed(_))
    }

    /// Returns the earliest instant at which it can be made, where that is known.
    pub fn not_before(&self) -> Option<Timestamp> {
        self.deferral.not_before
    }

    /// Returns the entry that the store of this lineage keeps of it; `None` where nothing is scheduled for a time.
    pub(crate) fn entry(&self, lineage: &str) -> Option<Scheduled> {
        if !self.can_come() || matches!(self.waits, Waits::Values | Waits::Configuration) {
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
                not_before: self.deferral.not_before,
                not_after: self.change.schedule.not_after,
            },
            reason: self.deferral.reason.clone(),
            approval: self.change.approval.as_ref().map(|hash| approval::keyed(lineage, hash)),
            inputs: approval::keyed_parts(lineage, &self.change.covers),
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
        self.changes.iter().filter(|change| change.ended.is_some())
    }
}
