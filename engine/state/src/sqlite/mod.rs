//! The embedded store: one SQLite file for all workspaces, written by one thread.

mod commit;
mod head_file;
mod history_row;
mod journal_row;
mod load;
mod location;
mod migrate;
mod row;
mod schema;
mod snapshot;
mod sum;
mod workspace_row;
mod workspaces;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use terrarium_address::{Name, ResourceAddr};
use terrarium_provider::{Intent, IntentId, IntentStore, NotRecorded};
use tokio::sync::oneshot;

use crate::lock::FileLock;
use crate::{
    Batch, CommitError, Durability, Fence, Head, HistoryEntry, Instance, LockError, LockRequest,
    State, Store, StoreError, Ticket,
};
use head_file::{HeadFile, Noted};
pub use location::{DEFAULT_WORKSPACE, Location};
use workspace_row::WorkspaceRow;
pub use workspaces::{WorkspaceError, is_workspace_name};
use writer::{Commit, Database, Job, Session, Work};

/// A workspace's state in an SQLite file.
///
/// Reading makes no file: it comes into being with the first commit. Dropping the store writes what
/// is waiting and releases the lock.
pub struct SqliteStore {
    location: Arc<Location>,
    workspace: Name,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    held: Mutex<Option<Held>>,
}

/// What this process holds while it has the lock.
struct Held {
    fence: Fence,
    lineage: Name,
    next_intent: Arc<AtomicU64>,
    _lock: FileLock,
}

impl SqliteStore {
    /// Opens the store of a workspace; neither the file nor the workspace must exist.
    pub fn open(location: Location, workspace: &str) -> Result<Self, StoreError> {
        let connection = schema::open(&location)?;
        let (location, workspace) = (Arc::new(location), Name::from(workspace));
        let (jobs, inbox) = mpsc::channel();
        let database = Database::new(location.clone(), workspace.clone(), connection);
        let thread = std::thread::Builder::new()
            .name("state-writer".into())
            .spawn(move || writer::run(database, &inbox))
            .map_err(|error| StoreError::of_file("start a writer of", &location.db, error))?;
        let (jobs, thread) = (Some(jobs), Some(thread));
        Ok(Self { location, workspace, jobs, thread, held: Mutex::new(None) })
    }

    /// Returns the resources as they were when the command of that serial had ended.
    pub async fn resources_at(
        &self,
        serial: u64,
    ) -> Result<BTreeMap<ResourceAddr, Instance>, StoreError> {
        self.read(move |sql, workspace| load::resources_at(sql, workspace, serial)).await
    }

    /// Takes the lock from whoever holds it under this id: what that holder still writes is refused.
    ///
    /// Without the id of the present holder nothing happens.
    pub async fn force_unlock(&self, id: &str) -> Result<(), LockError> {
        crate::lock::break_lock(&self.location.lock_of(&self.workspace), id)?;
        let id = id.to_owned();
        self.run(move |database| {
            let workspace = database.workspace.clone();
            let location = database.location.clone();
            let Some(sql) = database.existing()? else { return Ok(()) };
            modify(sql, &workspace, |row| {
                if row.holder.as_deref() == Some(&id) {
                    (row.epoch, row.holder) = (row.epoch + 1, None);
                }
            })
            .map(drop)
            .map_err(|error| schema::explain(&location.db, error))
        })
        .await?;
        Ok(())
    }

    /// Takes the file as it is for the state, although it is not the one that was written last: what was
    /// recorded since is forgotten. The caller knows what that means.
    pub async fn accept(&self) -> Result<(), StoreError> {
        self.run(|database| {
            let (workspace, location) = (database.workspace.clone(), database.location.clone());
            let head = location.head_of(&workspace);
            let Some(sql) = database.existing()? else { return HeadFile::remove(&head) };
            let row = WorkspaceRow::read(sql, &workspace)
                .map_err(|error| schema::explain(&location.db, error))?;
            HeadFile::remove(&head)?;
            match row {
                Some(row) => HeadFile::open(head, Noted::of(&row)).map(drop),
                None => Ok(()),
            }
        })
        .await
    }

