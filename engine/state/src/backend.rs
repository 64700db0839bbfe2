//! Where states are kept: what is asked of the place, beside the state of one workspace.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use terrarium_address::ResourceAddr;

use crate::{Instance, Location, LockError, SqliteStore, Store, StoreError, WorkspaceError};

/// A place that keeps the states of a configuration's workspaces.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Opens the store of a workspace; the workspace need not exist.
    async fn open(&self, workspace: &str) -> Result<Arc<dyn Store>, StoreError>;

    /// Lists the workspaces, by name; `default` is always among them.
    async fn workspaces(&self) -> Result<Vec<String>, StoreError>;

    /// Makes an empty workspace. `seed` is a fresh UUID, from which its lineage is drawn.
    async fn create_workspace(&self, name: &str, seed: &str) -> Result<(), WorkspaceError>;

    /// Deletes a workspace and its history; one that tracks objects only by force. The caller holds its
    /// lock.
    async fn delete_workspace(&self, name: &str, force: bool) -> Result<(), WorkspaceError>;

    /// Takes the lock from whoever holds it under this id: what that holder still writes is refused.
    async fn force_unlock(&self, workspace: &str, id: &str) -> Result<(), LockError>;

    /// Returns the resources as they were when the command of that serial had ended.
    async fn resources_at(
        &self,
        workspace: &str,
        serial: u64,
    ) -> Result<BTreeMap<ResourceAddr, Instance>, StoreError>;

    /// Writes a copy of everything, all workspaces, to a file that does not exist yet.
    async fn backup(&self, to: &Path) -> Result<(), StoreError>;

    /// Takes what is there for the state, although it is not what was written last.
    async fn accept(&self, workspace: &str) -> Result<(), StoreError>;
}

#[async_trait]
impl Backend for Location {
    async fn open(&self, workspace: &str) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(SqliteStore::open(self.clone(), workspace)?))
    }

    async fn workspaces(&self) -> Result<Vec<String>, StoreError> {
        SqliteStore::workspaces(self)
    }

    async fn create_workspace(&self, name: &str, seed: &str) -> Result<(), WorkspaceError> {
        SqliteStore::create_workspace(self, name, seed)
    }

    async fn delete_workspace(&self, name: &str, force: bool) -> Result<(), WorkspaceError> {
        SqliteStore::delete_workspace(self, name, force)
    }

    async fn force_unlock(&self, workspace: &str, id: &str) -> Result<(), LockError> {
        // A Terraform that was killed leaves its lock behind, beside ours.
        if let Some(path) = &self.terraform_lock
            && crate::lock::break_terraform(path, id)?
        {
            return Ok(());
        }
        SqliteStore::open(self.clone(), workspace)?.force_unlock(id).await
    }

    async fn resources_at(
        &self,
        workspace: &str,
        serial: u64,
    ) -> Result<BTreeMap<ResourceAddr, Instance>, StoreError> {
        SqliteStore::open(self.clone(), workspace)?.resources_at(serial).await
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        SqliteStore::open(self.clone(), crate::DEFAULT_WORKSPACE)?.backup(to.to_owned()).await
    }

    async fn accept(&self, workspace: &str) -> Result<(), StoreError> {
        SqliteStore::open(self.clone(), workspace)?.accept().await
    }
}
