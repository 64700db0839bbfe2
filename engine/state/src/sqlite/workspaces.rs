//! Workspaces: list, make, delete.

use super::head_file::HeadFile;
use super::workspace_row::WorkspaceRow;
use super::{DEFAULT_WORKSPACE, Location, SqliteStore, fresh_lineage, schema};
use crate::StoreError;

/// Why a workspace can't be made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Its name can't be one.
    #[error(
        "\"{0}\" can't name a workspace: use letters, digits and -._~ (what needs no escape in a URL)"
    )]
    Name(String),
    /// There is one already.
    #[error("workspace \"{0}\" exists already")]
    Exists(String),
    /// There is none.
    #[error("workspace \"{0}\" doesn't exist")]
    Missing(String),
    /// The default one stays.
    #[error("workspace \"default\" can't be deleted")]
    Default,
    /// It is not empty.
    #[error("workspace \"{name}\" still tracks {objects} objects{}", if *.intents > 0 { " and has unfinished operations" } else { "" })]
    NotEmpty {
        /// The workspace.
        name: String,
        /// How many objects its state has.
        objects: u64,
        /// How many intents have no outcome.
        intents: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns whether a text can name a workspace: Terraform's rule, what a URL path needs no escape for.
pub fn is_workspace_name(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~$&+:=@".contains(&b))
}

/// The tables that have rows of a workspace, beside its own.
const TABLES: [&str; 11] = [
    "note",
    "realm",
    "instance_set",
    "object",
    "former",
    "husk",
    "output",
    "scheduled",
    "trial",
    "intent",
    "history",
];

impl SqliteStore {
    /// Lists the workspaces, by name; `default` is always among them.
    pub fn workspaces(location: &Location) -> Result<Vec<String>, StoreError> {
        let mut names = vec![DEFAULT_WORKSPACE.to_owned()];
        if let Some(sql) = schema::open(location)? {
            let explain = |error: rusqlite::Error| schema::explain(&location.db, error);
            let mut statement = sql.prepare("SELECT name FROM workspace").map_err(explain)?;
            let found = statement.query_map([], |row| row.get(0)).map_err(explain)?;
            names.extend(found.collect::<Result<Vec<String>, _>>().map_err(explain)?);
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Makes an empty workspace. `seed` is a fresh UUID, from which its lineage is drawn.
    pub fn create_workspace(
        location: &Location,
        name: &str,
        seed: &str,
    ) -> Result<(), WorkspaceError> {
        if !is_workspace_name(name) {
            return Err(WorkspaceError::Name(name.into()));
        }
        let mut sql = match schema::open(location)? {
            Some(sql) => sql,
            None => schema::create(location)?,
        };
        let explain = |error: rusqlite::Error| schema::explain(&location.db, error);
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let sql = sql.transaction_with_behavior(behavior).map_err(explain)?;
        if name == DEFAULT_WORKSPACE || WorkspaceRow::read(&sql, name).map_err(explain)?.is_some() {
            return Err(WorkspaceError::Exists(name.into()));
        }
        WorkspaceRow::make(&sql, name, &fresh_lineage(seed)).map_err(explain)?;
        sql.commit().map_err(explain)?;
        Ok(())
    }

    /// Deletes a workspace and its history; one that tracks objects only by force.
    ///
    /// The caller holds its lock.
    pub fn delete_workspace(
        location: &Location,
        name: &str,
        force: bool,
    ) -> Result<(), WorkspaceError> {
        if name == DEFAULT_WORKSPACE {
            return Err(WorkspaceError::Default);
        }
        let explain = |error: rusqlite::Error| schema::explain(&location.db, error);
        let missing = || WorkspaceError::Missing(name.into());
        let mut sql = schema::open(location)?.ok_or_else(missing)?;
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let sql = sql.transaction_with_behavior(behavior).map_err(explain)?;
        let found = sql.query_row(
            "SELECT id, (SELECT count(*) FROM object WHERE workspace = id),
                    (SELECT count(*) FROM intent WHERE workspace = w.id)
             FROM workspace w WHERE name = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        );
        let (id, objects, intents): (i64, i64, i64) = match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => return Err(missing()),
            found => found.map_err(explain)?,
        };
        if (objects > 0 || intents > 0) && !force {
            let (objects, intents) = (super::row::uint(objects), super::row::uint(intents));
            return Err(WorkspaceError::NotEmpty { name: name.into(), objects, intents });
        }
        for table in TABLES {
            sql.execute(&format!("DELETE FROM {table} WHERE workspace = ?1"), [id])
                .map_err(explain)?;
        }
        sql.execute("DELETE FROM workspace WHERE id = ?1", [id]).map_err(explain)?;
        // First: what is noted of a workspace that is not there any more would be held against a new one.
        HeadFile::remove(&location.head_of(name))?;
        sql.commit().map_err(explain)?;
        Ok(())
    }
}
