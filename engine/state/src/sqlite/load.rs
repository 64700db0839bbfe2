//! Rows read back as plain data.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow};
use terrarium_address::{ConfigAddr, Name, ResourceAddr};

use super::journal_row::{INTENT_COLUMNS, SCHEDULED_COLUMNS, intent, scheduled};
use super::row::{COLUMNS, ObjectRow, Unreadable, addr, block, uint};
use crate::{Adopted, HistoryEntry, Instance, OpenIntent, OutputValue, Scheduled, State};

/// Why a state can't be read.
pub(super) enum LoadError {
    /// SQLite's reason.
    Sql(rusqlite::Error),
    /// A row that this version does not understand.
    Row(Unreadable),
}

impl From<rusqlite::Error> for LoadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Unreadable> for LoadError {
    fn from(error: Unreadable) -> Self {
        Self::Row(error)
    }
}

/// Returns the workspace's state, as one snapshot; empty where there is no such workspace.
pub(super) fn state(sql: &mut Connection, workspace: &str) -> Result<State, LoadError> {
    let sql = sql.transaction()?;
    let found = sql
        .query_row(
            "SELECT id, lineage, serial, realm, check_results, adopted_path, adopted_hash
             FROM workspace WHERE name = ?1",
            [workspace],
            |row| {
                let adopted = match (row.get(5)?, row.get(6)?) {
                    (Some(path), Some(hash)) => Some(Adopted { path, hash }),
                    _ => None,
                };
                let state = State {
                    lineage: row.get::<_, String>(1)?.into(),
                    serial: uint(row.get(2)?),
                    realm: row.get(3)?,
                    check_results: row.get::<_, Option<String>>(4)?.map(Into::into),
                    adopted,
                    ..State::default()
                };
                Ok((row.get(0)?, state))
            },
        )
        .optional()?;
    let Some((id, mut state)) = found else { return Ok(State::default()) };
    state.resources = resources(&sql, id)?;
    state.husks = husks(&sql, id)?;
    state.outputs = outputs(&sql, id)?;
    state.schedule = schedule(&sql, id)?;
    state.intents = intents(&sql, id)?;
    Ok(state)
}

fn resources(sql: &Connection, id: i64) -> Result<BTreeMap<ResourceAddr, Instance>, LoadError> {
    let mut resources: BTreeMap<ResourceAddr, Instance> = BTreeMap::new();
    let mut providers = Interner::default();
    let query = format!("SELECT addr, deposed, {COLUMNS} FROM object WHERE workspace = ?1");
    let mut statement = sql.prepare_cached(&query)?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let addr = addr(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
        let deposed: Name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?.into();
        let columns = ObjectRow::read(row, 2)?;
        let instance = resources.entry(addr).or_default();
        instance.provider = providers.share(&columns.provider);
        let object = columns.object()?;
        if deposed.is_empty() {
            instance.current = Some(object);
        } else {
            instance.deposed.insert(deposed, object);
        }
    }
    Ok(resources)
}

/// Shares the text of the latest names: thousands of instances have the same provider.
#[derive(Default)]
struct Interner(Option<Name>);

impl Interner {
    fn share(&mut self, name: &Name) -> Name {
        match &self.0 {
            Some(last) if last == name => last.clone(),
            _ => self.0.insert(name.clone()).clone(),
        }
    }
}

fn husks(sql: &Connection, id: i64) -> Result<BTreeMap<ConfigAddr, Name>, LoadError> {
    let mut statement =
        sql.prepare_cached("SELECT addr, provider FROM husk WHERE workspace = ?1")?;
    let rows = statement.query_map([id], |row| {
        Ok((row.get::<_, String>(0)?, Name::from(row.get::<_, String>(1)?)))
    })?;
    rows.map(|row| row.map_err(LoadError::from).and_then(|(addr, p)| Ok((block(&addr)?, p))))
        .collect()
}

