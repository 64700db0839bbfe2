//! The format of the file, its versions, and how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use terrarium_provider::SharedError;

use super::location::Location;
use super::migrate::NEWEST;
use super::row::uint;
use crate::StoreError;

/// How long a commit waits for another workspace's commit in the same file.
const BUSY: Duration = Duration::from_secs(20);

/// Extended codes of an I/O error that most likely is a full disk: SQLite calls it so where its log, its shared memory or
/// the file can't be written, opened or grow.
const CANNOT_GROW: [i32; 4] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_SHMOPEN,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
    rusqlite::ffi::SQLITE_IOERR_SHMMAP,
];

/// Marks the file as ours: `Trra`.
const APPLICATION: i64 = 0x5472_7261;

/// Opens the file if it exists; where nothing can be written, a copy of it in memory.
pub(super) fn open(location: &Location) -> Result<Option<Connection>, StoreError> {
    match std::fs::metadata(&location.db) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::of_file("open", &location.db, error)),
        // An empty file is as good as none; opening it would make a database of it.
        Ok(file) if file.len() == 0 && !super::snapshot::log_of(&location.db).exists() => {
            return Ok(None);
        }
        Ok(_) => {}
    }
    match prepare(location, OpenFlags::empty()) {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if can_write_nothing(&error) => copy(location).map(Some),
        Err(error) => Err(error.told(location)),
    }
}

/// Opens the file and makes it where there is none, readable by its owner alone.
pub(super) fn create(location: &Location) -> Result<Connection, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(&location.db)
        .map_err(|error| StoreError::of_file("create", &location.db, error))?;
    prepare(location, OpenFlags::SQLITE_OPEN_CREATE).map_err(|error| error.told(location))
}

/// Why a file can't be opened.
enum OpenError {
    Sql(rusqlite::Error),
    Refused(StoreError),
}

impl OpenError {
    fn told(self, location: &Location) -> StoreError {
        match self {
            Self::Sql(error) => explain(&location.db, error),
            Self::Refused(error) => error,
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Returns whether a file could not be opened because SQLite may write neither it nor beside it.
fn can_write_nothing(error: &OpenError) -> bool {
    let OpenError::Sql(error) = error else { return false };
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

fn copy(location: &Location) -> Result<Connection, StoreError> {
    let mut connection = super::snapshot::open(location)?;
    let found = format(&connection, location).map_err(|error| error.told(location))?;
    let told = |error: rusqlite::Error| explain(&location.db, error);
    if found < NEWEST {
        migrate(&mut connection, found).map_err(told)?;
    }
    connection.pragma_update(None, "query_only", true).map_err(told)?;
    Ok(connection)
}

fn prepare(location: &Location, more: OpenFlags) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let mut connection = Connection::open_with_flags(&location.db, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A file of a newer version is left as it is, so it is looked at before anything is set.
    let found = format(&connection, location)?;
    if found == NEWEST && connection.is_readonly(rusqlite::MAIN_DB)? {
        return Ok(connection);
    }
    let journal = if location.network { "DELETE" } else { "WAL" };
    connection.pragma_update(None, "journal_mode", journal)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    if let Some(bytes) = location.size_limit_bytes {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes / uint(page).max(1)).unwrap_or(i64::MAX);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    if found < NEWEST {
        migrate(&mut connection, found)?;
        checkpoint(&connection)?;
    }
    Ok(connection)
}

/// Brings what is in the write-ahead log into the file, so that the file alone is whole; where somebody
/// reads at the same time, the next one does it.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_timeout(BUSY)?;
    match done {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        done => done,
    }
}

fn format(connection: &Connection, location: &Location) -> Result<u64, OpenError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let path = location.db.display().to_string();
    let found = u64::try_from(pragma("user_version")?).unwrap_or(u64::MAX);
    // Tables and the mark of ours come into being together; a file without tables is being made.
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && pragma("application_id")? != APPLICATION {
        let cause = SharedError::from("it is a database, but not one of terrarium");
        return Err(OpenError::Refused(StoreError::Damaged { path, cause }));
    }
    if found > NEWEST {
        return Err(OpenError::Refused(StoreError::Newer { path, found, known: NEWEST }));
    }
    Ok(found)
}

fn migrate(connection: &mut Connection, found: u64) -> Result<(), rusqlite::Error> {
    let behavior = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(behavior)?;
    // Another process may have done it while this one waited.
    let now: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    super::migrate::migrate(&transaction, found.max(uint(now)))?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", i64::try_from(NEWEST).unwrap_or(i64::MAX))?;
    transaction.commit()
}

/// Looks for damage that a read might not meet.
pub(super) fn check(connection: &Connection, location: &Location) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(&location.db, error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged { path: location.db.display().to_string(), cause: found.into() })
}

/// Says in our words why the file can't be used.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    let (code, extended) = (error.sqlite_error_code(), error.sqlite_error());
    let extended = extended.map(|error| error.extended_code);
    let is_damage = matches!(error, rusqlite::Error::FromSqlConversionFailure(..));
    let cause = SharedError::of(error);
    match code {
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path, cause },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, cause }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Busy { path, cause }
        }
        Some(ErrorCode::DiskFull) => StoreError::Full { path, cause },
        _ if extended.is_some_and(|code| CANNOT_GROW.contains(&code)) => {
            StoreError::Full { path, cause }
        }
        _ if is_damage => StoreError::Damaged { path, cause },
        _ => StoreError::File { verb: "use", path, cause },
    }
}