    /// Writes a copy of the whole file, all workspaces, as it is now. Never over something.
    pub async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        self.run(move |database| {
            let location = database.location.clone();
            let Some(sql) = database.trusted()? else {
                return Err(StoreError::Other("there is no state to be kept".into()));
            };
            schema::check(sql, &location)?;
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&to).map_err(|error| StoreError::of_file("create", &to, error))?;
            let copied = sql.execute("VACUUM INTO ?1", [to.display().to_string()]);
            copied.map(drop).map_err(|error| {
                // What is half a copy is none.
                let _ = std::fs::remove_file(&to);
                schema::explain(&to, error)
            })
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Run(Box::new(move |database| {
            // The caller may have stopped waiting.
            let _ = reply.send(work(database));
        }));
        let gone = || StoreError::Other("the state's writer ended".into());
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn read<T: Default + Send + 'static>(
        &self,
        work: impl FnOnce(&mut rusqlite::Connection, &str) -> Result<T, load::LoadError>
        + Send
        + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |database| {
            let (workspace, location) = (database.workspace.clone(), database.location.clone());
            let Some(sql) = database.trusted()? else { return Ok(T::default()) };
            work(sql, &workspace).map_err(|error| match error {
                load::LoadError::Sql(error) => schema::explain(&location.db, error),
                load::LoadError::Row(cause) => StoreError::Damaged {
                    path: location.db.display().to_string(),
                    cause: cause.into(),
                },
            })
        })
        .await
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self) -> Result<State, StoreError> {
        self.read(load::state).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.read(load::head).await
    }

    async fn lock(&self, request: LockRequest) -> Result<Fence, LockError> {
        // A file has one lock for the whole workspace, whatever the scope that is asked for.
        if let Some(path) = &self.location.terraform_lock {
            crate::lock::refuse_terraform(path)?;
        }
        let lock = FileLock::acquire(self.location.lock_of(&self.workspace), &request).await?;
        let (session, next) = self.run(move |database| begin(database, &request)).await?;
        let fence = session.fence.clone();
        *self.held() = Some(Held {
            fence: fence.clone(),
            lineage: session.lineage,
            next_intent: Arc::new(AtomicU64::new(next)),
            _lock: lock,
        });
        Ok(fence)
    }

    async fn renew(&self, fence: &Fence) -> Result<(), CommitError> {
        let mine = fence.clone();
        // The system holds a file's lock until this process ends: only somebody's force takes it away.
        let held = self.run(move |database| {
            let (workspace, location) = (database.workspace.clone(), database.location.clone());
            let makes_workspace = database
                .session
                .as_ref()
                .is_some_and(|session| session.fence == mine && session.makes_workspace);
            let Some(sql) = database.existing()? else { return Ok(makes_workspace) };
            let row = WorkspaceRow::read(sql, &workspace)
                .map_err(|error| schema::explain(&location.db, error))?;
            Ok(row.map_or(makes_workspace, |row| {
                row.epoch == mine.epoch && row.holder.as_deref() == Some(&*mine.id)
            }))
        });
        match held.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommitError::Lost),
            Err(error) => Err(error.into()),
        }
    }

    async fn unlock(&self, fence: Fence) -> Result<(), StoreError> {
        let mine = fence.clone();
        let released = self.run(move |database| release(database, &mine)).await;
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| held.fence == fence) {
            *held = None;
        }
        released
    }

    fn submit(&self, fence: &Fence, batch: Batch, durability: Durability) -> Ticket {
        let (reply, answer) = oneshot::channel();
        let work = Work::Batch(Box::new(batch));
        let commit = Commit { fence: fence.clone(), work, durability, reply };
        if let Some(jobs) = &self.jobs {
            // A writer that ended drops the job, and with it the reply: the ticket says so.
            let _ = jobs.send(Job::Commit(commit));
        }
        Ticket(answer)
    }

    async fn history(&self) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read(|sql, workspace| history_row::history(sql, workspace)).await
    }

    fn intents(&self, fence: &Fence) -> Arc<dyn IntentStore> {
        let held = self.held();
        let held = held.as_ref().filter(|held| held.fence == *fence);
        Arc::new(Journal {
            fence: fence.clone(),
            lineage: held.map_or_else(|| "".into(), |held| held.lineage.clone()),
            next: held.map_or_else(Arc::default, |held| held.next_intent.clone()),
            jobs: self.jobs.clone(),
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has answered nobody; there is nothing left to do for it.
            let _ = thread.join();
        }
    }
}

