//! The changing commands so far.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::load::LoadError;
use super::row::{int, uint};
use super::sum;
use super::workspace_row::WorkspaceRow;
use crate::HistoryEntry;

const HISTORY: &str =
    "SELECT workspace, serial, at, operation, who, changed, sum FROM history WHERE workspace = ?1";

/// Writes an entry, in the place of the one of its serial.
pub(super) fn write_history(
    sql: &Connection,
    workspace: i64,
    entry: &HistoryEntry,
) -> rusqlite::Result<()> {
    let mut insert =
        sql.prepare_cached("INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    let HistoryEntry { serial, at, operation, who, changed } = entry;
    let columns = params![workspace, int(*serial), at.to_string(), operation, who, int(*changed)];
    sum::write(&mut insert, columns).map(drop)
}

/// Writes down how much the latest command changed, before the next one begins: while it is the
/// latest, the workspace's own row counts, which is written with each transaction anyway.
pub(super) fn settle_history(sql: &Connection, row: &WorkspaceRow) -> rusqlite::Result<()> {
    let found = sql
        .prepare_cached(&format!("{HISTORY} AND serial = ?2"))?
        .query_row(params![row.id, int(row.serial)], |found| Ok(entry(found)))
        .optional()?;
    let Some(entry) = found else { return Ok(()) };
    let entry = HistoryEntry { changed: row.changed, ..entry.map_err(LoadError::sql)? };
    write_history(sql, row.id, &entry)
}

/// Returns the changing commands, newest first.
pub(super) fn history(sql: &Connection, workspace: &str) -> Result<Vec<HistoryEntry>, LoadError> {
    let Some(row) = WorkspaceRow::read(sql, workspace)? else { return Ok(Vec::new()) };
    let mut statement = sql.prepare(&format!("{HISTORY} ORDER BY serial DESC"))?;
    let mut rows = statement.query([row.id])?;
    let mut entries = Vec::new();
    while let Some(found) = rows.next()? {
        let entry = entry(found)?;
        let changed = if entry.serial == row.serial { row.changed } else { entry.changed };
        entries.push(HistoryEntry { changed, ..entry });
    }
    Ok(entries)
}

fn entry(row: &SqlRow<'_>) -> Result<HistoryEntry, LoadError> {
    sum::verify(row, 6, "history")?;
    let at: String = row.get(2)?;
    Ok(HistoryEntry {
        serial: uint(row.get(1)?),
        at: at.parse().map_err(|error| format!("{at}: {error}"))?,
        operation: row.get(3)?,
        who: row.get(4)?,
        changed: uint(row.get(5)?),
    })
}
