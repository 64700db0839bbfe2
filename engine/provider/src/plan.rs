//! Planning one batch of instances of a resource block.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_value::Value;

use crate::{Cost, Private, Schedule, Window};

/// What the engine asks for one instance.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// Its values as last read; `None` where it does not exist.
    pub prior: Option<Value>,
    /// Prior values merged with the configuration by the schema's rules: what the provider gets to
    /// adjust. Computed attributes of a create are unknown already.
    pub proposed: Value,
    /// The configuration, null where nothing is set.
    pub config: Value,
    /// What the provider kept.
    pub private: Private,
    /// Since when the object is ended, as its last read said: it can't be brought back, only made anew.
    pub ended: Option<Timestamp>,
    /// The values of the object that this one takes the place of, and that stands until then; `None` for
    /// one that replaces nothing, and wherever `prior` says what stands.
    pub replaces: Option<Value>,
    /// What the plan claims so far, of the same provider; those of the instances of this batch, from an
    /// earlier question about them, do not count any more.
    pub claims: Arc<[Claim]>,
}

/// What a planned instance takes of something that others of the plan may want, too: a host of a calendar,
/// units of an allocation. Plain data: a provider keeps none of it from one call to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who takes it.
    pub by: ResourceAddr,
    /// What is taken, in words of the provider that are the same for the same thing.
    pub resource: Name,
    /// How much of it; 1 of what is taken whole.
    pub amount: u64,
    /// When.
    pub window: Window,
}

/// One planned instance, for [`crate::Provider::check_plan`].
#[derive(Clone, Debug)]
pub struct PlannedFact {
    /// Its type.
    pub kind: Name,
    /// The instance.
    pub addr: ResourceAddr,
    /// Its values now; `None` where it does not exist.
    pub prior: Option<Value>,
    /// Its values after the apply, unknown where only that will tell; null where it is removed.
    pub planned: Value,
    /// When it exists, where that is known: from the instant on for which its creation is planned.
    pub window: Option<Window>,
    /// What it takes.
    pub claims: Vec<Claim>,
}

/// The answer for one instance: never an error for the batch.
#[derive(Clone, Debug)]
pub struct PlanReply {
    /// What came of it.
    pub outcome: PlanOutcome,
    /// Errors (with [`PlanOutcome::Refused`]) and warnings; they name attribute paths.
    pub diagnostics: Diagnostics,
}

/// What came of planning one instance.
#[derive(Clone, Debug)]
pub enum PlanOutcome {
    /// This is what it will be.
    Planned(Box<PlannedChange>),
    /// It can't be planned; the diagnostics say why.
    Refused,
    /// It can't be planned yet.
    Deferred(Deferral),
}

/// What an instance will be.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    /// The values after the apply, unknown where only the apply will tell.
    pub planned: Value,
    /// Paths whose change can't be made in place.
    pub requires_replace: Vec<AttrPath>,
    /// What the provider keeps, for the apply.
    pub private: Private,
    /// When the action may be carried out.
    pub schedule: Schedule,
    /// When the object will exist, where that is known: a lease's term.
    pub window: Option<Window>,
    /// What the provider adds for those who read the plan.
    pub notes: PlanNotes,
    /// What it takes that others of the plan may want, too.
    pub claims: Vec<Claim>,
}

/// What a provider tells of a planned change beside its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanNotes {
    /// IANA name of the time zone that its dates are declared in.
    pub zone: Option<Name>,
    /// What it costs.
    pub cost: Option<Cost>,
    /// A replacement fits only on what its predecessor frees: it must be destroyed first. Why, in a
    /// sentence; `None`: the usual order.
    pub gap: Option<String>,
    /// When what it lends can be used, where the window does not tell.
    pub lends: Option<Lends>,
    /// What is lost when its window ends, in words: `the disks of its servers`.
    pub perishes: Option<String>,
}

/// When what a new object lends can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lends {
    /// Once its creation is done, which waits for the start: a lease that begins within minutes.
    WithApply,
    /// Some time after its creation is done, although its window has begun.
    AfterApply,
}

/// Why something is not done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// The earliest instant at which it makes sense to ask again, where that is known.
    pub not_before: Option<Timestamp>,
    /// What it waits for, in words that complete "waits for …".
    pub reason: String,
    /// What tells cheaply that it is over, where no instant does: a device that is there again.
    pub ask_again: Option<Probe>,
}

/// A cheap question whether something may be tried again; see [`crate::Provider::probe_many`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked for, in words of the provider.
    pub subject: Name,
    /// How long to wait between two questions.
    pub every: Duration,
}

impl Deferral {
    /// Puts something off that only its instant, or another plan, tells the end of.
    pub fn until(not_before: Option<Timestamp>, reason: impl Into<String>) -> Self {
        Self { not_before, reason: reason.into(), ask_again: None }
    }
}

impl PlanReply {
    /// Answers with a change to be made now.
    pub fn planned(planned: Value, requires_replace: Vec<AttrPath>, private: Private) -> Self {
        let change = PlannedChange {
            planned,
            requires_replace,
            private,
            schedule: Schedule::default(),
            window: None,
            notes: PlanNotes::default(),
            claims: Vec::new(),
        };
        Self { outcome: PlanOutcome::Planned(Box::new(change)), diagnostics: Diagnostics::new() }
    }

    /// Refuses with a reason.
    pub fn refused(diagnostics: impl Into<Diagnostics>) -> Self {
        Self { outcome: PlanOutcome::Refused, diagnostics: diagnostics.into() }
    }
}
