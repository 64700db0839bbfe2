//! The state of one workspace, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::{AttrPath, ConfigAddr, Name, ResourceAddr};
use terrarium_provider::{Action, Private, Schedule, Window};

use crate::{Dep, InstanceSet, OpenIntent};

/// What the store knows of one workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Identity of this line of states; made once.
    pub lineage: Name,
    /// Number of the latest changing command.
    pub serial: u64,
    /// Resource instances.
    pub resources: BTreeMap<ResourceAddr, Instance>,
    /// Blocks that Terraform wrote down without an instance (`count = 0`), with their provider
    /// configuration; kept for the v4 export.
    pub husks: BTreeMap<ConfigAddr, Name>,
    /// Root outputs.
    pub outputs: BTreeMap<Name, OutputValue>,
    /// Results of checks as JSON text, kept for the v4 export.
    pub check_results: Option<Arc<str>>,
    /// What waits for its time, in the order of [`Scheduled::key`].
    pub schedule: Vec<Scheduled>,
    /// Sets of instances that objects, former ones included, and intents name by their hash.
    pub sets: BTreeMap<Name, InstanceSet>,
    /// Intents without a final outcome.
    pub intents: Vec<OpenIntent>,
    /// The file of Terraform that this state was taken over from.
    pub adopted: Option<Adopted>,
}

/// A state file of Terraform that was taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Where it stands, as the caller named it.
    pub path: String,
    /// BLAKE3 of its bytes at that time, in hexadecimal digits.
    pub hash: String,
}

/// A resource instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    /// Its provider configuration as state v4 writes it:
    /// `provider["registry.terraform.io/hashicorp/random"]`, with alias and module path where it has them.
    pub provider: Name,
    /// The object; `None` where only deposed ones are left.
    pub current: Option<Object>,
    /// Objects that await their destruction, by deposed key (8 hex digits).
    pub deposed: BTreeMap<Name, Object>,
}

/// A remote object, as recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// Its values: JSON text by the schema's type, compact, keys in order.
    pub attributes: Name,
    /// Version of the schema that the values follow.
    pub schema_version: u64,
    /// Paths of values that were sensitive by the configuration's marks.
    pub sensitive: Vec<AttrPath>,
    /// What the provider keeps.
    pub private: Private,
    /// Whether it is whole.
    pub status: ObjectStatus,
    /// What it really read when it was applied; direct ones only.
    pub deps: Vec<Dep>,
    /// Where it exists: the identity service and the project, or a simulated world, as its provider
    /// named them after login. Compared, never read. `None`: not bound yet, or it exists here only.
    pub realm: Option<Name>,
    /// Whether its replacement is created before it is destroyed.
    pub create_before_destroy: bool,
    /// When it exists, where that is known.
    pub window: Option<Window>,
    /// The lenders it sits on.
    pub occupies: Vec<ResourceAddr>,
    /// Since when it is ended with its lender; its values are for evaluation only.
    pub ended: Option<Box<Ended>>,
    /// Resource identity (`identity`, `identity_schema_version`) as JSON text, kept for the v4 export.
    pub identity: Option<(u64, Arc<str>)>,
}

/// Whether an object is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectStatus {
    /// It is.
    #[default]
    Ready,
    /// Its creation failed half-way, or a user said so: it is replaced.
    Tainted,
    /// It was created, and what must follow its creation was not done: it is replaced, unless a
    /// recovery finishes it.
    Unprovisioned,
}

impl ObjectStatus {
    /// Returns whether the object has to be replaced before anybody may rest on it.
    pub fn is_broken(self) -> bool {
        self != Self::Ready
    }
}

/// An expected ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Since when.
    pub at: Timestamp,
    /// With what.
    pub with: Option<ResourceAddr>,
}

/// A root output's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputValue {
    /// The value as JSON text.
    pub value: Arc<str>,
    /// Its type as JSON text: `"string"`, `["list","string"]`.
    pub ty: Arc<str>,
    /// Whether it may be shown.
    pub sensitive: bool,
    /// When it ends with what it reads: a lease's window; `None`: it stays.
    pub until: Option<Timestamp>,
}

/// A planned action that waits for its time. Never values.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// The instance.
    pub addr: ResourceAddr,
    /// The deposed key, where it is a deposed object.
    pub deposed: Option<Name>,
    /// What will be done.
    pub action: Action,
    /// When.
    pub schedule: Schedule,
    /// What it waits for, in words.
    pub reason: String,
    /// Hash of what was approved; `None`: not approved yet.
    pub approval: Option<Name>,
    /// Keyed hashes of its parts and of the files that were read, by name, so that a mismatch can be
    /// named: `var.x`, `block a.b`, `file c.sh`.
    pub inputs: BTreeMap<Name, Name>,
    /// How often it was tried in vain since it was approved.
    pub trials: Trials,
}

/// How often a scheduled action was tried in vain: it outlives the process, so that a run from cron is as patient as
/// one that stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    /// How often it failed.
    pub failures: u32,
    /// How often what it left broken was made anew.
    pub recreations: u32,
    /// When it is tried again.
    pub again: Option<Timestamp>,
}

/// What identifies a scheduled action: instance, deposed key, action.
pub type ScheduleKey = (ResourceAddr, Option<Name>, Action);

impl Scheduled {
    /// Returns what identifies it within a schedule.
    pub fn key(&self) -> ScheduleKey {
        (self.addr.clone(), self.deposed.clone(), self.action)
    }

    pub(crate) fn compare(&self, key: &ScheduleKey) -> std::cmp::Ordering {
        let own = (&self.addr, &self.deposed, self.action);
        own.cmp(&(&key.0, &key.1, key.2))
    }
}

impl Instance {
    /// Iterates over its objects, the current one first, each with its deposed key.
    pub fn objects(&self) -> impl Iterator<Item = (Option<&Name>, &Object)> {
        let current = self.current.iter().map(|object| (None, object));
        current.chain(self.deposed.iter().map(|(key, object)| (Some(key), object)))
    }
}

impl State {
    /// Returns the realms that objects are bound to.
    pub fn realms(&self) -> BTreeSet<&Name> {
        let objects = self.resources.values().flat_map(Instance::objects);
        objects.filter_map(|(_, object)| object.realm.as_ref()).collect()
    }
}
