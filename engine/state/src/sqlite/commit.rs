//! What batches do to the rows, inside one transaction of the writer.

use std::collections::{HashMap, HashSet};

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use terrarium_address::Name;
use terrarium_provider::{Intent, IntentId};

use super::history_row::{settle_history, write_history};
use super::journal_row::{find_intent, remove_scheduled, write_intent, write_scheduled};
use super::load::{LoadError, object_sum};
use super::row::{COLUMNS, ObjectRow, Shared, int, is_ended};
use super::sum;
use super::workspace_row::WorkspaceRow;
use super::writer::Session;
use crate::{
    Batch, Dep, HistoryEntry, InstanceSet, IntentOutcome, IntentProgress, Object, ObjectChange,
    OpenIntent, OutputChange, OutputValue, ScheduleChange, State,
};

type Sql<T> = rusqlite::Result<T>;

/// The note of the lineage that was here before a whole other state took its place.
pub(super) const FOLLOWS: &str = "follows";

/// What is known to be in the file from transactions before, so that nobody has to look again.
#[derive(Default)]
pub(super) struct Known {
    realms: HashMap<Name, i64>,
    sets: HashSet<Name>,
}

/// One transaction's writing into a workspace, by the holder of its lock.
pub(super) struct Writing<'t> {
    sql: &'t Connection,
    session: &'t Session,
    known: &'t mut Known,
    row: WorkspaceRow,
    has_husks: bool,
    /// A serial to take instead of the next one.
    wanted_serial: Option<u64>,
}

