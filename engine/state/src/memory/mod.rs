//! A store in memory for simulation, whose commits are lost, refused or half-acknowledged by a script.
//!
//! [`MemoryDisk`] is what survives a crash; [`MemoryStore`] is a process's view of it.

mod script;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::Name;
use terrarium_provider::{Intent, IntentId, IntentStore, NotRecorded};
use tokio::sync::oneshot;

use crate::sqlite::fresh_lineage;
use crate::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, Lease, LockError, LockHolder,
    LockRequest, State, Store, StoreError, Ticket,
};
pub use script::{Fate, Script};

/// What survives a crash of the process.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    state: State,
    history: Vec<HistoryEntry>,
    epoch: u64,
    raised_in: u64,
    next_intent: u64,
    holder: Option<LockHolder>,
    /// How the lock is lent, and until when it is; `None`: as long as the process lives.
    lease: Option<(Lease, Timestamp)>,
    script: Script,
}

impl MemoryDisk {
    /// Returns an empty disk whose commits go as the script says.
    pub fn new(script: Script) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            state: State::default(),
            history: Vec::new(),
            epoch: 0,
            raised_in: 0,
            next_intent: 1,
            holder: None,
            lease: None,
            script,
        })))
    }

    /// Lends its lock for a time from now on, as remote stores do.
    pub fn lend(&self, lease: Lease) {
        self.disk().lease = Some((lease, Timestamp::MIN));
    }

    /// Returns how many holders there were.
    pub fn epoch(&self) -> u64 {
        self.disk().epoch
    }

    /// Takes the lock from whoever holds it under this id: what that holder still writes is refused.
    pub fn force_unlock(&self, id: &str) -> Result<(), LockError> {
        let mut disk = self.disk();
        match &disk.holder {
            None => Err(StoreError::NotLocked.into()),
            Some(holder) if holder.id != id => Err(LockError::Held(Box::new(holder.clone()))),
            Some(_) => {
                disk.epoch += 1;
                disk.holder = None;
                Ok(())
            }
        }
    }

    /// Changes what happens from now on.
    pub fn set_script(&self, script: Script) {
        self.disk().script = script;
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process's view of a [`MemoryDisk`]. Dropping it is a crash: what was lazy is gone, its lock is free.
pub struct MemoryStore(Arc<Process>);

struct Process {
    disk: MemoryDisk,
    mine: Mutex<Mine>,
}

/// What dies with the process.
#[derive(Default)]
struct Mine {
    request: Option<LockRequest>,
    fence: Option<Fence>,
    lineage: Name,
    next_intent: AtomicU64,
    lazy: Vec<Waiting>,
    broken: Option<CommitError>,
}

struct Waiting {
    fence: Fence,
    batch: Batch,
    reply: oneshot::Sender<Result<u64, CommitError>>,
}

impl MemoryStore {
    /// Opens the disk.
    pub fn open(disk: MemoryDisk) -> Self {
        Self(Arc::new(Process { disk, mine: Mutex::default() }))
    }
}

impl Process {
    fn mine(&self) -> MutexGuard<'_, Mine> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is lazy, then the batch; the order is that of the submissions.
    fn flush(&self, mine: &mut Mine, more: Option<Waiting>) {
        let has_lazy = !mine.lazy.is_empty();
        let waiting: Vec<Waiting> = mine.lazy.drain(..).chain(more).collect();
        if waiting.is_empty() {
            return;
        }
        let result = match &mine.broken {
            Some(error) => Err(error.clone()),
            None => self.disk.disk().commit(&waiting, mine),
        };
        if let Err(error) = &result
            && has_lazy
        {
            mine.broken.get_or_insert(error.clone());
        }
        for waiting in waiting {
            // Nobody has to wait for a ticket.
            let _ = waiting.reply.send(result.clone());
        }
    }
}

impl Disk {
    fn lend_anew(&mut self) {
        if let Some((lease, until)) = &mut self.lease {
            let lasts = SignedDuration::try_from(lease.lasts).unwrap_or(SignedDuration::MAX);
            *until = lease.clock.now().saturating_add(lasts).unwrap_or(Timestamp::MAX);
        }
    }

    fn commit(&mut self, waiting: &[Waiting], mine: &Mine) -> Result<u64, CommitError> {
        let vanished = || CommitError::Unknown("the acknowledgement was lost".into());
        let fate = self.script.next();
        match fate {
            Fate::Written | Fate::HalfAcknowledged => {}
            Fate::Vanished => return Err(vanished()),
            Fate::Full => return Err(CommitError::Full("the simulated disk".into())),
            Fate::Lost => {
                self.epoch += 1;
                self.holder = None;
                return Err(CommitError::Lost);
            }
        }
        let holder = self.holder.as_ref().map(|holder| holder.id.as_str());
        for one in waiting {
            if one.fence.epoch != self.epoch || holder != Some(&*one.fence.id) {
                return Err(CommitError::Lost);
            }
        }
        for one in waiting {
            self.write(&one.batch, mine);
        }
        if fate == Fate::Written { Ok(self.state.serial) } else { Err(vanished()) }
    }

    fn write(&mut self, batch: &Batch, mine: &Mine) {
        if self.state.lineage.is_empty() {
            self.state.lineage = mine.lineage.clone();
        }
        for intent in &batch.intents {
            self.next_intent = self.next_intent.max(intent.id.0 + 1);
        }
        let changed = self.state.fold(batch);
        if changed == 0 {
            return;
        }
        let replaced = batch.replace.is_some();
        if replaced || self.raised_in != self.epoch {
            self.state.serial += u64::from(!replaced);
            self.raised_in = self.epoch;
            if let Some(request) = &mine.request {
                self.history.push(HistoryEntry {
                    serial: self.state.serial,
                    at: request.at,
                    operation: request.operation.clone(),
                    who: request.who.clone(),
                    changed: 0,
                });
            }
        }
        if let Some(entry) = self.history.last_mut() {
            entry.changed += changed;
        }
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        let fence = self.0.mine().fence.clone();
        let mut disk = self.0.disk.disk();
        let holds = |holder: &LockHolder| fence.is_some_and(|fence| *fence.id == *holder.id);
        if disk.holder.as_ref().is_some_and(holds) {
            disk.holder = None;
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<State, StoreError> {
        self.0.flush(&mut self.0.mine(), None);
        Ok(self.0.disk.disk().state.clone())
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let disk = self.0.disk.disk();
        let (lineage, serial) = (disk.state.lineage.clone(), disk.state.serial);
        let epoch = if lineage.is_empty() { 0 } else { disk.epoch };
        let changed = disk.history.last().map_or(0, |entry| entry.changed);
        Ok(Head { lineage, serial, changed, epoch })
    }

    fn lease(&self) -> Option<Lease> {
        self.0.disk.disk().lease.as_ref().map(|(lease, _)| lease.clone())
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        let mut disk = self.0.disk.disk();
        let holder = disk.holder.as_ref().map(|holder| holder.id.as_str());
        if disk.epoch != fence.epoch || holder != Some(&*fence.id) {
            return Err(CommitError::Lost);
        }
        disk.lend_anew();
        Ok(())
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        let mut disk = self.0.disk.disk();
        let over = disk.lease.as_ref().is_some_and(|(lease, until)| lease.clock.now() >= *until);
        if let Some(holder) = disk.holder.as_ref().filter(|_| !over) {
            return Err(LockError::Held(Box::new(holder.clone())));
        }
        disk.lend_anew();
        disk.epoch += 1;
        let fence = Fence { epoch: disk.epoch, id: request.id.clone() };
        disk.holder = Some(LockHolder {
            id: request.id.to_string(),
            path: "memory".into(),
            operation: request.operation.clone(),
            who: request.who.clone(),
            version: request.version.clone(),
            created: request.at.to_string(),
        });
        let lineage = match &disk.state.lineage {
            known if known.is_empty() => fresh_lineage(&request.id).into(),
            known => known.clone(),
        };
        *self.0.mine() = Mine {
            request: Some(request),
            fence: Some(fence.clone()),
            lineage,
            next_intent: AtomicU64::new(disk.next_intent),
            ..Mine::default()
        };
        Ok(fence)
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        let mut mine = self.0.mine();
        self.0.flush(&mut mine, None);
        mine.fence = None;
        let mut disk = self.0.disk.disk();
        if disk.holder.as_ref().is_some_and(|holder| *holder.id == *fence.id) {
            disk.holder = None;
        }
        Ok(())
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { fence: fence.clone(), batch, reply };
        let mut mine = self.0.mine();
        match durability {
            Durability::Now => self.0.flush(&mut mine, Some(waiting)),
            // A ticket of a lazy batch resolves with the next one that is not.
            Durability::Lazy => mine.lazy.push(waiting),
        }
        Ticket(answer)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        Ok(self.0.disk.disk().history.iter().rev().cloned().collect())
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        Arc::new(Journal { process: self.0.clone(), fence: fence.clone() })
    }
}

/// The journal, for the holder of a fence.
struct Journal {
    process: Arc<Process>,
    fence: Fence,
}

#[async_trait]
impl IntentStore for Journal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        let (reply, answer) = oneshot::channel();
        let batch = Batch { intents: intents.to_vec(), ..Batch::default() };
        let waiting = Waiting { fence: self.fence.clone(), batch, reply };
        self.process.flush(&mut self.process.mine(), Some(waiting));
        let durable = Ticket(answer).durable().await;
        durable.map(drop).map_err(NotRecorded::because)
    }

    fn next_id(&self) -> IntentId {
        IntentId(self.process.mine().next_intent.fetch_add(1, Ordering::Relaxed))
    }

    fn lineage(&self) -> Name {
        self.process.mine().lineage.clone()
    }
}
