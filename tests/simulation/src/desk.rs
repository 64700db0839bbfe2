//! The store as the engine sees it: what is submitted lies on a desk until the traffic takes it on.

use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::Name;
use terrarium_provider::{Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, LockError, LockRequest, MemoryStore,
    State, Store, StoreError, Ticket,
};
use tokio::sync::oneshot;

use crate::traffic::Traffic;

/// Something that the store is asked for; asked in order, done in order.
pub(crate) enum Paper {
    /// A batch to commit.
    Commit {
        fence: Fence,
        batch: Box<Batch>,
        durability: Durability,
        to: oneshot::Sender<Result<u64, CommitError>>,
    },
    /// The state.
    Load(oneshot::Sender<Result<State, StoreError>>),
    /// How far it is.
    Head(oneshot::Sender<Result<Head, StoreError>>),
}

/// A process's store, whose work takes time.
pub(crate) struct Desk {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) traffic: Arc<Traffic>,
}

impl Desk {
    fn commit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        let (to, ticket) = oneshot::channel();
        let (fence, batch) = (fence.clone(), Box::new(batch));
        self.traffic.file(Paper::Commit { fence, batch, durability, to });
        Ticket(ticket)
    }
}

#[async_trait]
impl Store for Desk {
    async fn load(&self) -> Result<State, StoreError> {
        let (to, answer) = oneshot::channel();
        self.traffic.file(Paper::Load(to));
        answer.await.unwrap_or_else(|_| Err(StoreError::Other("the world ended".into())))
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        self.store.lock(request).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let (to, answer) = oneshot::channel();
        self.traffic.file(Paper::Head(to));
        answer.await.unwrap_or_else(|_| Err(StoreError::Other("the world ended".into())))
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        self.store.renew(fence).await
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.head().await?;
        self.store.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        self.commit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.store.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        let desk = Self { store: self.store.clone(), traffic: self.traffic.clone() };
        Arc::new(Journal { inner: self.store.intents(fence), fence: fence.clone(), desk })
    }
}

struct Journal {
    desk: Desk,
    inner: Arc<dyn IntentStore>,
    fence: Fence,
}

#[async_trait]
impl IntentStore for Journal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        let batch = Batch { intents: intents.to_vec(), ..Batch::default() };
        let durable = self.desk.commit(&self.fence, batch, Durability::Now).durable().await;
        durable.map(drop).map_err(NotRecorded::because)
    }

    fn next_id(&self) -> IntentId {
        self.inner.next_id()
    }

    fn lineage(&self) -> Name {
        self.inner.lineage()
    }
}
