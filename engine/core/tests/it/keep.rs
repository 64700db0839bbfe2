//! A store that lends its lock for a time only: who works long renews it, who loses it stops.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use jiff::Timestamp;
use terrarium_core::Parallelism;
use terrarium_provider::{Action, Clock, IntentStore};
use terrarium_state::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, Lease, LockError, LockRequest,
    MemoryDisk, MemoryStore, State, Store, StoreError, Ticket,
};

use crate::fake::{Cloud, Fault, Trouble};
use crate::scene::{Command, Doing, Outcome, Scene, request};

/// How long the lock is lent for; a creation that hangs is given up after 300 s.
const LASTS: Duration = Duration::from_mins(3);

/// The store's own clock: it shows the world's time, and moves nothing.
struct Follow(Arc<Cloud>);

#[async_trait]
impl Clock for Follow {
    fn now(&self) -> Timestamp {
        self.0.inside().now
    }

    async fn wait_until(&self, at: Timestamp) {
        std::future::poll_fn(|context| {
            if self.now() >= at {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// What is wrong with how the lock is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    /// Nothing.
    Well,
    /// It is never renewed.
    Never,
    /// Somebody takes it away before the fifth renewal.
    Robbed,
    /// The store can't be reached for some renewals.
    Patchily,
}

/// A store whose lock somebody else wants at each commit.
struct Wanted {
    store: Arc<dyn Store>,
    disk: MemoryDisk,
    kept: Kept,
    renewals: Arc<AtomicUsize>,
    /// Who got it holds it from then on.
    others: Mutex<Vec<MemoryStore>>,
}

impl Wanted {
    fn want(&self) {
        let other = MemoryStore::open(self.disk.clone());
        let got = other.lock(request(99, Timestamp::UNIX_EPOCH)).now_or_never();
        if matches!(got, Some(Ok(_))) {
            self.others.lock().unwrap().push(other);
        }
    }
}

#[async_trait]
impl Store for Wanted {
    async fn load(&self) -> Result<State, StoreError> {
        self.store.load().await
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        self.store.lock(request).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.store.head().await
    }

    fn lease(&self) -> Option<Lease> {
        self.store.lease().filter(|_| self.kept != Kept::Never)
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        let count = self.renewals.fetch_add(1, Ordering::SeqCst);
        match self.kept {
            Kept::Robbed if count >= 4 => Err(CommitError::Lost),
            Kept::Patchily if !count.is_multiple_of(3) => {
                Err(CommitError::Unknown("nobody answers".into()))
            }
            _ => self.store.renew(fence).await,
        }
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        self.store.unlock(fence).await
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        self.want();
        self.store.submit(fence, batch, durability)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.store.history().await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        self.store.intents(fence)
    }
}

/// Applies a creation that hangs for longer than the lock is lent for, and what would follow.
async fn long(kept: Kept) -> (Scene, Outcome, usize) {
    let mut scene = Scene::of(
        "resource \"fake_slow\" \"a\" { name = \"a\" }\nresource \"fake_thing\" \"b\" { name = \"b\" }\n",
    );
    let clock = Arc::new(Follow(scene.cloud.clone()));
    scene.disk.lend(Lease { lasts: LASTS, every: Duration::from_secs(20), clock });
    let fault =
        Fault { addr: "fake_slow.a".into(), action: Action::Create, trouble: Trouble::Stuck };
    scene.cloud.inside().faults.push(fault);
    let renewals = Arc::new(AtomicUsize::new(0));
    let (disk, counted) = (scene.disk.clone(), renewals.clone());
    scene.wrap = Box::new(move |store| {
        let (disk, renewals) = (disk.clone(), counted.clone());
        Arc::new(Wanted { store, disk, kept, renewals, others: Mutex::default() })
    });
    // One at a time: the other begins when the first has come to its end.
    let command = Command { parallelism: Parallelism::Work(1), ..Command::default() };
    let outcome = scene.run(&command, Doing::Apply).await.unwrap();
    (scene, outcome, renewals.load(Ordering::SeqCst))
}

fn errors(outcome: &Outcome) -> Vec<String> {
    let said = &outcome.run.as_ref().unwrap().1;
    said.iter().filter(|one| one.is_error()).map(|one| one.summary.clone()).collect()
}

#[tokio::test]
async fn a_lock_that_is_lent_is_renewed_while_something_takes_long() {
    for kept in [Kept::Well, Kept::Patchily] {
        let (scene, outcome, renewals) = long(kept).await;
        assert_eq!(errors(&outcome), ["Timeout"], "{kept:?}");
        assert_eq!(scene.disk.epoch(), 1, "{kept:?}: nobody else got the lock");
        assert!((15..=40).contains(&renewals), "{kept:?}: {renewals} in 300 s");
        assert!(scene.state().await.intents.is_empty(), "{kept:?}");
        assert_eq!(scene.cloud.names(), ["fake_slow a", "fake_thing b"], "{kept:?}");
    }
}

#[tokio::test]
async fn a_lock_that_nobody_renews_goes_to_the_next() {
    let (scene, outcome, renewals) = long(Kept::Never).await;
    assert_eq!((renewals, scene.disk.epoch()), (0, 2));
    assert!(
        errors(&outcome).contains(&"Failed to save state".to_owned()),
        "{:?}",
        errors(&outcome)
    );
    assert_eq!(scene.state().await.intents.len(), 1, "the next command finds out");
}

#[tokio::test]
async fn who_loses_the_lock_begins_nothing_more_and_says_so_once() {
    let (scene, outcome, renewals) = long(Kept::Robbed).await;
    assert_eq!(errors(&outcome), ["Failed to save state"]);
    assert_eq!(renewals, 5);
    let summary = &outcome.run.as_ref().unwrap().0;
    assert!(summary.interrupted);
    assert_eq!(summary.skipped.len(), 1);
    assert_eq!(scene.cloud.names(), ["fake_slow a"]);
    assert_eq!(scene.state().await.intents.len(), 1);
}
