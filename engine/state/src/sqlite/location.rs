//! Where the files of the embedded store stand.

use std::path::{Path, PathBuf};

/// Where the store's files stand, and what is special about that place.
#[derive(Clone, Debug)]
pub struct Location {
    /// The database.
    pub db: PathBuf,
    /// The lock of the workspace `default`; other workspaces add a dot and their name.
    pub lock: PathBuf,
    /// Terraform's lock file; while it exists, Terraform is at work.
    pub terraform_lock: Option<PathBuf>,
    /// Whether the files are on a network file system, where a write-ahead log can't be shared.
    pub network: bool,
    /// The largest size that the database may grow to; `None`: as the disk allows.
    pub size_limit_bytes: Option<u64>,
}

impl Location {
    /// Returns the usual place: `terrarium.db` beside the configuration.
    pub fn beside(configuration: &Path) -> Self {
        Self {
            db: configuration.join("terrarium.db"),
            lock: configuration.join("terrarium.db-lock"),
            terraform_lock: Some(configuration.join(".terraform.tfstate.lock.info")),
            network: false,
            size_limit_bytes: None,
        }
    }

    /// Returns the lock file of a workspace.
    pub(super) fn lock_of(&self, workspace: &str) -> PathBuf {
        of_workspace(self.lock.clone().into_os_string(), workspace)
    }

    /// Returns the file in which it is noted how far a workspace is.
    pub(super) fn head_of(&self, workspace: &str) -> PathBuf {
        let mut name = self.db.clone().into_os_string();
        name.push("-head");
        of_workspace(name, workspace)
    }
}

/// Names a workspace's own file; that of `default` has the bare name.
fn of_workspace(mut name: std::ffi::OsString, workspace: &str) -> PathBuf {
    if workspace != DEFAULT_WORKSPACE {
        name.push(".");
        name.push(workspace);
    }
    name.into()
}

/// The workspace that always exists.
pub const DEFAULT_WORKSPACE: &str = "default";
