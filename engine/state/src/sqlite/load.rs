//! Rows read back as plain data.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};
use terrarium_address::{ConfigAddr, Name, ResourceAddr};

use super::journal_row::{intents, schedule};
use super::row::{COLUMNS, ObjectRow, Shared, Unreadable, addr, block};
use super::sum;
use super::workspace_row::WorkspaceRow;
use crate::{Adopted, Head, Instance, InstanceSet, OutputValue, State};

/// Why a state can't be read.
pub(super) enum LoadError {
    /// SQLite's reason.
    Sql(rusqlite::Error),
    /// A row that this version does not understand.
    Row(Unreadable),
}

impl LoadError {
    /// Returns the same as an error of SQLite, for those who have to be told in its words.
    pub(super) fn sql(self) -> rusqlite::Error {
        match self {
            Self::Sql(error) => error,
            Self::Row(cause) => sum::damaged(&cause),
        }
    }
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
    let Some(row) = WorkspaceRow::read(&sql, workspace)? else { return Ok(State::default()) };
    let shared = shared(&sql, row.id)?;
    let mut notes = notes(&sql, row.id)?;
    let adopted = (notes.remove("adopted_path"), notes.remove("adopted_hash"));
    let (resources, objects) = resources(&sql, row.id, &shared)?;
    if objects != row.objects {
        return Err(LoadError::Row(
            "objects are missing in it, or are there that no command wrote".into(),
        ));
    }
    Ok(State {
        resources,
        husks: husks(&sql, row.id)?,
        outputs: outputs(&sql, row.id)?,
        check_results: notes.remove("check_results").map(Into::into),
        schedule: schedule(&sql, row.id)?,
        intents: intents(&sql, row.id, &shared)?,
        sets: shared.sets.into_iter().collect(),
        adopted: match adopted {
            (Some(path), Some(hash)) => Some(Adopted { path, hash }),
            _ => None,
        },
        lineage: row.lineage.into(),
        serial: row.serial,
    })
}

/// Returns which state a workspace's is, and how far it is.
pub(super) fn head(sql: &mut Connection, workspace: &str) -> Result<Head, LoadError> {
    let row = WorkspaceRow::read(sql, workspace)?;
    Ok(row.map_or_else(Head::default, |row| Head {
        lineage: row.lineage.into(),
        serial: row.serial,
        changed: row.changed,
        epoch: row.epoch,
    }))
}

/// Reads what rows name by number or hash.
fn shared(sql: &Connection, id: i64) -> Result<Shared, LoadError> {
    let mut statement = sql.prepare_cached(
        "SELECT workspace, hash, members, sum FROM instance_set WHERE workspace = ?1",
    )?;
    let mut rows = statement.query([id])?;
    let mut sets = HashMap::new();
    while let Some(row) = rows.next()? {
        sum::verify(row, 3, "instance_set")?;
        let members: Vec<String> =
            serde_json::from_str(&row.get::<_, String>(2)?).map_err(|error| error.to_string())?;
        let members = members.iter().map(|text| addr(text));
        let set = members.collect::<Result<InstanceSet, _>>()?;
        sets.insert(set.hash().clone(), set);
    }
    Ok(Shared { realms: realms(sql, id)?, sets })
}

/// Reads the realms of a workspace, by number.
pub(super) fn realms(sql: &Connection, id: i64) -> rusqlite::Result<HashMap<i64, Name>> {
    let mut statement =
        sql.prepare_cached("SELECT id, workspace, name, sum FROM realm WHERE workspace = ?1")?;
    let rows = statement.query_map([id], |row| {
        sum::verify(row, 3, "realm")?;
        Ok((row.get(0)?, Name::from(row.get::<_, String>(2)?)))
    })?;
    rows.collect()
}

/// Returns one note of a workspace.
pub(super) fn note(sql: &Connection, id: i64, name: &str) -> rusqlite::Result<Option<String>> {
    sql.prepare_cached(
        "SELECT workspace, name, value, sum FROM note WHERE workspace = ?1 AND name = ?2",
    )?
    .query_row(params![id, name], |row| {
        sum::verify(row, 3, "note")?;
        row.get(2)
    })
    .optional()
}

fn notes(sql: &Connection, id: i64) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        sql.prepare_cached("SELECT workspace, name, value, sum FROM note WHERE workspace = ?1")?;
    let rows = statement.query_map([id], |row| {
        sum::verify(row, 3, "note")?;
        Ok((row.get(1)?, row.get(2)?))
    })?;
    rows.collect()
}

/// Checks an object's row, read with all its columns; returns its checksum.
pub(super) fn object_sum(row: &SqlRow<'_>) -> rusqlite::Result<i64> {
    sum::verify(row, 11, "object")
}

