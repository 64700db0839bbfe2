//! How state is kept: one trait, so that SQLite, remote stores and the simulation are the same to core.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{Intent, IntentId, IntentStore};

use crate::{
    Adopted, CommitError, InstanceSet, IntentOutcome, IntentProgress, LockError, Object,
    OutputValue, ScheduleKey, Scheduled, State, StoreError,
};

/// A store of one workspace's state. It is an [`IntentStore`] for the holder of its lock.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the state as committed.
    async fn load(&self) -> Result<State, StoreError>;

    /// Returns which state it is and how far it is, without loading it.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Takes the lock, at once or after waiting as the request says. A dead holder is taken over.
    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError>;

    /// Returns for how long the lock is lent, where that is not as long as its holder lives.
    fn lease(&self) -> Option<Lease> {
        None
    }

    /// Makes sure that the lock is still held, and holds it longer where it is lent for a time. Whoever works
    /// under a lease asks at its intervals.
    async fn renew(&self, fence: &Fence) -> Result<(), CommitError>;

    /// Releases the lock.
    async fn unlock(&self, fence: Fence) -> Result<(), StoreError>;

    /// Hands a batch to the writer and returns at once; batches become durable in the order in which
    /// they were handed over, several of them in one transaction.
    ///
    /// The first batch of a fence that changes resources or outputs raises the serial by one.
    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket;

    /// Returns the changing commands so far, newest first.
    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Returns the view that a [`terrarium_provider::Recorder`] needs; intents go through the writer
    /// in order with the batches.
    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore>;
}

/// What is committed together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// New intents.
    pub intents: Vec<Intent>,
    /// Progress of intents that stay open.
    pub progress: Vec<(IntentId, IntentProgress)>,
    /// What intents close with.
    pub outcomes: Vec<(IntentId, IntentOutcome)>,
    /// Objects as they are now, beside those that an intent closes with.
    pub objects: Vec<ObjectChange>,
    /// Sets that intents name by their hash; those of objects come with the objects.
    pub sets: Vec<InstanceSet>,
    /// Root outputs that changed.
    pub outputs: Vec<OutputChange>,
    /// Entries of the schedule that changed.
    pub schedule: Vec<ScheduleChange>,
    /// Check results as JSON text; `None`: unchanged.
    pub check_results: Option<Option<Arc<str>>>,
    /// A whole state that takes the place of this one: resources, outputs, check results, lineage,
    /// serial (or the next one of ours, if that is higher). What is ended is kept, the schedule is
    /// cancelled. Comes before the rest of the batch.
    pub replace: Option<Arc<State>>,
    /// The file that the state was taken over from; `None`: unchanged.
    pub adopted: Option<Adopted>,
}

/// An object as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectChange {
    /// The instance.
    pub addr: ResourceAddr,
    /// The deposed key; `None` for the current object.
    pub deposed: Option<Name>,
    /// The provider configuration, as state v4 writes it.
    pub provider: Name,
    /// The object; `None`: it is gone.
    pub object: Option<Object>,
}

/// A root output as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChange {
    /// Its name.
    pub name: Name,
    /// Its value; `None`: there is no such output any more.
    pub value: Option<OutputValue>,
}

impl OutputChange {
    /// Lists what leads from the outputs before to those after.
    pub fn between(
        before: &BTreeMap<Name, OutputValue>,
        after: &BTreeMap<Name, OutputValue>,
    ) -> Vec<Self> {
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        let gone = gone.map(|name| Self { name: name.clone(), value: None });
        let new = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
        let new = new.map(|(name, value)| Self { name: name.clone(), value: Some(value.clone()) });
        gone.chain(new).collect()
    }
}

/// A change of the schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleChange {
    /// This waits now, in the place of what has the same key.
    Put(Scheduled),
    /// What has this key waits no more.
    Remove(ScheduleKey),
}

impl ScheduleChange {
    /// Lists what leads from the schedule before to the one after.
    pub fn between(before: &[Scheduled], after: &[Scheduled]) -> Vec<Self> {
        let keyed = |entries: &[Scheduled]| -> BTreeMap<ScheduleKey, Scheduled> {
            entries.iter().map(|entry| (entry.key(), entry.clone())).collect()
        };
        let (before, after) = (keyed(before), keyed(after));
        let gone = before.keys().filter(|key| !after.contains_key(*key)).cloned().map(Self::Remove);
        let new = after.iter().filter(|(key, entry)| before.get(*key) != Some(entry));
        gone.chain(new.map(|(_, entry)| Self::Put(entry.clone()))).collect()
    }
}

/// Which state it is, and how far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Identity of the line of states; empty before the first commit.
    pub lineage: Name,
    /// Number of the latest changing command.
    pub serial: u64,
    /// How much that command has changed so far: it may be at work still.
    pub changed: u64,
    /// Number of the latest holder of the lock.
    pub epoch: u64,
}

/// What a lock covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LockScope {
    /// The whole state of the workspace.
    #[default]
    Workspace,
    /// Only these instances. A store may take a wider lock than it was asked for.
    Instances(BTreeSet<ResourceAddr>),
}

/// Whether anybody waits for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As soon as possible: somebody waits for the ticket.
    Now,
    /// Within 50 ms or 1,000 rows: outcomes of local effect, covered by the next batch that is `Now`.
    Lazy,
}

/// Resolves once a batch is durable, with the serial it belongs to.
pub struct Ticket(pub tokio::sync::oneshot::Receiver<Result<u64, CommitError>>);

impl Ticket {
    /// Waits until the batch is durable.
    ///
    /// # Cancel safety
    /// The batch is written all the same.
    pub async fn durable(self) -> Result<u64, CommitError> {
        self.0.await.unwrap_or(Err(CommitError::Unknown("the writer ended".into())))
    }
}

/// How a store lends its lock: whoever does not renew it in time may lose it to the next who asks.
#[derive(Clone)]
pub struct Lease {
    /// How long it is lent for, from each renewal on.
    pub lasts: std::time::Duration,
    /// How often it is to be renewed.
    pub every: std::time::Duration,
    /// The clock of the store: time passes by it while a run's own clock stands still or jumps.
    pub clock: Arc<dyn terrarium_provider::Clock>,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lasts, every, .. } = self;
        f.debug_struct("Lease").field("lasts", lasts).field("every", every).finish_non_exhaustive()
    }
}

/// Proof of holding the lock; every commit carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Rises with every new holder.
    pub epoch: u64,
    /// Id of the lock, as `force-unlock` takes it.
    pub id: Name,
}

/// Who wants the lock, and for what.
#[derive(Clone, Debug)]
pub struct LockRequest {
    /// Id to use: a UUID.
    pub id: Name,
    /// What is to be locked.
    pub scope: LockScope,
    /// The command: `apply`.
    pub operation: String,
    /// `user@host`.
    pub who: String,
    /// Our version.
    pub version: String,
    /// Now.
    pub at: Timestamp,
    /// How long to wait for a living holder.
    pub timeout: std::time::Duration,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder {
    /// Id of the lock.
    pub id: String,
    /// The file or place of the lock.
    pub path: String,
    /// The command.
    pub operation: String,
    /// `user@host`.
    pub who: String,
    /// Its version.
    pub version: String,
    /// Since when, as text.
    pub created: String,
}

/// A changing command of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its serial.
    pub serial: u64,
    /// When it began.
    pub at: Timestamp,
    /// The command.
    pub operation: String,
    /// Who.
    pub who: String,
    /// Objects written or removed.
    pub changed: u64,
}
