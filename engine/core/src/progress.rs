//! What a run tells while it is at work, and how it is asked to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use terrarium_address::ResourceAddr;
use terrarium_provider::Patience;
use tokio::sync::Notify;

use crate::PlannedAction;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// An object is being read.
    Refreshing {
        /// The instance.
        addr: ResourceAddr,
        /// Its id, where it has one.
        id: Option<String>,
    },
    /// An object was read.
    Refreshed {
        /// The instance.
        addr: ResourceAddr,
        /// Its id, where it has one.
        id: Option<String>,
    },
    /// A data source is being read.
    Reading {
        /// The instance.
        addr: ResourceAddr,
    },
    /// A data source was read.
    Read {
        /// The instance.
        addr: ResourceAddr,
        /// By the engine's clock.
        elapsed: Duration,
        /// Its id, where it has one.
        id: Option<String>,
    },
    /// An action begins.
    Begun {
        /// The instance.
        addr: ResourceAddr,
        /// Create, Update or Delete.
        action: PlannedAction,
        /// The object's id, where it has one.
        id: Option<String>,
    },
    /// An action is still under way.
    Waiting {
        /// The instance.
        addr: ResourceAddr,
        /// Create, Update or Delete.
        action: PlannedAction,
        /// By the engine's clock.
        elapsed: Duration,
        /// What the service calls its state.
        status: String,
        /// The object's id, where it has one.
        id: Option<String>,
    },
    /// An action is done.
    Done {
        /// The instance.
        addr: ResourceAddr,
        /// Create, Update or Delete.
        action: PlannedAction,
        /// By the engine's clock.
        elapsed: Duration,
        /// The object's id, where it has one.
        id: Option<String>,
    },
    /// An action failed; its diagnostics come with the run's result.
    Failed {
        /// The instance.
        addr: ResourceAddr,
        /// Create, Update or Delete.
        action: PlannedAction,
    },
    /// A call waits for its answer, or before it is repeated.
    Patient(Patience),
    /// What an earlier run left open is being found out.
    Recovering {
        /// The instance.
        addr: ResourceAddr,
        /// In words: `looking for what an interrupted run may have made`.
        what: String,
        /// How long that may still take, where it is waited for.
        left: Option<Duration>,
    },
    /// What an earlier run left open was found or given up.
    Recovered {
        /// The instance.
        addr: ResourceAddr,
        /// What became of it.
        outcome: RecoveryOutcome,
        /// In words: `adopted the server 1234 that an interrupted apply created`.
        what: String,
    },
}

/// What became of something that an earlier run left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// What it made was taken over.
    Adopted,
    /// Its action came to an end, which is recorded now.
    Finished,
    /// A double of what it made was removed.
    Removed,
    /// It made nothing.
    Nothing,
}

/// Takes events. Must return quickly.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn on(&self, event: Event);
}

/// Drops every event.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn on(&self, _event: Event) {}
}

/// A request to stop; cheap to clone, may be raised from a signal's task.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    count: AtomicU8,
    raised: Notify,
}

impl Cancel {
    /// First call: begin nothing more. Second: stop waiting, too.
    pub fn raise(&self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.raised.notify_waiters();
    }

    /// Returns whether nothing more may begin.
    pub fn is_raised(&self) -> bool {
        self.count() > 0
    }

    /// Returns whether even what runs may not be waited for.
    pub fn is_urgent(&self) -> bool {
        self.count() > 1
    }

    /// Returns once nothing more may begin.
    pub async fn raised(&self) {
        self.beyond(0).await;
    }

    /// Returns how often it was raised.
    pub(crate) fn count(&self) -> u8 {
        self.0.count.load(Ordering::SeqCst)
    }

    /// Returns once it was raised more often than this.
    pub(crate) async fn beyond(&self, count: u8) {
        loop {
            let raised = self.0.raised.notified();
            if self.count() > count {
                return;
            }
            raised.await;
        }
    }
}
