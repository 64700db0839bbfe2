//! The plan and the outcome of a run, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use crate::fate::Fate;
use crate::rare::{Blank, Rare};
use jiff::Timestamp;
use terrarium_address::{AttrPath, Name, ResourceAddr, Target};
use terrarium_provider::{PlanNotes, Private, Schedule, Schema, Standing, Window};
use terrarium_state::{Dep, Ended};
use terrarium_value::{Value, When};

/// What kind of plan is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Make the world like the configuration.
    #[default]
    Normal,
    /// Destroy everything.
    Destroy,
    /// Only take over what changed outside.
    RefreshOnly,
}

/// Options of a plan.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// What kind of plan.
    pub mode: Mode,
    /// Whether objects are read first.
    pub refresh: bool,
    /// Plan only these and what they need; empty: everything.
    pub targets: Vec<Target>,
    /// Replace these.
    pub replace: Vec<ResourceAddr>,
    /// Without network and credentials: nothing is read, data sources are unknown.
    pub offline: bool,
    /// Objects to take over: address and id (the `import` command).
    pub imports: Vec<(ResourceAddr, String)>,
    /// What may wait, and for what.
    pub time: TimeOptions,
}

/// How a plan treats what can't be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOptions {
    /// Whether what can't be done now is deferred; otherwise it is an error, as in Terraform.
    pub defer: bool,
    /// Scarce things are created now even if only deferred ones need them.
    pub eager: bool,
    /// A replacement may destroy first where that is the only order that fits, with its gap.
    pub allow_gap: bool,
    /// Who judges the whole: what is short of a quota.
    pub judge: Judge,
}

/// Who judges a plan as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judge {
    /// Its providers.
    #[default]
    Providers,
    /// They did when it was approved. What is carried out of it since, its services judge one by one, so that
    /// one object too many keeps no other waiting.
    Services,
}

impl Default for TimeOptions {
    fn default() -> Self {
        Self { defer: true, eager: false, allow_gap: false, judge: Judge::default() }
    }
}

/// What would be done, and what was seen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What kind of plan.
    pub mode: Mode,
    /// Every instance that was looked at, in the order of addresses, no-ops included.
    pub changes: Vec<ResourceChange>,
    /// What changed outside since the last apply (`before`: recorded, `after`: read).
    pub drift: Vec<ResourceChange>,
    /// Data sources that were read, with their values.
    pub data: Vec<DataResult>,
    /// Root outputs, unchanged ones included.
    pub outputs: BTreeMap<Name, OutputChange>,
    /// What can't be done in this apply, in the order of addresses.
    pub deferred: Vec<crate::DeferredChange>,
    /// Objects from a shared pool that only what is over needed: they stay until somebody frees them.
    pub leftovers: Vec<ResourceAddr>,
    /// Actions that another run began and of which nobody knows yet what came: what the plan says of these
    /// objects is what is recorded.
    pub under_way: Vec<OpenAction>,
    /// Lineage of the state that it rests on.
    pub lineage: Name,
    /// Serial of the state that it rests on.
    pub serial: u64,
    /// Values of the root variables, converted.
    pub variables: BTreeMap<Name, Value>,
    /// Ephemeral root variables that were given a value: they are no part of the plan, and the apply needs
    /// them again.
    pub given_again: BTreeSet<Name>,
    /// Targets it was restricted to.
    pub targets: Vec<Target>,
    /// Whether an apply of it would leave nothing to do: nothing deferred, not offline.
    pub complete: bool,
    /// Whether it has errors, so that it can't be applied.
    pub errored: bool,
    /// When it was made, by the engine's clock.
    pub at: Timestamp,
    /// Where each provider configuration that read what is recorded acts, by its name in the state.
    pub realms: BTreeMap<Name, Name>,
    /// IANA name of the time zone that all declared dates are in; `None` where they have none, or several.
    pub zone: Option<Name>,
}

/// An action that was begun before the plan, and whose outcome is not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAction {
    /// The instance.
    pub addr: ResourceAddr,
    /// The deposed key; `None` for the current object.
    pub deposed: Option<Name>,
    /// Create, Update or Delete.
    pub action: PlannedAction,
    /// Since when, by the clock of the run that began it.
    pub since: Timestamp,
}

/// A data source that was read while the plan was made.
#[derive(Clone, Debug)]
pub struct DataResult {
    /// The instance.
    pub addr: ResourceAddr,
    /// The provider configuration, as state v4 writes it.
    pub provider: Name,
    /// The data source's schema.
    pub schema: Arc<Schema>,
    /// Its values, sensitive parts marked.
    pub value: Value,
    /// What it read.
    pub deps: Vec<Dep>,
}

/// What is done to one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlannedAction {
    /// Nothing.
    NoOp,
    /// A data source is read during the apply.
    Read,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed and made anew.
    Replace(ReplaceOrder),
    /// It is removed.
    Delete,
    /// It is no longer managed, and stays.
    Forget,
}

