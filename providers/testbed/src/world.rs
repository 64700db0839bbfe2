//! A world: the file that holds everything the simulated testbed knows.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use uuid::Uuid;

use crate::{
    clock::{self, Clock, Rate},
    schema, seed,
    settings::Settings,
};

/// Tells the real time; read only to run the world's clock and to date a new world.
pub type RealTime = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How long a request waits for another process that serves the same world.
const BUSY: Duration = Duration::from_mins(1);

/// How long a new world's projects have their allocation: the year that Chameleon gives.
const ALLOCATION: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A simulated testbed: its clock, its sites and all that exists there.
///
/// Invariant: all state but the clock's rate is in the database. Any number of `World`s, in any number of processes,
/// may hold the same file.
pub struct World {
    conn: Mutex<Connection>,
    path: PathBuf,
    real: RealTime,
    rate: Rate,
    /// What the clock showed last to a request of this process, in microseconds since 1970.
    shown: AtomicI64,
}

/// Why a world can't be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file can't be opened, read or written.
    #[error("the testbed's world {path} can't be used: {source}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file was written by another version of the testbed.
    #[error(
        "the testbed's world {path} has format {found}, this version reads {}: remove the file \
         to begin a new world",
        schema::VERSION
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
}

impl World {
    /// Opens the world at `path`; a file that doesn't exist becomes a new world, whose clock
    /// stands still at the real time. A world holds what was sent to it, secrets included, so only its owner may
    /// read a new one; SQLite gives its log the same mode.
    pub fn open(path: &Path, real: RealTime) -> Result<World, WorldError> {
        let failed = |source| WorldError::Storage { path: path.to_owned(), source };
        // What stands in the way of making it is what SQLite says when it opens it.
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let _made = options.open(path);
        let mut conn = Connection::open(path).map_err(failed)?;
        conn.busy_timeout(BUSY).map_err(failed)?;
        let found: i64 =
            conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
        if found != 0 && found != schema::VERSION {
            return Err(WorldError::Version { path: path.to_owned(), found });
        }
        prepare(&mut conn, real(), &Uuid::new_v4()).map_err(failed)?;
        World::over(conn, path.to_owned(), real)
    }

    /// Makes a world in memory, whose every id follows from `seed`.
    pub fn in_memory(seed: u64, real: RealTime) -> Result<World, WorldError> {
        let path = PathBuf::from(":memory:");
        let failed = |source| WorldError::Storage { path: path.clone(), source };
        let mut conn = Connection::open_in_memory().map_err(failed)?;
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, &seed.to_be_bytes());
        prepare(&mut conn, real(), &id).map_err(failed)?;
        World::over(conn, path, real)
    }

    fn over(conn: Connection, path: PathBuf, real: RealTime) -> Result<World, WorldError> {
        let rate = Rate::default();
        let shown = AtomicI64::default();
        let world = World { conn: Mutex::new(conn), path, real, rate, shown };
        // The first transaction shows the clock.
        world.transact(|_| Ok(())).map_err(|error| world.failed(error))?;
        Ok(world)
    }

    /// Returns what the clock showed last to a request of this process, where it stands still here.
    pub(crate) fn shown(&self) -> Option<Timestamp> {
        self.rate.stands().then(|| clock::at(self.shown.load(Ordering::SeqCst)))
    }

    /// Returns the error of a failed transaction, with the file's name.
    pub(crate) fn failed(&self, source: rusqlite::Error) -> WorldError {
        WorldError::Storage { path: self.path.clone(), source }
    }

    /// Runs `work` in one transaction and commits it.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&Clock<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        // Even reads begin as writers: each may first have to carry out what fell due.
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let clock = Clock { conn: &transaction, real: (self.real)(), rate: &self.rate };
        let result = work(&clock)?;
        let shown = clock.read()?.now.as_microsecond();
        transaction.commit()?;
        self.shown.store(shown, Ordering::SeqCst);
        Ok(result)
    }
}

/// Makes tables and the first rows where they are missing; two processes may do so at once.
fn prepare(conn: &mut Connection, real: Timestamp, id: &Uuid) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(128);
    // The world must outlive SIGKILL, not a power cut: the system keeps what was written.
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(schema::CREATE)?;
    transaction.pragma_update(None, "user_version", schema::VERSION)?;
    if transaction.query_row("SELECT 1 FROM world", [], |_| Ok(())).optional()?.is_none() {
        found(&transaction, (real, real), id)?;
    }
    transaction.commit()
}

/// Writes the first rows of a world that begins at an instant of its own.
fn found(
    conn: &Connection,
    (real, begins): (Timestamp, Timestamp),
    id: &Uuid,
) -> rusqlite::Result<()> {
    // Whole seconds, as the services' own timestamps show no less.
    let now = clock::at(begins.as_second().saturating_mul(1_000_000));
    conn.execute(
        "INSERT INTO world VALUES (?, 0, 0, ?, ?, '{}')",
        params![id.to_string(), now.as_microsecond(), real.as_microsecond()],
    )?;
    let allocation_end = now.saturating_add(ALLOCATION).ok();
    Settings { allocation_end, ..Settings::default() }.save(conn)?;
    seed::plant(conn, now)
}

/// Empties the world and founds it anew under another id: as new, or with the settings of the old one, but for the
/// end of the allocation.
pub(crate) fn reset(
    conn: &Connection,
    (real, begins): (Timestamp, Option<Timestamp>),
    keeps_settings: bool,
) -> rusqlite::Result<()> {
    let old = Settings::load(conn)?;
    let id = next_id(conn)?;
    for table in schema::TABLES {
        conn.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    found(conn, (real, begins.unwrap_or(real)), &id)?;
    if !keeps_settings {
        return Ok(());
    }
    let allocation_end = Settings::load(conn)?.allocation_end;
    Settings { allocation_end, ..old }.save(conn)
}

/// Returns the world's id: what a state is bound to.
pub(crate) fn id(conn: &Connection) -> rusqlite::Result<String> {
    conn.query_row("SELECT id FROM world", [], |row| row.get(0))
}

/// Draws the next unique id of this world; all of them follow from the world's own.
pub(crate) fn next_id(conn: &Connection) -> rusqlite::Result<Uuid> {
    let (world, drawn): (String, i64) = conn
        .prepare_cached("UPDATE world SET drawn = drawn + 1 RETURNING id, drawn")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let hash = Uuid::new_v5(&Uuid::parse_str(&world).unwrap_or_default(), &drawn.to_be_bytes());
    Ok(uuid::Builder::from_random_bytes(hash.into_bytes()).into_uuid())
}