/// Raises the epoch, so that commits of every earlier holder are refused.
fn begin(database: &mut Database, request: &LockRequest) -> Result<(Session, u64), StoreError> {
    let (workspace, location) = (database.workspace.clone(), database.location.clone());
    database.head = None;
    let found = match database.trusted()? {
        None => None,
        Some(sql) => {
            let explain = |error: rusqlite::Error| schema::explain(&location.db, error);
            schema::check(sql, &location)?;
            let found = modify(sql, &workspace, |row| {
                (row.epoch, row.holder) = (row.epoch + 1, Some(request.id.to_string()));
            });
            let found = found.map_err(explain)?;
            schema::checkpoint(sql).map_err(explain)?;
            found
        }
    };
    if let Some(row) = &found {
        database.note(row)?;
    }
    let makes_workspace = found.is_none();
    let (epoch, lineage, next) = match found {
        Some(row) => (row.epoch, Name::from(row.lineage), row.next_intent),
        None => (1, fresh_lineage(&request.id).into(), 1),
    };
    let session = Session {
        fence: Fence { epoch, id: request.id.clone() },
        lineage,
        makes_workspace,
        operation: request.operation.clone(),
        who: request.who.clone(),
        at: request.at,
    };
    database.begin(session.clone());
    Ok((session, next))
}

fn release(database: &mut Database, fence: &Fence) -> Result<(), StoreError> {
    let (workspace, location) = (database.workspace.clone(), database.location.clone());
    if database.session.as_ref().is_some_and(|session| session.fence == *fence) {
        database.session = None;
    }
    let Some(sql) = database.existing()? else { return Ok(()) };
    let explain = |error: rusqlite::Error| schema::explain(&location.db, error);
    let mut held = false;
    let found = modify(sql, &workspace, |row| {
        held = row.epoch == fence.epoch && row.holder.as_deref() == Some(&*fence.id);
        if held {
            row.holder = None;
        }
    });
    let found = found.map_err(explain)?;
    if !held {
        return Ok(());
    }
    schema::checkpoint(sql).map_err(explain)?;
    if let Some(row) = &found {
        database.note(row)?;
    }
    match database.head.take() {
        Some(head) => head.sync(),
        None => Ok(()),
    }
}

/// Changes a workspace's own row in a transaction, where there is one; returns it as it is then.
fn modify(
    sql: &mut rusqlite::Connection,
    workspace: &str,
    change: impl FnOnce(&mut WorkspaceRow),
) -> rusqlite::Result<Option<WorkspaceRow>> {
    let sql = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut found = WorkspaceRow::read(&sql, workspace)?;
    if let Some(row) = &mut found {
        change(row);
        row.write(&sql)?;
    }
    sql.commit()?;
    Ok(found)
}

/// Returns a lineage for a new line of states, drawn from the lock's own random id.
pub(crate) fn fresh_lineage(lock: &str) -> String {
    let mut bytes = [0; 16];
    blake3::Hasher::new_derive_key("terrarium state lineage")
        .update(lock.as_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// The journal, for the holder of a fence.
struct Journal {
    fence: Fence,
    lineage: Name,
    next: Arc<AtomicU64>,
    jobs: Option<Sender<Job>>,
}

#[async_trait]
impl IntentStore for Journal {
    async fn record(&self, intents: &[Intent]) -> Result<(), NotRecorded> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Intents(intents.to_vec());
        let (fence, durability) = (self.fence.clone(), Durability::Now);
        if let Some(jobs) = &self.jobs {
            // A writer that ended drops the reply, which is seen below.
            let _ = jobs.send(Job::Commit(Commit { fence, work, durability, reply }));
        }
        let answer = answer.await;
        let answer =
            answer.unwrap_or_else(|_| Err(CommitError::Unknown("the writer ended".into())));
        answer.map(drop).map_err(NotRecorded::because)
    }

    fn next_id(&self) -> IntentId {
        IntentId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn lineage(&self) -> Name {
        self.lineage.clone()
    }
}
