//! What one batch does to the rows, inside the writer's transaction.

use rusqlite::{Connection, OptionalExtension, params};
use terrarium_provider::Intent;

use super::journal_row::{action_text, inputs_text, progress_columns};
use super::row::{ObjectRow, int, is_ended, uint};
use super::writer::Session;
use crate::{Batch, CommitError, Fence, ObjectChange, OutputValue, Scheduled, State};

type Sql<T> = rusqlite::Result<T>;

/// The workspace's own row, as far as commits need it.
pub(super) struct Head {
    pub(super) id: i64,
    serial: u64,
    /// The epoch whose command raised the serial.
    raised_in: u64,
    /// Objects changed so far, not yet added to the history.
    changed: u64,
    /// A serial to take instead of the next one.
    wanted_serial: Option<u64>,
    epoch: u64,
    has_husks: bool,
}

/// Finds the workspace's row and checks that the fence still holds; makes the row at the first commit.
pub(super) fn head(
    sql: &Connection,
    workspace: &str,
    fence: &Fence,
    session: Option<&Session>,
) -> Sql<Result<Head, CommitError>> {
    let found = sql
        .prepare_cached(
            "SELECT id, serial, raised_in, epoch, holder,
                    EXISTS (SELECT 1 FROM husk WHERE workspace = id)
             FROM workspace WHERE name = ?1",
        )?
        .query_row([workspace], |row| {
            let head = Head {
                id: row.get(0)?,
                serial: uint(row.get(1)?),
                raised_in: uint(row.get(2)?),
                changed: 0,
                wanted_serial: None,
                epoch: uint(row.get(3)?),
                has_husks: row.get(5)?,
            };
            Ok((head, row.get::<_, Option<String>>(4)?))
        })
        .optional()?;
    let mine = session.filter(|session| session.fence == *fence);
    match (found, mine) {
        (Some((head, holder)), _) => {
            let held = head.epoch == fence.epoch && holder.as_deref() == Some(&fence.id);
            Ok(if held { Ok(head) } else { Err(CommitError::Lost) })
        }
        (None, Some(session)) if session.makes_workspace => {
            sql.execute(
                "INSERT INTO workspace (name, lineage, serial, epoch, holder, raised_in, next_intent)
                 VALUES (?1, ?2, 0, ?3, ?4, 0, 1)",
                params![workspace, &*session.lineage, int(fence.epoch), &*fence.id],
            )?;
            let (id, epoch) = (sql.last_insert_rowid(), fence.epoch);
            Ok(Ok(Head {
                id,
                serial: 0,
                raised_in: 0,
                changed: 0,
                wanted_serial: None,
                epoch,
                has_husks: false,
            }))
        }
        (None, _) => Ok(Err(CommitError::Lost)),
    }
}

impl Head {
    /// Writes a batch; returns the serial it belongs to.
    pub(super) fn batch(&mut self, sql: &Connection, batch: &Batch, session: &Session) -> Sql<u64> {
        if let Some(state) = &batch.replace {
            self.replace(sql, state, session)?;
        }
        for intent in &batch.intents {
            self.intent(sql, intent)?;
        }
        for (id, progress) in &batch.progress {
            self.progress(sql, id.0, progress)?;
        }
        for change in &batch.objects {
            self.object(sql, change, session)?;
        }
        if let Some(outputs) = &batch.outputs {
            self.outputs(sql, outputs, session)?;
        }
        if let Some(schedule) = &batch.schedule {
            self.schedule(sql, schedule)?;
        }
        if let Some(results) = &batch.check_results {
            self.set(
                sql,
                "UPDATE workspace SET check_results = ?1 WHERE id = ?2",
                results.as_deref(),
            )?;
        }
        if let Some(realm) = &batch.realm {
            self.set(sql, "UPDATE workspace SET realm = ?1 WHERE id = ?2", Some(realm))?;
        }
        if let Some(adopted) = &batch.adopted {
            self.set(
                sql,
                "UPDATE workspace SET adopted_path = ?1 WHERE id = ?2",
                Some(&adopted.path),
            )?;
            self.set(
                sql,
                "UPDATE workspace SET adopted_hash = ?1 WHERE id = ?2",
                Some(&adopted.hash),
            )?;
        }
        self.note_changed(sql)?;
        Ok(self.serial)
    }

    /// Writes intents and takes their numbers out of use.
    pub(super) fn intents(&mut self, sql: &Connection, intents: &[Intent]) -> Sql<u64> {
        for intent in intents {
            self.intent(sql, intent)?;
        }
        Ok(self.serial)
    }

    fn set(&self, sql: &Connection, statement: &str, value: Option<&str>) -> Sql<()> {
        sql.prepare_cached(statement)?.execute(params![value, self.id]).map(drop)
    }

