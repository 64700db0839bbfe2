//! Planted faults of the engine: a simulation that does not notice them proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::Name;
use terrarium_provider::{Action, Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, Durability, Fence, HistoryEntry, IntentProgress, LockError, LockRequest, State, Store,
    StoreError, Ticket,
};

/// Stands between the engine and its store.
pub type Plant = fn(Arc<dyn Store>) -> Arc<dyn Store>;

/// Returns the store as it is.
pub fn honest(store: Arc<dyn Store>) -> Arc<dyn Store> {
    store
}

/// Intents are never written down.
pub fn forgetful(store: Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(Planted { store, bug: Bug::Forgetful })
}

/// The outcome of a create is written down as done before it is sent.
pub fn hasty(store: Arc<dyn Store>) -> Arc<dyn Store> {
    Arc::new(Planted { store, bug: Bug::Hasty })
}

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    Forgetful,
    Hasty,
}

struct Planted {
    store: Arc<dyn Store>,
    bug: Bug,
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
        let batch = match self.bug {
            Bug::Forgetful => Batch { progress: Vec::new(), ..batch },
            Bug::Hasty => batch,
        };
        self.store.submit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.store.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        let (inner, store) = (self.store.intents(fence), self.store.clone());
        Arc::new(Journal { inner, store, fence: fence.clone(), bug: self.bug })
    }
}

struct Journal {
    inner: Arc<dyn IntentStore>,
    store: Arc<dyn Store>,
    fence: Fence,
    bug: Bug,
}

#[async_trait]
impl IntentStore for Journal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        if self.bug == Bug::Forgetful {
            return Ok(());
        }
        self.inner.record(intents).await?;
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
