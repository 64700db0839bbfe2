//! Planted faults of the engine: a simulation that does not notice them proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::Name;
use terrarium_core::{Plan, PlannedAction, ReplaceOrder};
use terrarium_provider::{Action, Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, Durability, Fence, HistoryEntry, IntentProgress, LockError, LockRequest, State, Store,
    StoreError, Ticket,
};

/// A fault of the engine, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The engine as it is.
    Honest,
    /// Intents are never written down.
    Forgetful,
    /// The outcome of a create is written down as done before it is sent.
    Hasty,
    /// What was scheduled is never cancelled.
    Stubborn,
    /// A run carries out whatever the plan says.
    Blanket,
    /// A lease is taken for active as soon as it exists.
    Rosy,
    /// A replacement begins with the removal of what is there.
    Rude,
}

impl Plant {
    /// Stands between the engine and its store.
    pub(crate) fn store(self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        match self {
            Self::Forgetful | Self::Hasty | Self::Stubborn => {
                Arc::new(Planted { store, plant: self })
            }
            Self::Honest | Self::Blanket | Self::Rosy | Self::Rude => store,
        }
    }

    /// Spoils a plan before it is applied.
    pub(crate) fn plan(self, plan: &mut Plan) {
        if self != Self::Rude {
            return;
        }
        for change in &mut plan.changes {
            if matches!(change.action, PlannedAction::Replace(_)) {
                change.action = PlannedAction::Replace(ReplaceOrder::DeleteFirst);
                change.keeps_old = false;
                change.create_first = false;
            }
        }
    }
}

struct Planted {
    store: Arc<dyn Store>,
    plant: Plant,
}

#[async_trait]
impl Store for Planted {
    async fn load(&self) -> Result<State, StoreError> {
        self.store.load().await
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        self.store.lock(request).await
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.store.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        let batch = match self.plant {
            Plant::Forgetful => Batch { progress: Vec::new(), ..batch },
            Plant::Stubborn if batch.schedule.as_ref().is_some_and(Vec::is_empty) => {
                Batch { schedule: None, ..batch }
            }
            _ => batch,
        };
        self.store.submit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.store.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        let (inner, store) = (self.store.intents(fence), self.store.clone());
        Arc::new(Journal { inner, store, fence: fence.clone(), plant: self.plant })
    }
}

struct Journal {
    inner: Arc<dyn IntentStore>,
    store: Arc<dyn Store>,
    fence: Fence,
    plant: Plant,
}

#[async_trait]
impl IntentStore for Journal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        if self.plant == Plant::Forgetful {
            return Ok(());
        }
        self.inner.record(intents).await?;
        if self.plant != Plant::Hasty {
            return Ok(());
        }
        let creates = intents.iter().filter(|intent| intent.action == Action::Create);
        let progress: Vec<_> = creates.map(|intent| (intent.id, IntentProgress::Done)).collect();
        let batch = Batch { progress, ..Batch::default() };
        let done = self.store.submit(&self.fence, batch, Durability::Now).durable().await;
        done.map(drop).map_err(|error| NotRecorded { message: error.to_string() })
    }

    fn next_id(&self) -> IntentId {
        self.inner.next_id()
    }

    fn lineage(&self) -> Name {
        self.inner.lineage()
    }
}
