//! Terrarium with a planted fault: intents are never written down. The kill tests must notice.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use terrarium_cli::context::Seams;
use terrarium_cli::env::Env;
use terrarium_provider::{Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, IntentOutcome, LockError,
    LockRequest, State, Store, StoreError, Ticket,
};

fn main() -> ExitCode {
    let args = std::env::args().skip(1).collect();
    let seams = Seams { store: |store| Arc::new(Forgetful(store)), ..Seams::default() };
    ExitCode::from(terrarium_cli::run_over(args, Env::of_process(), seams))
}

struct Forgetful(Arc<dyn Store>);

#[async_trait]
impl Store for Forgetful {
    async fn load(&self) -> Result<State, StoreError> {
        self.0.load().await
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        self.0.lock(request).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.0.head().await
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        self.0.renew(fence).await
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.0.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        // The journal is gone; the objects are written as ever.
        let mut objects = batch.objects;
        for (_, outcome) in batch.outcomes {
            if let IntentOutcome::Row(row) = outcome {
                objects.push(row);
            }
        }
        let batch = Batch { progress: Vec::new(), outcomes: Vec::new(), objects, ..batch };
        self.0.submit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.0.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        Arc::new(Silent(self.0.intents(fence)))
    }
}

struct Silent(Arc<dyn IntentStore>);

#[async_trait]
impl IntentStore for Silent {
    async fn record(&self, _intents: &[Intent]) -> Result<(), NotRecorded> {
        Ok(())
    }

    fn next_id(&self) -> IntentId {
        self.0.next_id()
    }

    fn lineage(&self) -> terrarium_address::Name {
        self.0.lineage()
    }
}
