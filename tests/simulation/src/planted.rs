//! Planted faults of the engine: a simulation that does not notice them proves nothing.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::Name;
use terrarium_core::{Cancel, Plan, PlannedAction, ReplaceOrder, Turn};
use terrarium_drive::Rules;
use terrarium_provider::{Action, Intent, IntentId, IntentStore, NotRecorded};
use terrarium_state::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, IntentOutcome, IntentProgress,
    LockError, LockRequest, ScheduleChange, State, Store, StoreError, Ticket,
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
    /// What a journal shows as recorded is taken for never sent, and is made again.
    Trusting,
    /// What was scheduled is never cancelled.
    Stubborn,
    /// A run carries out whatever the plan says.
    Blanket,
    /// A lease is taken for active as soon as it exists.
    Rosy,
    /// A replacement begins with the removal of what is there.
    Rude,
    /// A run gives up what failed once.
    Fainthearted,
    /// A run that failed tries again at once, for as long as it lasts.
    Restless,
    /// A run does not hear that it is to stop.
    Deaf,
}

impl Plant {
    /// Stands between the engine and its store.
    pub(crate) fn store(self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        match self {
            Self::Forgetful | Self::Hasty | Self::Trusting | Self::Stubborn => {
                Arc::new(Planted { store, plant: self })
            }
            _ => store,
        }
    }

    /// Returns what a run decides by.
    pub(crate) fn rules(self) -> Rules {
        let honest = Rules::default();
        match self {
            Self::Blanket => Rules { split: all_of_it, ..honest },
            Self::Fainthearted => Rules { rest: |_, _| SignedDuration::MAX, ..honest },
            Self::Restless => Rules { rest: |_, _| SignedDuration::from_millis(1), ..honest },
            _ => honest,
        }
    }

    /// Returns how a run is asked to stop.
    pub(crate) fn cancel(self, cancel: &Cancel) -> Cancel {
        if self == Self::Deaf { Cancel::default() } else { cancel.clone() }
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

/// Takes all of a plan for due and approved.
fn all_of_it(plan: Plan, state: &State, _now: Timestamp) -> Turn {
    Turn { plan, held: Vec::new(), left: state.schedule.clone(), next: None }
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
        let fence = self.store.lock(request).await?;
        if self.plant == Plant::Trusting
            && let Ok(state) = self.store.load().await
        {
            let recorded = state
                .intents
                .iter()
                .filter(|open| matches!(open.progress, IntentProgress::Recorded));
            let outcomes = recorded.map(|open| (open.intent.id, IntentOutcome::Nothing)).collect();
            let batch = Batch { outcomes, ..Batch::default() };
            // Where it is lost, the fault strikes another time.
            let _closed = self.store.submit(&fence, batch, Durability::Now).durable().await;
        }
        Ok(fence)
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        self.store.renew(fence).await
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.store.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        let batch = match self.plant {
            Plant::Forgetful => without_journal(batch),
            Plant::Stubborn => {
                let is_put = |change: &ScheduleChange| matches!(change, ScheduleChange::Put(_));
                let schedule = batch.schedule.into_iter().filter(is_put).collect();
                Batch { schedule, ..batch }
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

/// Returns a batch that writes the same objects and nothing about intents.
fn without_journal(batch: Batch) -> Batch {
    let mut objects = batch.objects;
    for (_, outcome) in batch.outcomes {
        if let IntentOutcome::Row(row) = outcome {
            objects.push(row);
        }
    }
    Batch { progress: Vec::new(), outcomes: Vec::new(), objects, ..batch }
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
        let outcomes = creates.map(|intent| (intent.id, IntentOutcome::Nothing)).collect();
        let batch = Batch { outcomes, ..Batch::default() };
        let done = self.store.submit(&self.fence, batch, Durability::Now).durable().await;
        done.map(drop).map_err(NotRecorded::because)
    }

    fn next_id(&self) -> IntentId {
        self.inner.next_id()
    }

    fn lineage(&self) -> Name {
        self.inner.lineage()
    }
}
