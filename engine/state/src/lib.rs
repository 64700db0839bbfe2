//! The store: what exists, what is about to be done, who may write, and how it came about.
//!
//! Start at [`State`] (what a workspace's state is) and [`Store`] (how it is kept). No SQL leaves
//! this crate. The journal of intents is always in the same store as the state.

pub mod adopt;
mod backend;
mod deps;
pub mod edit;
mod error;
mod fold;
mod journal;
mod lock;
mod memory;
pub mod rebind;
mod sqlite;
mod state;
mod store;
pub mod v4;

pub use backend::Backend;
pub use deps::{Dep, InstanceSet};
pub use error::{CommitError, LockError, StoreError};
pub use journal::{IntentOutcome, IntentProgress, OpenIntent};
pub use memory::{Fate, MemoryDisk, MemoryStore, Script};
pub use sqlite::{DEFAULT_WORKSPACE, Location, SqliteStore, WorkspaceError, is_workspace_name};
pub use state::{
    Adopted, Ended, Instance, Object, ObjectStatus, OutputValue, ScheduleKey, Scheduled, State,
    Trials,
};
pub use store::{
    Batch, Durability, Fence, Head, HistoryEntry, Lease, LockHolder, LockRequest, LockScope,
    ObjectChange, OutputChange, ScheduleChange, Store, Ticket,
};
