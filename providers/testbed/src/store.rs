//! Objects of one kind at one site: kept as JSON, found by indexed attributes.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value};

/// What the store must know of a kind of object.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Name in the rows and in `/testbed/objects`.
    pub(crate) name: &'static str,
    /// Attributes to look up by; `fixed_ips.subnet_id` means the member of each element.
    pub(crate) indexed: &'static [&'static str],
}

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Order of creation.
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) project: String,
    /// Whether the world's founding made it.
    pub(crate) seeded: bool,
    pub(crate) body: Map<String, Value>,
}

impl Object {
    /// Returns the text of `key`, empty where it is absent, null or no text.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        self.body.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn number(&self, key: &str) -> i64 {
        self.body.get(key).and_then(Value::as_i64).unwrap_or_default()
    }

    /// Returns the elements of the list `key`, none where it is no list.
    pub(crate) fn list(&self, key: &str) -> &[Value] {
        self.body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.body.insert(key.to_owned(), value.into());
    }
}

/// The objects of one site.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) site: &'static str,
}

/// Which objects of a kind to visit, and in which order.
#[derive(Clone, Copy, Default)]
pub(crate) struct Scan<'q> {
    /// Only those whose indexed attribute has this value.
    pub(crate) by: Option<(&'q str, &'q str)>,
    /// Only those beyond this place in the order.
    pub(crate) beyond: Option<i64>,
    /// Newest first instead of oldest first.
    pub(crate) newest_first: bool,
}