impl<'t> Writing<'t> {
    /// Begins where the session's fence still holds; makes the workspace's row at the first commit.
    pub(super) fn begin(
        sql: &'t Connection,
        workspace: &str,
        session: &'t Session,
        known: &'t mut Known,
    ) -> Sql<Option<Self>> {
        let fence = &session.fence;
        let row = match WorkspaceRow::read(sql, workspace)? {
            Some(row) => row,
            None if session.makes_workspace => {
                let row = WorkspaceRow::make(sql, workspace, &session.lineage)?;
                WorkspaceRow { epoch: fence.epoch, holder: Some(fence.id.to_string()), ..row }
            }
            None => return Ok(None),
        };
        if row.epoch != fence.epoch || row.holder.as_deref() != Some(&*fence.id) {
            return Ok(None);
        }
        let has_husks = sql
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM husk WHERE workspace = ?1)")?
            .query_row([row.id], |found| found.get(0))?;
        Ok(Some(Self { sql, session, known, row, has_husks, wanted_serial: None }))
    }

    /// Writes down how far the workspace is; the transaction may end then.
    pub(super) fn finish(mut self) -> Sql<WorkspaceRow> {
        self.row.commits += 1;
        self.row.write(self.sql)?;
        Ok(self.row)
    }

    /// Writes a batch; returns the serial it belongs to.
    pub(super) fn batch(&mut self, batch: &Batch) -> Sql<u64> {
        if let Some(state) = &batch.replace {
            self.replace(state)?;
        }
        for set in &batch.sets {
            self.set(set)?;
        }
        self.intents(&batch.intents)?;
        for (id, progress) in &batch.progress {
            self.progress(*id, progress)?;
        }
        for (id, outcome) in &batch.outcomes {
            self.close(*id, outcome)?;
        }
        for change in &batch.objects {
            self.object(change)?;
        }
        for change in &batch.outputs {
            self.output(change)?;
        }
        for change in &batch.schedule {
            match change {
                ScheduleChange::Put(entry) => write_scheduled(self.sql, self.row.id, entry)?,
                ScheduleChange::Remove(key) => remove_scheduled(self.sql, self.row.id, key)?,
            }
        }
        if let Some(results) = &batch.check_results {
            self.note("check_results", results.as_deref())?;
        }
        if let Some(adopted) = &batch.adopted {
            self.note("adopted_path", Some(&adopted.path))?;
            self.note("adopted_hash", Some(&adopted.hash))?;
        }
        Ok(self.row.serial)
    }

    /// Writes intents and takes their numbers out of use; returns the serial they belong to.
    pub(super) fn intents(&mut self, intents: &[Intent]) -> Sql<u64> {
        for intent in intents {
            let realm = self.realm(intent.realm.as_ref())?;
            let open = OpenIntent { intent: intent.clone(), progress: IntentProgress::Recorded };
            write_intent(self.sql, self.row.id, &open, realm)?;
            self.row.next_intent = self.row.next_intent.max(intent.id.0.saturating_add(1));
        }
        Ok(self.row.serial)
    }

    /// A step of an intent that is closed already says nothing new, and is passed over.
    fn progress(&mut self, id: IntentId, progress: &IntentProgress) -> Sql<()> {
        let shared = self.realms()?;
        let found = find_intent(self.sql, (self.row.id, id), &shared).map_err(LoadError::sql)?;
        let Some(open) = found else { return Ok(()) };
        let realm = self.realm(open.intent.realm.as_ref())?;
        let open = OpenIntent { progress: progress.clone(), ..open };
        write_intent(self.sql, self.row.id, &open, realm)
    }

    /// Closes an intent together with its row.
    fn close(&mut self, id: IntentId, outcome: &IntentOutcome) -> Sql<()> {
        match outcome {
            IntentOutcome::Row(change) => self.object(change)?,
            IntentOutcome::Nothing => {}
            IntentOutcome::Continued(next) => {
                let goes_on: bool = self
                    .sql
                    .prepare_cached(
                        "SELECT EXISTS (SELECT 1 FROM intent WHERE workspace = ?1 AND id = ?2)",
                    )?
                    .query_row(params![self.row.id, int(next.0)], |found| found.get(0))?;
                if *next == id || !goes_on {
                    return Ok(());
                }
            }
        }
        self.sql
            .prepare_cached("DELETE FROM intent WHERE workspace = ?1 AND id = ?2")?
            .execute(params![self.row.id, int(id.0)])
            .map(drop)
    }

    /// Returns the number of a realm's row, and makes it where there is none.
    fn realm(&mut self, realm: Option<&Name>) -> Sql<Option<i64>> {
        let Some(realm) = realm else { return Ok(None) };
        if let Some(id) = self.known.realms.get(realm) {
            return Ok(Some(*id));
        }
        let id = realm_id(self.sql, self.row.id, realm)?;
        self.known.realms.insert(realm.clone(), id);
        Ok(Some(id))
    }

    fn realms(&self) -> Sql<Shared> {
        let known = self.known.realms.iter().map(|(name, id)| (*id, name.clone()));
        let mut shared = Shared { realms: known.collect(), ..Shared::default() };
        if shared.realms.is_empty() {
            shared.realms = super::load::realms(self.sql, self.row.id)?;
        }
        Ok(shared)
    }

    /// Writes a set that is not there yet.
    fn set(&mut self, set: &InstanceSet) -> Sql<()> {
        if !self.known.sets.insert(set.hash().clone()) {
            return Ok(());
        }
        let there: bool = self
            .sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM instance_set WHERE workspace = ?1 AND hash = ?2)",
            )?
            .query_row(params![self.row.id, &**set.hash()], |found| found.get(0))?;
        if there {
            return Ok(());
        }
        let members: Vec<String> = set.addrs().iter().map(ToString::to_string).collect();
        let members = super::row::text_of(&members);
        let mut insert =
            self.sql.prepare_cached("INSERT INTO instance_set VALUES (?1, ?2, ?3, ?4)")?;
        sum::write(&mut insert, params![self.row.id, &**set.hash(), members]).map(drop)
    }

    fn note(&self, name: &str, value: Option<&str>) -> Sql<()> {
        let Some(value) = value else {
            return self
                .sql
                .prepare_cached("DELETE FROM note WHERE workspace = ?1 AND name = ?2")?
                .execute(params![self.row.id, name])
                .map(drop);
        };
        let mut insert =
            self.sql.prepare_cached("INSERT OR REPLACE INTO note VALUES (?1, ?2, ?3, ?4)")?;
        sum::write(&mut insert, params![self.row.id, name, value]).map(drop)
    }

    fn object(&mut self, change: &ObjectChange) -> Sql<()> {
        let addr = change.addr.to_string();
        let deposed = change.deposed.as_deref().unwrap_or_default();
        if change.object.is_some() && self.has_husks {
            self.sql
                .prepare_cached("DELETE FROM husk WHERE workspace = ?1 AND addr = ?2")?
                .execute(params![self.row.id, change.addr.block.to_string()])?;
        }
        let row = match &change.object {
            Some(object) => Some(self.row_of(&change.provider, object)?),
            None => None,
        };
        self.put((&addr, deposed), row.as_ref())
    }

    fn row_of(&mut self, provider: &Name, object: &Object) -> Sql<ObjectRow> {
        for dep in &object.deps {
            if let Dep::Set(set) = dep {
                self.set(set)?;
            }
        }
        let realm = self.realm(object.realm.as_ref())?;
        Ok(ObjectRow::of(provider, object, realm))
    }

    /// Writes a row, or removes it, and keeps what was there before this command.
    fn put(&mut self, key: (&str, &str), row: Option<&ObjectRow>) -> Sql<()> {
        let before = self.before(key)?;
        if before.as_ref().map(|(row, _)| row) == row {
            return Ok(());
        }
        self.raise()?;
        self.row.changed += 1;
        let (before, old_sum) = before.map_or((None, 0), |(row, sum)| (Some(row), sum));
        let former = self.sql.prepare_cached(
            "INSERT OR IGNORE INTO former
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?;
        write_former(former, (self.row.id, self.row.serial), key, before.as_ref())?;
        let new_sum = if let Some(row) = row {
            write_object(self.sql, self.row.id, key, row)?
        } else {
            self.sql
                .prepare_cached(
                    "DELETE FROM object WHERE workspace = ?1 AND addr = ?2 AND deposed = ?3",
                )?
                .execute(params![self.row.id, key.0, key.1])?;
            0
        };
        self.row.objects ^= old_sum ^ new_sum;
        Ok(())
    }

    fn before(&self, key: (&str, &str)) -> Sql<Option<(ObjectRow, i64)>> {
        self.sql
            .prepare_cached(&format!(
                "SELECT workspace, addr, deposed, {COLUMNS}, sum
                 FROM object WHERE workspace = ?1 AND addr = ?2 AND deposed = ?3"
            ))?
            .query_row(params![self.row.id, key.0, key.1], |found| {
                Ok((ObjectRow::read(found, 3)?, object_sum(found)?))
            })
            .optional()
    }

    fn output(&mut self, change: &OutputChange) -> Sql<()> {
        let before = super::load::output(self.sql, self.row.id, &change.name)?;
        if before == change.value {
            return Ok(());
        }
        self.raise()?;
        self.row.changed += 1;
        let Some(OutputValue { value, ty, sensitive, until }) = &change.value else {
            return self
                .sql
                .prepare_cached("DELETE FROM output WHERE workspace = ?1 AND name = ?2")?
                .execute(params![self.row.id, &*change.name])
                .map(drop);
        };
        let mut insert = self
            .sql
            .prepare_cached("INSERT OR REPLACE INTO output VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        let until = until.map(|at| at.to_string());
        let columns = params![self.row.id, &*change.name, &**value, &**ty, sensitive, until];
        sum::write(&mut insert, columns).map(drop)
    }

    fn replace(&mut self, state: &State) -> Sql<()> {
        self.wanted_serial = Some(state.serial);
        self.raise()?;
        for (addr, deposed) in self.unknown_to(state)? {
            self.put((&addr, &deposed), None)?;
        }
        for (addr, instance) in &state.resources {
            for (deposed, object) in instance.objects() {
                let (addr, deposed) = (addr.to_string(), deposed.map_or("", |key| key));
                let mut row = self.row_of(&instance.provider, object)?;
                if row.realm.is_none() {
                    // A state file of Terraform has no place for it.
                    row.realm = self.before((&addr, deposed))?.and_then(|(before, _)| before.realm);
                }
                self.put((&addr, deposed), Some(&row))?;
            }
        }
        self.sql.execute("DELETE FROM husk WHERE workspace = ?1", [self.row.id])?;
        self.has_husks = !state.husks.is_empty();
        for (block, provider) in &state.husks {
            let mut insert = self.sql.prepare_cached("INSERT INTO husk VALUES (?1, ?2, ?3, ?4)")?;
            sum::write(&mut insert, params![self.row.id, block.to_string(), &**provider])?;
        }
        let before = super::load::outputs(self.sql, self.row.id)?;
        for change in OutputChange::between(&before, &state.outputs) {
            self.output(&change)?;
        }
        self.sql.execute("DELETE FROM scheduled WHERE workspace = ?1", [self.row.id])?;
        self.sql.execute("DELETE FROM trial WHERE workspace = ?1", [self.row.id])?;
        self.note("check_results", state.check_results.as_deref())?;
        if *self.row.lineage != *state.lineage {
            self.note(FOLLOWS, Some(&self.row.lineage))?;
            self.row.lineage = state.lineage.to_string();
        }
        Ok(())
    }

    /// Lists the objects that a new state does not know, except those that are ended.
    fn unknown_to(&self, state: &State) -> Sql<Vec<(String, String)>> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT workspace, addr, deposed, {COLUMNS}, sum FROM object WHERE workspace = ?1"
        ))?;
        let mut rows = statement.query([self.row.id])?;
        let mut unknown = Vec::new();
        while let Some(row) = rows.next()? {
            object_sum(row)?;
            let (addr, deposed): (String, String) = (row.get(1)?, row.get(2)?);
            let instance = super::row::addr(&addr).ok().and_then(|a| state.resources.get(&a));
            let known = instance.is_some_and(|instance| match deposed.as_str() {
                "" => instance.current.is_some(),
                key => instance.deposed.contains_key(key),
            });
            if !known && !is_ended(&ObjectRow::read(row, 3)?) {
                unknown.push((addr, deposed));
            }
        }
        Ok(unknown)
    }

    /// Raises the serial at the first change of a command.
    fn raise(&mut self) -> Sql<()> {
        let next = self.row.serial.saturating_add(1);
        let serial = match (self.wanted_serial.take(), self.row.serial) {
            (Some(wanted), 0) => wanted,
            (Some(wanted), _) => wanted.max(next),
            (None, _) if self.row.raised_in == self.row.epoch => return Ok(()),
            (None, _) => next,
        };
        settle_history(self.sql, &self.row)?;
        (self.row.serial, self.row.raised_in, self.row.changed) = (serial, self.row.epoch, 0);
        let Session { at, operation, who, .. } = self.session;
        let (at, operation, who) = (*at, operation.clone(), who.clone());
        let entry = HistoryEntry { serial, at, operation, who, changed: 0 };
        write_history(self.sql, self.row.id, &entry)
    }
}