/// Reads the resources, and the exclusive or of the sums of their rows.
fn resources(
    sql: &Connection,
    id: i64,
    shared: &Shared,
) -> Result<(BTreeMap<ResourceAddr, Instance>, i64), LoadError> {
    let (mut current, mut deposed) = (Vec::new(), Vec::new());
    let mut sums = 0;
    let query =
        format!("SELECT workspace, addr, deposed, {COLUMNS}, sum FROM object WHERE workspace = ?1");
    let mut statement = sql.prepare_cached(&query)?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        sums ^= object_sum(row)?;
        let addr = addr(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        let key = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let columns = ObjectRow::read(row, 3)?;
        let provider = columns.provider.clone();
        let object = columns.object(shared)?;
        if key.is_empty() {
            current
                .push((addr, Instance { provider, current: Some(object), ..Instance::default() }));
        } else {
            deposed.push((addr, provider, Name::from(key), object));
        }
    }
    // Built of all at once the tree's nodes are full; one by one they would be half empty.
    let mut resources: BTreeMap<ResourceAddr, Instance> = current.into_iter().collect();
    for (addr, provider, key, object) in deposed {
        let instance = resources.entry(addr).or_default();
        instance.provider = provider;
        instance.deposed.insert(key, object);
    }
    Ok((resources, sums))
}

fn husks(sql: &Connection, id: i64) -> Result<BTreeMap<ConfigAddr, Name>, LoadError> {
    let mut statement =
        sql.prepare_cached("SELECT workspace, addr, provider, sum FROM husk WHERE workspace = ?1")?;
    let rows = statement.query_map([id], |row| {
        sum::verify(row, 3, "husk")?;
        Ok((row.get::<_, String>(1)?, Name::from(row.get::<_, String>(2)?)))
    })?;
    rows.map(|row| row.map_err(LoadError::from).and_then(|(addr, p)| Ok((block(&addr)?, p))))
        .collect()
}

const OUTPUTS: &str = "SELECT workspace, name, value, type, sensitive, until, sum
 FROM output WHERE workspace = ?1";

/// Returns the root outputs.
pub(super) fn outputs(sql: &Connection, id: i64) -> rusqlite::Result<BTreeMap<Name, OutputValue>> {
    let mut statement = sql.prepare_cached(OUTPUTS)?;
    let rows = statement.query_map([id], output_row)?;
    rows.collect()
}

/// Returns one root output.
pub(super) fn output(
    sql: &Connection,
    id: i64,
    name: &str,
) -> rusqlite::Result<Option<OutputValue>> {
    let mut statement = sql.prepare_cached(&format!("{OUTPUTS} AND name = ?2"))?;
    let found = statement.query_row(rusqlite::params![id, name], output_row).optional()?;
    Ok(found.map(|(_, value)| value))
}

fn output_row(row: &SqlRow<'_>) -> rusqlite::Result<(Name, OutputValue)> {
    sum::verify(row, 6, "output")?;
    let text = |at: usize| row.get::<_, String>(at).map(Name::from);
    let until: Option<String> = row.get(5)?;
    let output = OutputValue {
        value: text(2)?,
        ty: text(3)?,
        sensitive: row.get(4)?,
        until: until.and_then(|text| text.parse().ok()),
    };
    Ok((text(1)?, output))
}

/// Returns the resources as they were when the command of that serial had ended.
pub(super) fn resources_at(
    sql: &mut Connection,
    workspace: &str,
    serial: u64,
) -> Result<BTreeMap<ResourceAddr, Instance>, LoadError> {
    let sql = sql.transaction()?;
    let Some(workspace) = WorkspaceRow::read(&sql, workspace)? else { return Ok(BTreeMap::new()) };
    let shared = shared(&sql, workspace.id)?;
    let (mut resources, _) = resources(&sql, workspace.id, &shared)?;
    // Newest first, so that the oldest of several former rows has the last word.
    let query = format!(
        "SELECT workspace, serial, addr, deposed, {COLUMNS}, sum
         FROM former WHERE workspace = ?1 AND serial > ?2 ORDER BY serial DESC"
    );
    let mut statement = sql.prepare(&query)?;
    let mut rows = statement.query(rusqlite::params![workspace.id, super::row::int(serial)])?;
    while let Some(row) = rows.next()? {
        sum::verify(row, 12, "former")?;
        let addr = addr(&row.get::<_, String>(2)?)?;
        let deposed: Name = row.get::<_, String>(3)?.into();
        let there_was_one = row.get::<_, Option<String>>(4)?.is_some();
        let before = if there_was_one { Some(ObjectRow::read(row, 4)?) } else { None };
        let instance = resources.entry(addr.clone()).or_default();
        let object = match before {
            Some(row) => {
                instance.provider = row.provider.clone();
                Some(row.object(&shared)?)
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