/// Returns the root outputs.
pub(super) fn outputs(sql: &Connection, id: i64) -> rusqlite::Result<BTreeMap<Name, OutputValue>> {
    let mut statement = sql.prepare_cached(
        "SELECT name, value, type, sensitive, until FROM output WHERE workspace = ?1",
    )?;
    let text = |row: &SqlRow<'_>, at: usize| row.get::<_, String>(at).map(Name::from);
    let rows = statement.query_map([id], |row| {
        let until: Option<String> = row.get(4)?;
        let output = OutputValue {
            value: text(row, 1)?,
            ty: text(row, 2)?,
            sensitive: row.get(3)?,
            until: until.and_then(|text| text.parse().ok()),
        };
        Ok((text(row, 0)?, output))
    })?;
    rows.collect()
}

fn schedule(sql: &Connection, id: i64) -> Result<Vec<Scheduled>, LoadError> {
    let query =
        format!("SELECT {SCHEDULED_COLUMNS} FROM scheduled WHERE workspace = ?1 ORDER BY position");
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map([id], scheduled)?;
    rows.map(|row| Ok(row??)).collect()
}

fn intents(sql: &Connection, id: i64) -> Result<Vec<OpenIntent>, LoadError> {
    let query = format!("SELECT {INTENT_COLUMNS} FROM intent WHERE workspace = ?1 ORDER BY id");
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map([id], intent)?;
    rows.map(|row| Ok(row??)).collect()
}

/// Returns the resources as they were when the command of that serial had ended.
pub(super) fn resources_at(
    sql: &mut Connection,
    workspace: &str,
    serial: u64,
) -> Result<BTreeMap<ResourceAddr, Instance>, LoadError> {
    let sql = sql.transaction()?;
    let id = sql
        .query_row("SELECT id FROM workspace WHERE name = ?1", [workspace], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(BTreeMap::new()) };
    let mut resources = resources(&sql, id)?;
    // Newest first, so that the oldest of several former rows has the last word.
    let query = format!(
        "SELECT addr, deposed, {COLUMNS} FROM former WHERE workspace = ?1 AND serial > ?2
         ORDER BY serial DESC"
    );
    let mut statement = sql.prepare(&query)?;
    let mut rows = statement.query(rusqlite::params![id, super::row::int(serial)])?;
    while let Some(row) = rows.next()? {
        let addr = addr(&row.get::<_, String>(0)?)?;
        let deposed: Name = row.get::<_, String>(1)?.into();
        let there_was_one = row.get::<_, Option<String>>(2)?.is_some();
        let before = if there_was_one { Some(ObjectRow::read(row, 2)?) } else { None };
        let instance = resources.entry(addr.clone()).or_default();
        let object = match before {
            Some(row) => {
                instance.provider = row.provider.clone();
                Some(row.object()?)
            }
            None => None,
        };
        if deposed.is_empty() {
            instance.current = object;
        } else if let Some(object) = object {
            instance.deposed.insert(deposed, object);
        } else {
            instance.deposed.remove(&deposed);
        }
        if instance.current.is_none() && instance.deposed.is_empty() {
            resources.remove(&addr);
        }
    }
    Ok(resources)
}

/// Returns the changing commands, newest first.
pub(super) fn history(sql: &Connection, workspace: &str) -> Result<Vec<HistoryEntry>, LoadError> {
    let mut statement = sql.prepare(
        "SELECT h.serial, h.at, h.operation, h.who, h.changed
         FROM history h JOIN workspace w ON w.id = h.workspace
         WHERE w.name = ?1 ORDER BY h.serial DESC",
    )?;
    let rows = statement.query_map([workspace], |row| {
        let at: String = row.get(1)?;
        Ok((at, uint(row.get(0)?), row.get(2)?, row.get(3)?, uint(row.get(4)?)))
    })?;
    rows.map(|row| {
        let (at, serial, operation, who, changed) = row?;
        let at = at.parse().map_err(|error| format!("{at}: {error}"))?;
        Ok(HistoryEntry { serial, at, operation, who, changed })
    })
    .collect()
}