/// Which half of a replacement comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplaceOrder {
    /// `-/+`
    DeleteFirst,
    /// `+/-`
    CreateFirst,
}

/// Why an action is what it is, where the values don't tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionReason {
    /// It is tainted.
    Tainted,
    /// `-replace` asked for it.
    Requested,
    /// `replace_triggered_by` names something that changes.
    TriggeredBy(String),
    /// A change can't be made in place.
    CannotUpdate,
    /// What it occupies ends or is replaced.
    LenderEnds,
    /// The block is no longer in the configuration.
    NoBlock,
    /// The module is no longer in the configuration.
    NoModule(String),
    /// The block no longer has this kind of key.
    WrongRepetition,
    /// The index is beyond `count`.
    CountIndex,
    /// The key is not in `for_each`.
    EachKey,
    /// An object left over from a replacement.
    Deposed,
    /// The configuration of a data source is not known yet.
    ConfigUnknown,
    /// Something that a data source depends on changes first.
    DependencyPending,
}

/// The planned change of one instance.
#[derive(Clone, Debug)]
pub struct ResourceChange {
    /// The instance.
    pub addr: ResourceAddr,
    /// Where it was recorded before a move; `None`: it did not move.
    pub moved_from: Rare<Option<ResourceAddr>>,
    /// The deposed key, for a deposed object.
    pub deposed: Option<Name>,
    /// The provider configuration, as state v4 writes it.
    pub provider: Name,
    /// The type's schema.
    pub schema: Arc<Schema>,
    /// What is done.
    pub action: PlannedAction,
    /// Why.
    pub reason: Rare<Option<ActionReason>>,
    /// The values before, sensitive parts marked; null where it does not exist.
    pub before: Value,
    /// The values after, unknown where only the apply tells, sensitive parts marked; null after a delete.
    pub after: Value,
    /// Paths whose change forces a replacement.
    pub requires_replace: Vec<AttrPath>,
    /// Whether a replacement of it is created before it is destroyed.
    pub create_first: bool,
    /// Whether a replacement leaves its predecessor standing for now: what sits on it moves later.
    pub keeps_old: bool,
    /// The id it is imported by.
    pub importing: Rare<Option<String>>,
    /// When the action may be carried out.
    pub schedule: Rare<Schedule>,
    /// When the object will exist, where that is known.
    pub window: Rare<Option<Window>>,
    /// What the provider keeps for the apply.
    pub private: Private,
    /// What it read.
    pub deps: Vec<Dep>,
    /// What it sits on: instances that lend, and leases outside the configuration.
    pub occupies: Rare<Occupancy>,
    /// What time makes of it.
    pub fate: Rare<Fate>,
    /// How it stands in its window, where it was read and has one.
    pub standing: Rare<Option<Standing>>,
    /// What the provider tells beside the values.
    pub notes: Rare<PlanNotes>,
    /// Hash of what an approval of this change covers; `None` where it was not computed.
    pub approval: Option<Name>,
    /// Hashes of its parts and of the files that were read, by name: `var.x`, `block a.b`, `file c.sh`.
    /// Neither they nor the approval are keyed here: they are not for showing.
    pub covers: Arc<BTreeMap<Name, Name>>,
}

/// What no approval covers: all changes that need none share it.
fn nothing() -> Arc<BTreeMap<Name, Name>> {
    static NOTHING: LazyLock<Arc<BTreeMap<Name, Name>>> = LazyLock::new(Arc::default);
    NOTHING.clone()
}

/// What an instance sits on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Instances of the configuration that lend, in the order of their addresses.
    pub lenders: Vec<ResourceAddr>,
    /// Lenders outside the configuration, in words: a lease whose reservation id was pasted.
    pub foreign: Vec<String>,
}

impl Blank for Occupancy {
    const BLANK: &'static Self = &Self { lenders: Vec::new(), foreign: Vec::new() };
}

impl Blank for Schedule {
    const BLANK: &'static Self = &Self { not_before: None, not_after: None };
}

impl Blank for PlanNotes {
    const BLANK: &'static Self =
        &Self { zone: None, cost: None, gap: None, lends: None, perishes: None };
}

/// The planned change of a root output.
#[derive(Clone, Debug)]
pub struct OutputChange {
    /// The value before; null where it did not exist.
    pub before: Value,
    /// The value after; null where it is removed.
    pub after: Value,
    /// Whether it may be shown.
    pub sensitive: bool,
    /// What is done: nothing, Create, Update or Delete.
    pub action: PlannedAction,
    /// When the first of what it reads ends; `None`: nothing of it does.
    pub until: Option<Timestamp>,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct RunSummary {
    /// What was done, in the order of its completion.
    pub done: Vec<Completed>,
    /// What failed.
    pub failed: Vec<Failure>,
    /// What was not begun.
    pub skipped: Vec<Skipped>,
    /// What a service is still at work on (after an interruption); the journal knows.
    pub pending: Vec<ResourceAddr>,
    /// Root outputs as they are now.
    pub outputs: BTreeMap<Name, OutputChange>,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// What an interrupted run had made, and recovery took over before; its caller fills that in.
    pub taken_over: Vec<ResourceAddr>,
    /// When the first of the credentials that were used ends, where that is known.
    pub credentials_end: Option<Timestamp>,
}

/// An action that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// The instance.
    pub addr: ResourceAddr,
    /// Create, Update or Delete; a replacement counts as a Create and a Delete, as in Terraform.
    pub action: PlannedAction,
}

