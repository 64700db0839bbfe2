//! The row of a workspace: its identity, who may write, and how far it is.

use rusqlite::{Connection, OptionalExtension, params};

use super::row::{int, uint};
use super::sum;

type Sql<T> = rusqlite::Result<T>;

/// A workspace's own row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WorkspaceRow {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) lineage: String,
    pub(super) serial: u64,
    pub(super) epoch: u64,
    /// Id of the lock; `None`: nobody holds it.
    pub(super) holder: Option<String>,
    /// The epoch whose command raised the serial.
    pub(super) raised_in: u64,
    pub(super) next_intent: u64,
    /// Transactions so far.
    pub(super) commits: u64,
    /// What the command of the serial has changed so far.
    pub(super) changed: u64,
    /// Exclusive or of the sums of all objects.
    pub(super) objects: i64,
}

impl WorkspaceRow {
    /// Makes the row of a new workspace.
    pub(super) fn make(sql: &Connection, name: &str, lineage: &str) -> Sql<Self> {
        let id = sql.query_row(
            "SELECT 1 + max(ifnull((SELECT max(id) FROM workspace), 0),
                            ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'workspace'), 0))",
            [],
            |row| row.get(0),
        )?;
        let row = Self {
            id,
            name: name.to_owned(),
            lineage: lineage.to_owned(),
            serial: 0,
            epoch: 0,
            holder: None,
            raised_in: 0,
            next_intent: 1,
            commits: 0,
            changed: 0,
            objects: 0,
        };
        row.write(sql)?;
        Ok(row)
    }

    /// Reads the row of a workspace, where it has one.
    pub(super) fn read(sql: &Connection, name: &str) -> Sql<Option<Self>> {
        sql.prepare_cached(
            "SELECT id, name, lineage, serial, epoch, holder, raised_in, next_intent, commits,
                    changed, objects, sum
             FROM workspace WHERE name = ?1",
        )?
        .query_row([name], |row| {
            sum::verify(row, 11, "workspace")?;
            Ok(Self {
                id: row.get(0)?,
                name: row.get(1)?,
                lineage: row.get(2)?,
                serial: uint(row.get(3)?),
                epoch: uint(row.get(4)?),
                holder: row.get(5)?,
                raised_in: uint(row.get(6)?),
                next_intent: uint(row.get(7)?),
                commits: uint(row.get(8)?),
                changed: uint(row.get(9)?),
                objects: row.get(10)?,
            })
        })
        .optional()
    }

    /// Writes the row.
    pub(super) fn write(&self, sql: &Connection) -> Sql<()> {
        let mut statement = sql.prepare_cached(
            "INSERT INTO workspace VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET
                 lineage = ?3, serial = ?4, epoch = ?5, holder = ?6, raised_in = ?7,
                 next_intent = ?8, commits = ?9, changed = ?10, objects = ?11, sum = ?12",
        )?;
        let columns = params![
            self.id,
            self.name,
            self.lineage,
            int(self.serial),
            int(self.epoch),
            self.holder,
            int(self.raised_in),
            int(self.next_intent),
            int(self.commits),
            int(self.changed),
            self.objects,
        ];
        sum::write(&mut statement, columns).map(drop)
    }
}
