//! Files of earlier formats, brought to today's.

use std::collections::HashMap;

use rusqlite::{Connection, Row as SqlRow, ToSql, params};

use super::commit::{realm_id, write_former, write_object};
use super::row::{ObjectRow, uint};
use super::sum;
use super::workspace_row::WorkspaceRow;
use crate::HistoryEntry;

type Sql<T> = rusqlite::Result<T>;

/// The newest format.
pub(super) const NEWEST: u64 = 4;

/// Brings a file of the format `found` to the newest one; 0 is a file without tables.
pub(super) fn migrate(sql: &Connection, found: u64) -> Sql<()> {
    if found == 1 {
        sql.execute_batch(include_str!("format2.sql"))?;
    }
    if matches!(found, 1 | 2) {
        take_over(sql)?;
    }
    if found == 0 {
        sql.execute_batch(include_str!("format3.sql"))?;
    }
    if found < NEWEST {
        sql.execute_batch(include_str!("format4.sql"))?;
    }
    Ok(())
}

/// Tables of format 2 whose rows are taken over.
const TABLES: [&str; 8] =
    ["workspace", "object", "former", "husk", "output", "scheduled", "intent", "history"];

/// Copies every row of format 2 into the tables of format 3, which have checksums.
fn take_over(sql: &Connection) -> Sql<()> {
    for table in TABLES {
        sql.execute_batch(&format!("ALTER TABLE {table} RENAME TO old_{table}"))?;
    }
    sql.execute_batch(include_str!("format3.sql"))?;
    let mut workspaces = workspaces(sql)?;
    let realms: HashMap<i64, i64> =
        workspaces.iter().filter_map(|(row, realm)| Some((row.id, (*realm)?))).collect();
    let mut objects: HashMap<i64, i64> = HashMap::new();
    each(sql, "object", |row| {
        let workspace: i64 = row.get("workspace")?;
        let (addr, deposed): (String, String) = (row.get("addr")?, row.get("deposed")?);
        let new = object(row, realms.get(&workspace).copied())?;
        let sum = write_object(sql, workspace, (&addr, &deposed), &new)?;
        *objects.entry(workspace).or_default() ^= sum;
        Ok(())
    })?;
    each(sql, "former", |row| {
        let workspace: i64 = row.get("workspace")?;
        let serial = uint(row.get("serial")?);
        let (addr, deposed): (String, String) = (row.get("addr")?, row.get("deposed")?);
        let there_was_one = row.get::<_, Option<String>>("provider")?.is_some();
        let realm = realms.get(&workspace).copied();
        let old = if there_was_one { Some(object(row, realm)?) } else { None };
        let insert = sql.prepare_cached(
            "INSERT INTO former VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        write_former(insert, (workspace, serial), (&addr, &deposed), old.as_ref())
    })?;
    each(sql, "intent", |row| intent(sql, row, &realms))?;
    each(sql, "scheduled", |row| {
        copy(
            sql,
            "scheduled",
            row,
            &[
                "workspace",
                "addr",
                "",
                "action",
                "not_before",
                "not_after",
                "reason",
                "approval",
                "inputs",
            ],
        )
    })?;
    each(sql, "husk", |row| copy(sql, "husk", row, &["workspace", "addr", "provider"]))?;
    each(sql, "output", |row| {
        copy(sql, "output", row, &["workspace", "name", "value", "type", "sensitive", "until"])
    })?;
    each(sql, "history", |row| {
        let workspace: i64 = row.get("workspace")?;
        let entry = history(row)?;
        let latest = workspaces.iter_mut().find(|(it, _)| it.id == workspace);
        if let Some((latest, _)) = latest.filter(|(it, _)| it.serial == entry.serial) {
            latest.changed = entry.changed;
        }
        super::history_row::write_history(sql, workspace, &entry)
    })?;
    for (row, _) in workspaces {
        let objects = objects.get(&row.id).copied().unwrap_or_default();
        WorkspaceRow { objects, ..row }.write(sql)?;
    }
    for table in TABLES {
        sql.execute_batch(&format!("DROP TABLE old_{table}"))?;
    }
    Ok(())
}

/// Calls a function with each row of a table of format 2.
fn each(sql: &Connection, table: &str, mut take: impl FnMut(&SqlRow<'_>) -> Sql<()>) -> Sql<()> {
    let mut statement = sql.prepare(&format!("SELECT * FROM old_{table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

/// Copies the named columns into the table of the same name; one without a name is empty text.
fn copy(sql: &Connection, table: &str, row: &SqlRow<'_>, columns: &[&str]) -> Sql<()> {
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        values.push(match *column {
            "" => rusqlite::types::Value::Text(String::new()),
            column => row.get(column)?,
        });
    }
    let places: Vec<String> = (1..=columns.len() + 1).map(|at| format!("?{at}")).collect();
    let query = format!("INSERT OR REPLACE INTO {table} VALUES ({})", places.join(", "));
    let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
    sum::write(&mut *sql.prepare_cached(&query)?, &values).map(drop)
}

/// Reads the workspaces, each with the number of its objects' realm.
fn workspaces(sql: &Connection) -> Sql<Vec<(WorkspaceRow, Option<i64>)>> {
    let mut workspaces = Vec::new();
    each(sql, "workspace", |row| {
        let workspace = WorkspaceRow {
            id: row.get("id")?,
            name: row.get("name")?,
            lineage: row.get("lineage")?,
            serial: uint(row.get("serial")?),
            epoch: uint(row.get("epoch")?),
            holder: row.get("holder")?,
            raised_in: uint(row.get("raised_in")?),
            next_intent: uint(row.get("next_intent")?),
            commits: 0,
            changed: 0,
            objects: 0,
        };
        // What was written of a real cloud named no project: only a simulated world is known for sure.
        let realm: Option<String> = row.get("realm")?;
        let realm = realm.filter(|realm| realm.starts_with("testbed"));
        let realm = realm.map(|realm| realm_id(sql, workspace.id, &realm)).transpose()?;
        for (name, column) in [
            ("check_results", "check_results"),
            ("adopted_path", "adopted_path"),
            ("adopted_hash", "adopted_hash"),
        ] {
            if let Some(value) = row.get::<_, Option<String>>(column)? {
                let mut insert = sql.prepare_cached("INSERT INTO note VALUES (?1, ?2, ?3, ?4)")?;
                sum::write(&mut insert, params![workspace.id, name, value])?;
            }
        }
        workspaces.push((workspace, realm));
        Ok(())
    })?;
    Ok(workspaces)
}

fn object(row: &SqlRow<'_>, realm: Option<i64>) -> Sql<ObjectRow> {
    Ok(ObjectRow {
        provider: row.get::<_, String>("provider")?.into(),
        attributes: row.get::<_, String>("attributes")?.into(),
        schema_version: row.get("schema_version")?,
        private: row.get::<_, Option<Vec<u8>>>("private")?.map(Into::into),
        status: row.get("tainted")?,
        create_before_destroy: row.get("create_before_destroy")?,
        realm,
        rest: row.get("rest")?,
    })
}

fn intent(sql: &Connection, row: &SqlRow<'_>, realms: &HashMap<i64, i64>) -> Sql<()> {
    let workspace: i64 = row.get("workspace")?;
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let mut insert = sql.prepare_cached(
        "INSERT INTO intent
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    let columns = params![
        workspace,
        row.get::<_, i64>("id")?,
        text("addr")?,
        text("action")?,
        text("marker")?,
        text("at")?,
        None::<String>,
        realms.get(&workspace),
        text("provider")?,
        text("planned")?,
        text("object_id")?,
        text("deposed")?,
        None::<String>,
        text("progress")?,
        text("detail")?,
    ];
    sum::write(&mut insert, columns).map(drop)
}

fn history(row: &SqlRow<'_>) -> Sql<HistoryEntry> {
    let at: String = row.get("at")?;
    Ok(HistoryEntry {
        serial: uint(row.get("serial")?),
        at: at.parse().map_err(|error| sum::damaged(&format!("{at}: {error}")))?,
        operation: row.get("operation")?,
        who: row.get("who")?,
        changed: uint(row.get("changed")?),
    })
}