impl Store<'_> {
    /// Adds an object; its id is the body's `id`.
    pub(crate) fn insert(
        &self,
        kind: &'static Kind,
        project: &str,
        body: Map<String, Value>,
    ) -> rusqlite::Result<Object> {
        self.add(
            kind,
            Object {
                seq: 0,
                id: body.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
                project: project.to_owned(),
                seeded: false,
                body,
            },
        )
    }

    /// Adds an object as it stands, apart from its place in the order.
    pub(crate) fn add(&self, kind: &'static Kind, object: Object) -> rusqlite::Result<Object> {
        self.conn
            .prepare_cached(
                "INSERT INTO object (site, kind, id, project, seeded, body) \
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.site,
                kind.name,
                object.id,
                object.project,
                object.seeded,
                json(&object.body)?
            ])?;
        let object = Object { seq: self.conn.last_insert_rowid(), ..object };
        self.link(kind, &object)?;
        self.charge(&object.project, kind.name, 1)?;
        Ok(object)
    }

    /// Writes a changed object back.
    pub(crate) fn put(&self, kind: &'static Kind, object: &Object) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE object SET body = ? WHERE seq = ?")?
            .execute(params![json(&object.body)?, object.seq])?;
        self.unlink(object)?;
        self.link(kind, object)
    }

    pub(crate) fn remove(&self, kind: &'static Kind, object: &Object) -> rusqlite::Result<()> {
        self.unlink(object)?;
        self.conn.prepare_cached("DELETE FROM object WHERE seq = ?")?.execute([object.seq])?;
        self.charge(&object.project, kind.name, -1)
    }

    pub(crate) fn get(&self, kind: &'static Kind, id: &str) -> rusqlite::Result<Option<Object>> {
        self.conn
            .prepare_cached(
                "SELECT seq, id, project, seeded, body FROM object \
                 WHERE site = ? AND kind = ? AND id = ?",
            )?
            .query_row(params![self.site, kind.name, id], read)
            .optional()
    }

    /// Returns the objects whose indexed attribute has `value`, oldest first.
    pub(crate) fn find(
        &self,
        kind: &'static Kind,
        attribute: &str,
        value: &str,
    ) -> rusqlite::Result<Vec<Object>> {
        let mut found = Vec::new();
        let scan = Scan { by: Some((attribute, value)), ..Scan::default() };
        self.scan(kind, scan, &mut |object| {
            found.push(object);
            true
        })?;
        Ok(found)
    }

    /// Tells whether any object's indexed attribute has `value`.
    pub(crate) fn any(
        &self,
        kind: &'static Kind,
        attribute: &str,
        value: &str,
    ) -> rusqlite::Result<bool> {
        debug_assert!(kind.indexed.contains(&attribute), "{} has no {attribute}", kind.name);
        self.conn
            .prepare_cached(
                "SELECT 1 FROM link WHERE site = ? AND kind = ? AND attribute = ? AND value = ?",
            )?
            .exists(params![self.site, kind.name, attribute, value])
    }

    /// Counts the objects whose indexed attribute has `value`.
    pub(crate) fn count(
        &self,
        kind: &'static Kind,
        attribute: &str,
        value: &str,
    ) -> rusqlite::Result<i64> {
        debug_assert!(kind.indexed.contains(&attribute), "{} has no {attribute}", kind.name);
        self.conn
            .prepare_cached(
                "SELECT count(*) FROM link \
                 WHERE site = ? AND kind = ? AND attribute = ? AND value = ?",
            )?
            .query_row(params![self.site, kind.name, attribute, value], |row| row.get(0))
    }

    /// Shows objects to `visit` one by one until it answers false.
    pub(crate) fn scan(
        &self,
        kind: &'static Kind,
        scan: Scan<'_>,
        visit: &mut dyn FnMut(Object) -> bool,
    ) -> rusqlite::Result<()> {
        let start = if scan.newest_first { i64::MAX } else { 0 };
        let start = scan.beyond.unwrap_or(start);
        let mut statement =
            self.conn.prepare_cached(select(scan.by.is_some(), scan.newest_first))?;
        let mut rows = match scan.by {
            Some((attribute, value)) => {
                debug_assert!(kind.indexed.contains(&attribute), "{} {attribute}", kind.name);
                statement.query(params![self.site, kind.name, attribute, value, start])?
            }
            None => statement.query(params![self.site, kind.name, start])?,
        };
        while let Some(row) = rows.next()? {
            if !visit(read(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// Adds `amount` to what `project` uses of `resource`.
    pub(crate) fn charge(
        &self,
        project: &str,
        resource: &str,
        amount: i64,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO usage VALUES (?, ?, ?, ?) \
                 ON CONFLICT DO UPDATE SET used = used + excluded.used",
            )?
            .execute(params![self.site, project, resource, amount])?;
        Ok(())
    }

    /// Returns how much `project` uses of `resource`: objects of a kind, or what was charged.
    pub(crate) fn used(&self, project: &str, resource: &str) -> rusqlite::Result<i64> {
        let used = self
            .conn
            .prepare_cached(
                "SELECT used FROM usage WHERE site = ? AND project = ? AND resource = ?",
            )?
            .query_row(params![self.site, project, resource], |row| row.get(0))
            .optional()?;
        Ok(used.unwrap_or(0))
    }

    fn unlink(&self, object: &Object) -> rusqlite::Result<()> {
        self.conn.prepare_cached("DELETE FROM link WHERE seq = ?")?.execute([object.seq])?;
        Ok(())
    }

    fn link(&self, kind: &'static Kind, object: &Object) -> rusqlite::Result<()> {
        let mut statement =
            self.conn.prepare_cached("INSERT OR IGNORE INTO link VALUES (?, ?, ?, ?, ?)")?;
        for attribute in kind.indexed {
            for value in values(&object.body, attribute) {
                statement.execute(params![self.site, kind.name, attribute, value, object.seq])?;
            }
        }
        Ok(())
    }
}

/// Returns the statement that visits a kind's objects in order, from a place on.
fn select(by_link: bool, newest_first: bool) -> &'static str {
    match (by_link, newest_first) {
        (false, false) => {
            "SELECT seq, id, project, seeded, body FROM object \
             WHERE site = ? AND kind = ? AND seq > ? ORDER BY seq"
        }
        (false, true) => {
            "SELECT seq, id, project, seeded, body FROM object \
             WHERE site = ? AND kind = ? AND seq < ? ORDER BY seq DESC"
        }
        (true, false) => {
            "SELECT o.seq, o.id, o.project, o.seeded, o.body FROM link l \
             JOIN object o ON o.seq = l.seq WHERE l.site = ? AND l.kind = ? \
             AND l.attribute = ? AND l.value = ? AND l.seq > ? ORDER BY l.seq"
        }
        (true, true) => {
            "SELECT o.seq, o.id, o.project, o.seeded, o.body FROM link l \
             JOIN object o ON o.seq = l.seq WHERE l.site = ? AND l.kind = ? \
             AND l.attribute = ? AND l.value = ? AND l.seq < ? ORDER BY l.seq DESC"
        }
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Object> {
    let body: String = row.get(4)?;
    let body = serde_json::from_str(&body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Object {
        seq: row.get(0)?,
        id: row.get(1)?,
        project: row.get(2)?,
        seeded: row.get(3)?,
        body,
    })
}

fn json(body: &Map<String, Value>) -> rusqlite::Result<String> {
    serde_json::to_string(body)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// Returns the texts to index under `attribute`; empty ones are left out, since "unattached"
/// would otherwise be a row per object that nobody looks up.
fn values<'b>(body: &'b Map<String, Value>, attribute: &str) -> Vec<&'b str> {
    let (key, member) = attribute.split_once('.').unwrap_or((attribute, ""));
    let Some(value) = body.get(key) else { return Vec::new() };
    let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    elements
        .iter()
        .filter_map(|element| if member.is_empty() { Some(element) } else { element.get(member) })
        .filter_map(Value::as_str)
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_reads_or_sorts_a_whole_table() {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch(crate::schema::CREATE).expect("tables");
        for (by_link, newest_first) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let explain = format!("EXPLAIN QUERY PLAN {}", select(by_link, newest_first));
            let mut statement = conn.prepare(&explain).expect("a statement");
            let count = statement.parameter_count();
            let values = vec!["x"; count];
            let steps: Vec<String> = statement
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .expect("a plan")
                .map(|step| step.expect("a step"))
                .collect();
            let bad =
                steps.iter().any(|step| step.contains("SCAN") || step.contains("TEMP B-TREE"));
            assert!(!bad, "{steps:?}");
        }
    }
}