/// Returns the number of a realm's row, and makes it where there is none.
pub(super) fn realm_id(sql: &Connection, workspace: i64, realm: &str) -> Sql<i64> {
    let found = sql
        .prepare_cached("SELECT id FROM realm WHERE workspace = ?1 AND name = ?2")?
        .query_row(params![workspace, realm], |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let id: i64 =
        sql.query_row("SELECT 1 + ifnull(max(id), 0) FROM realm", [], |row| row.get(0))?;
    let mut insert = sql.prepare_cached("INSERT INTO realm VALUES (?1, ?2, ?3, ?4)")?;
    sum::write(&mut insert, params![id, workspace, realm])?;
    Ok(id)
}

/// Writes an object's row; returns its checksum.
pub(super) fn write_object(
    sql: &Connection,
    workspace: i64,
    (addr, deposed): (&str, &str),
    row: &ObjectRow,
) -> Sql<i64> {
    let mut statement = sql.prepare_cached(
        "INSERT OR REPLACE INTO object
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let columns = params![
        workspace,
        addr,
        deposed,
        &*row.provider,
        &*row.attributes,
        row.schema_version,
        row.private.as_deref(),
        row.status,
        row.create_before_destroy,
        row.realm,
        row.rest.as_deref(),
    ];
    sum::write(&mut statement, columns)
}

/// Writes what was there before a command; without a row the columns are NULL.
pub(super) fn write_former(
    mut statement: CachedStatement<'_>,
    (workspace, serial): (i64, u64),
    (addr, deposed): (&str, &str),
    row: Option<&ObjectRow>,
) -> Sql<()> {
    let columns = params![
        workspace,
        int(serial),
        addr,
        deposed,
        row.map(|row| &*row.provider),
        row.map(|row| &*row.attributes),
        row.map(|row| row.schema_version),
        row.and_then(|row| row.private.as_deref()),
        row.map(|row| row.status),
        row.map(|row| row.create_before_destroy),
        row.and_then(|row| row.realm),
        row.and_then(|row| row.rest.as_deref()),
    ];
    sum::write(&mut statement, columns).map(drop)
}
