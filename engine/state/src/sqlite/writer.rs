//! The writer: one thread that owns the connection and merges everything that waits into one
//! transaction.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use terrarium_address::Name;
use terrarium_provider::{Intent, SharedError};
use tokio::sync::oneshot;

use super::commit::{FOLLOWS, Known, Writing};
use super::head_file::{HeadFile, Noted};
use super::location::Location;
use super::workspace_row::WorkspaceRow;
use super::{load, schema};
use crate::{Batch, CommitError, Durability, Fence, StoreError};

/// How long an outcome of local effect may stay in memory.
const LAZY_DELAY: Duration = Duration::from_millis(50);

/// How many rows of local effect may stay in memory.
const LAZY_ROWS: usize = 1_000;

/// Something for the writer to do, in order.
pub(super) enum Job {
    /// A batch or intents to be made durable.
    Commit(Commit),
    /// Anything else.
    Run(Box<dyn FnOnce(&mut Database) + Send>),
}

/// Something to be made durable.
pub(super) struct Commit {
    pub(super) fence: Fence,
    pub(super) work: Work,
    pub(super) durability: Durability,
    pub(super) reply: oneshot::Sender<Result<u64, CommitError>>,
}

/// What a [`Commit`] writes.
pub(super) enum Work {
    Batch(Box<Batch>),
    Intents(Vec<Intent>),
}

/// The holder of the lock, as its commits need it.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) fence: Fence,
    pub(super) lineage: Name,
    /// Whether its first commit makes the workspace.
    pub(super) makes_workspace: bool,
    pub(super) operation: String,
    pub(super) who: String,
    pub(super) at: Timestamp,
}

/// The file, as the writer holds it.
pub(super) struct Database {
    pub(super) location: Arc<Location>,
    pub(super) workspace: Name,
    connection: Option<Connection>,
    pub(super) session: Option<Session>,
    /// Why nothing more is written under the session: an outcome that nobody waits for was lost, and
    /// what comes later may rest on it.
    broken: Option<CommitError>,
    known: Known,
    /// What is noted beside the file, while this process holds the lock.
    pub(super) head: Option<HeadFile>,
}

impl Database {
    pub(super) fn new(
        location: Arc<Location>,
        workspace: Name,
        connection: Option<Connection>,
    ) -> Self {
        Self {
            location,
            workspace,
            connection,
            session: None,
            broken: None,
            known: Known::default(),
            head: None,
        }
    }

    /// Returns the connection, `None` while there is no file.
    pub(super) fn existing(&mut self) -> Result<Option<&mut Connection>, StoreError> {
        if self.connection.is_none() {
            self.connection = schema::open(&self.location)?;
        }
        Ok(self.connection.as_mut())
    }

    /// Returns the connection like [`Self::existing`], unless the file is not the one that was written
    /// last.
    pub(super) fn trusted(&mut self) -> Result<Option<&mut Connection>, StoreError> {
        // Read before the file: it is never ahead of it.
        let noted = HeadFile::read(&self.location.head_of(&self.workspace))?;
        let Some(noted) = noted else { return self.existing() };
        let (location, workspace) = (self.location.clone(), self.workspace.clone());
        let stale =
            |cause: String| StoreError::Stale { path: location.db.display().to_string(), cause };
        // An empty file would be made a database by opening it.
        let is_empty = std::fs::metadata(&location.db).is_ok_and(|file| file.len() == 0);
        let has_log = super::snapshot::log_of(&location.db).exists();
        if is_empty && !has_log && self.connection.is_none() {
            return Err(stale("it is empty".into()));
        }
        let Some(connection) = self.existing()? else {
            return match noted.complaint(None, None) {
                Some(_) => Err(stale("it is not there any more".into())),
                None => Ok(None),
            };
        };
        let row = WorkspaceRow::read(connection, &workspace)
            .map_err(|error| schema::explain(&location.db, error))?;
        let follows = row.as_ref().map(|row| load::note(connection, row.id, FOLLOWS)).transpose();
        let follows = follows.map_err(|error| schema::explain(&location.db, error))?.flatten();
        match noted.complaint(row.as_ref(), follows.as_deref()) {
            Some(cause) => Err(stale(cause)),
            None => Ok(Some(connection)),
        }
    }

    /// Notes beside the file how far the workspace is.
    pub(super) fn note(&mut self, row: &WorkspaceRow) -> Result<(), StoreError> {
        let noted = Noted::of(row);
        if let Some(head) = &mut self.head {
            return head.note(noted);
        }
        let path = self.location.head_of(&self.workspace);
        self.head = Some(HeadFile::open(path, noted)?);
        Ok(())
    }