/// An action that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: PlannedAction,
    /// In one line.
    pub why: String,
}

/// An action that was not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The instance.
    pub addr: ResourceAddr,
    /// What was to be done.
    pub action: PlannedAction,
    /// Because of what.
    pub because: Blocked,
}

/// Why something was not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// Something it needs failed.
    By(ResourceAddr),
    /// The run was interrupted.
    Interrupted,
    /// The store refused to go on.
    Store(String),
}

impl OutputChange {
    /// Returns whether this apply can't tell its value: it waits for something deferred.
    pub fn waits(&self) -> bool {
        !self.after.is_wholly_known() && self.after.causes_deep().when() != When::Apply
    }
}

impl ResourceChange {
    /// Starts a change of an instance that does not exist and about which nothing is known.
    pub fn new(
        addr: ResourceAddr,
        provider: Name,
        schema: Arc<Schema>,
        action: PlannedAction,
    ) -> Self {
        let null = Value::null(schema.block.ty());
        Self {
            addr,
            moved_from: Rare::default(),
            deposed: None,
            provider,
            action,
            reason: Rare::default(),
            before: null.clone(),
            after: null,
            requires_replace: Vec::new(),
            create_first: false,
            keeps_old: false,
            importing: Rare::default(),
            schedule: Rare::default(),
            window: Rare::default(),
            private: None,
            deps: Vec::new(),
            occupies: Rare::default(),
            fate: Rare::default(),
            standing: Rare::default(),
            notes: Rare::default(),
            approval: None,
            covers: nothing(),
            schema,
        }
    }
}

impl ResourceChange {
    /// Returns since when its object is ended, where it is: its values are for evaluation only.
    pub fn ended(&self) -> Option<&Ended> {
        match &*self.fate {
            Fate::Ended(ended) => Some(ended),
            _ => None,
        }
    }

    /// Turns a replacement into the creation that it ends with: there is nothing to remove any more.
    #[must_use]
    pub(crate) fn into_creation(self) -> Self {
        Self {
            action: PlannedAction::Create,
            before: Value::null(self.schema.block.ty()),
            reason: Rare::default(),
            requires_replace: Vec::new(),
            ..self
        }
    }
}

impl Plan {
    /// Returns whether an apply would change an object or an output.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|change| {
            change.action != PlannedAction::NoOp
                || change.moved_from.is_some()
                || change.importing.is_some()
        }) || self
            .outputs
            .values()
            .any(|output| output.action != PlannedAction::NoOp && !output.waits())
    }

    /// Returns the drift that a reader needs to understand the plan: all of it where the plan is about
    /// nothing else, otherwise where an object is made anew or a drifted attribute is changed back.
    pub fn relevant_drift(&self) -> Vec<&ResourceChange> {
        let changes: std::collections::HashMap<&ResourceAddr, &ResourceChange> =
            self.changes.iter().map(|change| (&change.addr, change)).collect();
        let explains = |drift: &ResourceChange| match changes.get(&drift.addr) {
            None => false,
            Some(change) if drift.after.is_null() => change.action == PlannedAction::Create,
            Some(change) => {
                let Some(attributes) = drift.after.as_entries() else { return false };
                let differs =
                    |of: &ResourceChange, name: &str| of.before.get(name) != of.after.get(name);
                let acts = !matches!(change.action, PlannedAction::NoOp | PlannedAction::Delete);
                acts && attributes.keys().any(|name| differs(drift, name) && differs(change, name))
            }
        };
        let all = self.mode == Mode::RefreshOnly;
        self.drift.iter().filter(|drift| all || explains(drift)).collect()
    }

    /// Counts `(import, add, change, destroy)` as Terraform's summary line does.
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let mut counts = (0, 0, 0, 0);
        for change in &self.changes {
            counts.0 += usize::from(change.importing.is_some());
            match change.action {
                PlannedAction::Create => counts.1 += 1,
                PlannedAction::Update => counts.2 += 1,
                PlannedAction::Delete => counts.3 += 1,
                PlannedAction::Replace(_) => {
                    counts.1 += 1;
                    counts.3 += usize::from(!change.keeps_old);
                }
                PlannedAction::NoOp | PlannedAction::Read | PlannedAction::Forget => {}
            }
        }
        counts
    }
}