    fn intent(&self, sql: &Connection, intent: &Intent) -> Sql<()> {
        sql.prepare_cached(
            "INSERT INTO intent (workspace, id, addr, action, marker, at, provider, planned,
                                 object_id, deposed, progress)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'recorded')",
        )?
        .execute(params![
            self.id,
            int(intent.id.0),
            intent.addr.to_string(),
            action_text(intent.action),
            intent.marker.as_str(),
            intent.at.to_string(),
            &*intent.provider,
            intent.planned.as_deref(),
            intent.object_id.as_deref(),
            intent.deposed.as_deref(),
        ])?;
        sql.prepare_cached(
            "UPDATE workspace SET next_intent = max(next_intent, ?1 + 1) WHERE id = ?2",
        )?
        .execute(params![int(intent.id.0), self.id])
        .map(drop)
    }

    /// A step of an intent that is closed already says nothing new, and is passed over.
    fn progress(&self, sql: &Connection, id: u64, progress: &crate::IntentProgress) -> Sql<()> {
        match progress_columns(progress) {
            Some((kind, detail)) => sql
                .prepare_cached(
                    "UPDATE intent SET progress = ?3, detail = ?4 WHERE workspace = ?1 AND id = ?2",
                )?
                .execute(params![self.id, int(id), kind, detail]),
            None => sql
                .prepare_cached("DELETE FROM intent WHERE workspace = ?1 AND id = ?2")?
                .execute(params![self.id, int(id)]),
        }
        .map(drop)
    }

    fn object(&mut self, sql: &Connection, change: &ObjectChange, session: &Session) -> Sql<()> {
        let addr = change.addr.to_string();
        let deposed = change.deposed.as_deref().unwrap_or_default();
        let row = change.object.as_ref().map(|object| ObjectRow::of(&change.provider, object));
        if row.is_some() && self.has_husks {
            sql.prepare_cached("DELETE FROM husk WHERE workspace = ?1 AND addr = ?2")?
                .execute(params![self.id, change.addr.block.to_string()])?;
        }
        self.put(sql, (&addr, deposed), row.as_ref(), session)
    }

    /// Writes a row, or removes it, and keeps what was there before this command.
    fn put(
        &mut self,
        sql: &Connection,
        key: (&str, &str),
        row: Option<&ObjectRow>,
        session: &Session,
    ) -> Sql<()> {
        let before = sql
            .prepare_cached(
                "SELECT provider, attributes, schema_version, private, tainted,
                        create_before_destroy, rest
                 FROM object WHERE workspace = ?1 AND addr = ?2 AND deposed = ?3",
            )?
            .query_row(params![self.id, key.0, key.1], |found| ObjectRow::read(found, 0))
            .optional()?;
        if before.as_ref() == row {
            return Ok(());
        }
        self.raise(sql, session)?;
        self.changed += 1;
        let former = sql.prepare_cached(
            "INSERT OR IGNORE INTO former VALUES (?1, ?11, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        write(former, (self.id, Some(self.serial)), key, before.as_ref())?;
        if row.is_some() {
            let object = sql.prepare_cached(
                "INSERT OR REPLACE INTO object VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?;
            write(object, (self.id, None), key, row)
        } else {
            sql.prepare_cached(
                "DELETE FROM object WHERE workspace = ?1 AND addr = ?2 AND deposed = ?3",
            )?
            .execute(params![self.id, key.0, key.1])
            .map(drop)
        }
    }

    fn outputs(
        &mut self,
        sql: &Connection,
        outputs: &std::collections::BTreeMap<terrarium_address::Name, OutputValue>,
        session: &Session,
    ) -> Sql<()> {
        if super::load::outputs(sql, self.id)? == *outputs {
            return Ok(());
        }
        self.raise(sql, session)?;
        sql.prepare_cached("DELETE FROM output WHERE workspace = ?1")?.execute([self.id])?;
        let mut insert =
            sql.prepare_cached("INSERT INTO output VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (name, output) in outputs {
            let OutputValue { value, ty, sensitive, until } = output;
            let until = until.map(|at| at.to_string());
            insert.execute(params![self.id, &**name, &**value, &**ty, sensitive, until])?;
        }
        Ok(())
    }

    fn schedule(&self, sql: &Connection, schedule: &[Scheduled]) -> Sql<()> {
        sql.prepare_cached("DELETE FROM scheduled WHERE workspace = ?1")?.execute([self.id])?;
        let mut insert = sql
            .prepare_cached("INSERT INTO scheduled VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
        for (position, one) in (0i64..).zip(schedule) {
            insert.execute(params![
                self.id,
                position,
                one.addr.to_string(),
                action_text(one.action),
                one.schedule.not_before.map(|at| at.to_string()),
                one.schedule.not_after.map(|at| at.to_string()),
                one.reason,
                one.approval.as_deref(),
                inputs_text(&one.inputs),
            ])?;
        }
        Ok(())
    }

    fn replace(&mut self, sql: &Connection, state: &State, session: &Session) -> Sql<()> {
        self.wanted_serial = Some(state.serial);
        self.raise(sql, session)?;
        for (addr, deposed) in self.unknown_to(sql, state)? {
            self.put(sql, (&addr, &deposed), None, session)?;
        }
        for (addr, instance) in &state.resources {
            let current = instance.current.iter().map(|object| ("", object));
            let deposed = instance.deposed.iter().map(|(key, object)| (&**key, object));
            for (key, object) in current.chain(deposed) {
                let row = ObjectRow::of(&instance.provider, object);
                self.put(sql, (&addr.to_string(), key), Some(&row), session)?;
            }
        }
        sql.execute("DELETE FROM husk WHERE workspace = ?1", [self.id])?;
        self.has_husks = !state.husks.is_empty();
        for (block, provider) in &state.husks {
            sql.prepare_cached("INSERT INTO husk VALUES (?1, ?2, ?3)")?.execute(params![
                self.id,
                block.to_string(),
                &**provider
            ])?;
        }
        self.outputs(sql, &state.outputs, session)?;
        self.schedule(sql, &[])?;
        self.set(
            sql,
            "UPDATE workspace SET check_results = ?1 WHERE id = ?2",
            state.check_results.as_deref(),
        )?;
        self.set(sql, "UPDATE workspace SET lineage = ?1 WHERE id = ?2", Some(&state.lineage))
    }

    /// Lists the objects that a new state does not know, except those that are ended.
    fn unknown_to(&self, sql: &Connection, state: &State) -> Sql<Vec<(String, String)>> {
        let mut statement = sql.prepare(
            "SELECT addr, deposed, provider, attributes, schema_version, private, tainted,
                    create_before_destroy, rest
             FROM object WHERE workspace = ?1",
        )?;
        let mut rows = statement.query([self.id])?;
        let mut unknown = Vec::new();
        while let Some(row) = rows.next()? {
            let (addr, deposed): (String, String) = (row.get(0)?, row.get(1)?);
            let instance = super::row::addr(&addr).ok().and_then(|a| state.resources.get(&a));
            let known = instance.is_some_and(|instance| match deposed.as_str() {
                "" => instance.current.is_some(),
                key => instance.deposed.contains_key(key),
            });
            if !known && !is_ended(&ObjectRow::read(row, 2)?) {
                unknown.push((addr, deposed));
            }
        }
        Ok(unknown)
    }

    /// Raises the serial at the first change of a command.
    fn raise(&mut self, sql: &Connection, session: &Session) -> Sql<()> {
        let next = self.serial.saturating_add(1);
        let serial = match (self.wanted_serial.take(), self.serial) {
            (Some(wanted), 0) => wanted,
            (Some(wanted), _) => wanted.max(next),
            (None, _) if self.raised_in == self.epoch => return Ok(()),
            (None, _) => next,
        };
        self.serial = serial;
        self.raised_in = self.epoch;
        sql.prepare_cached("UPDATE workspace SET serial = ?1, raised_in = ?2 WHERE id = ?3")?
            .execute(params![int(serial), int(self.epoch), self.id])?;
        sql.prepare_cached("INSERT OR REPLACE INTO history VALUES (?1, ?2, ?3, ?4, ?5, 0)")?
            .execute(params![
                self.id,
                int(serial),
                session.at.to_string(),
                session.operation,
                session.who
            ])
            .map(drop)
    }

    fn note_changed(&mut self, sql: &Connection) -> Sql<()> {
        let changed = std::mem::take(&mut self.changed);
        if changed == 0 {
            return Ok(());
        }
        sql.prepare_cached(
            "UPDATE history SET changed = changed + ?1 WHERE workspace = ?2 AND serial = ?3",
        )?
        .execute(params![int(changed), self.id, int(self.serial)])
        .map(drop)
    }
}

/// Fills in the columns of an object's row; without a row they are all NULL.
fn write(
    mut statement: rusqlite::CachedStatement<'_>,
    (workspace, serial): (i64, Option<u64>),
    (addr, deposed): (&str, &str),
    row: Option<&ObjectRow>,
) -> Sql<()> {
    let columns = params![
        workspace,
        addr,
        deposed,
        row.map(|row| &*row.provider),
        row.map(|row| &*row.attributes),
        row.map(|row| row.schema_version),
        row.and_then(|row| row.private.as_deref()),
        row.map(|row| row.tainted),
        row.map(|row| row.create_before_destroy),
        row.and_then(|row| row.rest.as_deref()),
        serial.map(int),
    ];
    let wanted = statement.parameter_count();
    let used = columns.get(..wanted).unwrap_or(columns);
    statement.execute(used).map(drop)
}
