//! How state is kept: one trait, so that SQLite, remote stores and the simulation are the same to core.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{Intent, IntentId, IntentStore};

use crate::{Adopted, IntentProgress, Object, OutputValue, Scheduled, State};

/// A store of one workspace's state. It is an [`IntentStore`] for the holder of its lock.
#[async_trait]
pub trait Store: Send + Sync {
    /// Returns the state as committed.
    async fn load(&self) -> Result<State, StoreError>;

    /// Takes the lock, at once or after waiting as the request says. A dead holder is taken over.
    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError>;

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
    /// Progress of earlier ones.
    pub progress: Vec<(IntentId, IntentProgress)>,
    /// Objects as they are now.
    pub objects: Vec<ObjectChange>,
    /// Root outputs, all of them; `None`: unchanged.
    pub outputs: Option<BTreeMap<Name, OutputValue>>,
    /// The schedule, all of it; `None`: unchanged.
    pub schedule: Option<Vec<Scheduled>>,
    /// Check results as JSON text; `None`: unchanged.
    pub check_results: Option<Option<Arc<str>>>,
    /// The realm to bind the state to; `None`: unchanged.
    pub realm: Option<String>,
    /// A whole state that takes the place of this one: resources, outputs, check results, lineage,
    /// serial (or the next one of ours, if that is higher). What is ended is kept, the schedule is
    /// cancelled. Comes before the rest of the batch.
    pub replace: Option<Arc<State>>,
    /// The file that the state was taken over from; `None`: unchanged.
    pub adopted: Option<Adopted>,
}

/// An object as it is now.
#[derive(Clone, Debug)]
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

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("the state is locked by {} ({})", .0.who, .0.operation)]
    Held(Box<LockHolder>),
    /// It could not be tried.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a batch was not committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another holder has the lock: nothing was written.
    #[error("the lock was lost: another process holds it now")]
    Lost,
    /// No room: nothing was written.
    #[error("no space left to write the state: {0}")]
    Full(String),
    /// Nobody knows whether it was written.
    #[error("the state could not be written: {0}")]
    Unknown(String),
}

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be used.
    #[error("cannot {verb} {path}: {cause}")]
    File {
        /// What was attempted: `open`, `read`.
        verb: &'static str,
        /// The file.
        path: String,
        /// The system's words.
        cause: String,
    },
    /// The store is damaged.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The store was written by a newer version.
    #[error(
        "{path} was written by a newer version of terrarium (format {found}, this one knows {known})"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: u64,
        /// The newest format known here.
        known: u64,
    },
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
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