    /// Returns the connection; makes the file where there is none.
    pub(super) fn made(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::create(&self.location)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Begins a session: what earlier ones broke is forgotten.
    pub(super) fn begin(&mut self, session: Session) {
        self.session = Some(session);
        self.broken = None;
    }
}

/// Runs until every sender is gone; what is waiting then is still written.
pub(super) fn run(mut database: Database, jobs: &Receiver<Job>) {
    let mut waiting: Vec<Commit> = Vec::new();
    let mut since: Option<Instant> = None;
    loop {
        let job = match since {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(since) => jobs.recv_timeout(LAZY_DELAY.saturating_sub(since.elapsed())),
        };
        match job {
            Ok(Job::Commit(commit)) => {
                waiting.push(commit);
                since.get_or_insert_with(Instant::now);
                let other = gather(jobs, &mut waiting);
                if other.is_some() || is_due(&waiting) {
                    database.flush(std::mem::take(&mut waiting));
                    since = None;
                }
                if let Some(work) = other {
                    work(&mut database);
                }
            }
            Ok(Job::Run(work)) => {
                database.flush(std::mem::take(&mut waiting));
                since = None;
                work(&mut database);
            }
            Err(RecvTimeoutError::Timeout) => {
                database.flush(std::mem::take(&mut waiting));
                since = None;
            }
            Err(RecvTimeoutError::Disconnected) => return database.flush(waiting),
        }
    }
}

type Other = Box<dyn FnOnce(&mut Database) + Send>;

/// Takes every commit that waits already, up to the first job of another kind.
fn gather(jobs: &Receiver<Job>, waiting: &mut Vec<Commit>) -> Option<Other> {
    while let Ok(job) = jobs.try_recv() {
        match job {
            Job::Commit(commit) => waiting.push(commit),
            Job::Run(work) => return Some(work),
        }
    }
    None
}

fn is_due(waiting: &[Commit]) -> bool {
    waiting.iter().any(|commit| commit.durability == Durability::Now)
        || waiting.iter().map(rows).sum::<usize>() >= LAZY_ROWS
}

fn rows(commit: &Commit) -> usize {
    match &commit.work {
        Work::Batch(batch) => {
            batch.objects.len() + batch.intents.len() + batch.progress.len() + batch.outcomes.len()
        }
        Work::Intents(intents) => intents.len(),
    }
}

impl Database {
    /// Writes commits in one transaction and answers each.
    fn flush(&mut self, commits: Vec<Commit>) {
        if commits.is_empty() {
            return;
        }
        let answers = match &self.broken {
            Some(error) => Err(error.clone()),
            None => self.transact(&commits),
        };
        if let Err(error) = &answers
            && commits.iter().any(|commit| commit.durability == Durability::Lazy)
        {
            self.broken.get_or_insert(error.clone());
        }
        let mut answers = answers.map(Vec::into_iter);
        for commit in commits {
            let answer = match &mut answers {
                Ok(answers) => answers.next().unwrap_or(Err(CommitError::Lost)),
                Err(error) => Err(error.clone()),
            };
            // Nobody has to wait for a ticket.
            let _ = commit.reply.send(answer);
        }
    }

    fn transact(
        &mut self,
        commits: &[Commit],
    ) -> Result<Vec<Result<u64, CommitError>>, CommitError> {
        let Some(session) = self.session.clone() else {
            return Ok(commits.iter().map(|_| Err(CommitError::Lost)).collect());
        };
        // What a transaction that fails has made is not there.
        let mut known = std::mem::take(&mut self.known);
        let workspace = self.workspace.clone();
        let path = self.location.db.clone();
        let connection = self.made()?;
        let failed = |error: rusqlite::Error| failed(&path, error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut writing =
            Writing::begin(&transaction, &workspace, &session, &mut known).map_err(failed)?;
        let mut answers = Vec::with_capacity(commits.len());
        for commit in commits {
            let held = writing.as_mut().filter(|_| commit.fence == session.fence);
            let Some(writing) = held else {
                answers.push(Err(CommitError::Lost));
                continue;
            };
            let serial = match &commit.work {
                Work::Batch(batch) => writing.batch(batch),
                Work::Intents(intents) => writing.intents(intents),
            };
            answers.push(Ok(serial.map_err(failed)?));
        }
        let row = writing.map(Writing::finish).transpose().map_err(failed)?;
        transaction.commit().map_err(failed)?;
        self.known = known;
        if let Some(row) = row {
            // It is committed: whatever kind of failure this is, something was written.
            self.note(&row).map_err(|error| CommitError::Unknown(SharedError::of(error)))?;
        }
        Ok(answers)
    }
}

/// Only of a full disk and a busy database is it certain that nothing was written.
fn failed(path: &Path, error: rusqlite::Error) -> CommitError {
    let code = error.sqlite_error_code();
    let error = schema::explain(path, error);
    match code {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            error.into()
        }
        _ => CommitError::Unknown(SharedError::of(error)),
    }
}
