//! The format of the file, its versions, and how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Location;
use super::migrate::NEWEST;
use super::row::uint;
use crate::StoreError;

/// How long a commit waits for another workspace's commit in the same file.
const BUSY: Duration = Duration::from_secs(20);

/// Marks the file as ours: `Trra`.
const APPLICATION: i64 = 0x5472_7261;

/// Opens the file if it exists.
pub(super) fn open(location: &Location) -> Result<Option<Connection>, StoreError> {
    match std::fs::metadata(&location.db) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable("open", &location.db, &error)),
        Ok(_) => prepare(location, OpenFlags::empty()).map(Some),
    }
}

/// Opens the file and makes it where there is none, readable by its owner alone.
pub(super) fn create(location: &Location) -> Result<Connection, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&location.db).map_err(|error| unusable("create", &location.db, &error))?;
    prepare(location, OpenFlags::SQLITE_OPEN_CREATE)
}

fn prepare(location: &Location, more: OpenFlags) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let explain = |error: rusqlite::Error| explain(&location.db, &error);
    let mut connection = Connection::open_with_flags(&location.db, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(64);
    // A file of a newer version is left as it is, so it is looked at before anything is set.
    let found = format(&connection, location)?;
    let journal = if location.network { "DELETE" } else { "WAL" };
    connection.pragma_update(None, "journal_mode", journal).map_err(explain)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(explain)?;
    if let Some(bytes) = location.size_limit_bytes {
        let page: i64 =
            connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(explain)?;
        let pages = i64::try_from(bytes / uint(page).max(1)).unwrap_or(i64::MAX);
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(explain)?;
    }
    if found < NEWEST {
        migrate(&mut connection, found).map_err(explain)?;
    }
    Ok(connection)
}

fn format(connection: &Connection, location: &Location) -> Result<u64, StoreError> {
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| explain(&location.db, &error))
    };
    let path = location.db.display().to_string();
    let found = u64::try_from(pragma("user_version")?).unwrap_or(u64::MAX);
    // Tables and the mark of ours come into being together; a file without tables is being made.
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| explain(&location.db, &error))?;
    if tables > 0 && pragma("application_id")? != APPLICATION {
        let cause = "it is a database, but not one of terrarium".to_owned();
        return Err(StoreError::Damaged { path, cause });
    }
    if found > NEWEST {
        return Err(StoreError::Newer { path, found, known: NEWEST });
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
        .map_err(|error| explain(&location.db, &error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged { path: location.db.display().to_string(), cause: found })
}

/// Says in our words why the file can't be used.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    let cause = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path, cause }
        }
        _ if matches!(error, rusqlite::Error::FromSqlConversionFailure(..)) => {
            StoreError::Damaged { path, cause }
        }
        _ => StoreError::File { verb: "use", path, cause },
    }
}

fn unusable(verb: &'static str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::File { verb, path: path.display().to_string(), cause: error.to_string() }
}
