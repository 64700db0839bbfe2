//! Terrarium with its states kept in memory, by a backend that the command line knows nothing of: the arguments are
//! commands with a `then` between them, all of one process. `hold` is somebody who takes the lock under the id
//! `another-one`, and never gives it back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use terrarium_address::ResourceAddr;
use terrarium_cli::context::Seams;
use terrarium_cli::env::Env;
use terrarium_state::{
    Backend, DEFAULT_WORKSPACE, Instance, LockError, LockRequest, LockScope, MemoryDisk,
    MemoryStore, Script, Store, StoreError, WorkspaceError,
};

#[tokio::main(flavor = "current_thread")]
async fn hold(backend: &dyn Backend) -> Result<Arc<dyn Store>, LockError> {
    let store = backend.open(DEFAULT_WORKSPACE).await?;
    let request = LockRequest {
        id: "another-one".into(),
        scope: LockScope::Workspace,
        operation: "apply".into(),
        who: "somebody@elsewhere".into(),
        version: String::new(),
        at: jiff::Timestamp::UNIX_EPOCH,
        timeout: Duration::ZERO,
    };
    store.lock(request).await.map(|_fence| store)
}

fn main() -> ExitCode {
    let backend = Arc::new(Memories::default());
    let seams = Seams { backend: Some(backend.clone()), ..Seams::default() };
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Who holds a lock holds it as long as their store lives.
    let mut holders = Vec::new();
    let mut code = 0;
    for command in args.split(|arg| arg == "then") {
        match command {
            [word] if word == "hold" => holders.extend(hold(&*backend)),
            command => {
                code = terrarium_cli::run_over(command.to_vec(), Env::of_process(), seams.clone());
            }
        }
    }
    ExitCode::from(code)
}

/// The states of workspaces, as long as the process lives.
#[derive(Default)]
struct Memories(Mutex<BTreeMap<String, MemoryDisk>>);

impl Memories {
    fn disks(&self) -> MutexGuard<'_, BTreeMap<String, MemoryDisk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self, workspace: &str) -> MemoryDisk {
        let fresh = || MemoryDisk::new(Script::Calm);
        self.disks().entry(workspace.to_owned()).or_insert_with(fresh).clone()
    }
}

#[async_trait]
impl Backend for Memories {
    async fn open(&self, workspace: &str) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(MemoryStore::open(self.disk(workspace))))
    }

    async fn workspaces(&self) -> Result<Vec<String>, StoreError> {
        self.disk(DEFAULT_WORKSPACE);
        Ok(self.disks().keys().cloned().collect())
    }

    async fn create_workspace(&self, name: &str, _seed: &str) -> Result<(), WorkspaceError> {
        self.disk(name);
        Ok(())
    }

    async fn delete_workspace(&self, name: &str, _force: bool) -> Result<(), WorkspaceError> {
        self.disks().remove(name);
        Ok(())
    }

    async fn force_unlock(&self, workspace: &str, id: &str) -> Result<(), LockError> {
        self.disk(workspace).force_unlock(id)
    }

    async fn resources_at(
        &self,
        workspace: &str,
        _serial: u64,
    ) -> Result<BTreeMap<ResourceAddr, Instance>, StoreError> {
        Ok(MemoryStore::open(self.disk(workspace)).load().await?.resources)
    }

    async fn backup(&self, _to: &Path) -> Result<(), StoreError> {
        Err(StoreError::Other("nothing of it is a file".into()))
    }

    async fn accept(&self, _workspace: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
