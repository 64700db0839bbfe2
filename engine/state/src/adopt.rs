//! Taking over the state that Terraform left: its file stays as it is, and is watched for changes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use terrarium_address::Name;
use terrarium_provider::SharedError;

use crate::edit::is_fresh;
use crate::{Adopted, Batch, DEFAULT_WORKSPACE, State, v4};

/// A `backend "local"` block's arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalBackend {
    /// `path`.
    pub path: Option<PathBuf>,
    /// `workspace_dir`.
    pub workspace_dir: Option<PathBuf>,
}

/// Where Terraform may have left a state.
#[derive(Clone, Debug)]
pub struct Places {
    /// The directory of the configuration.
    pub dir: PathBuf,
    /// Terraform's data directory: `.terraform` in it, or `TF_DATA_DIR`.
    pub data_dir: PathBuf,
    /// The configuration's `backend "local"` block; `None`: it has no backend block.
    pub backend: Option<LocalBackend>,
    /// The selected workspace.
    pub workspace: Name,
    /// The size in bytes up to which a state is taken over.
    pub largest_bytes: usize,
}

/// What there is to take over.
#[derive(Clone, Debug, PartialEq)]
pub enum Adoption {
    /// Nothing: there is no file, or it was taken over and has not changed.
    Nothing,
    /// This.
    Take(Box<Found>),
    /// There is a file with objects in it, but there is a state of our own already, which never came
    /// from it. The file is not used; the user should know.
    Beside(PathBuf),
}

/// A state of Terraform.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The state.
    pub state: State,
    /// Where it was found, and how it looked.
    pub adopted: Adopted,
}

impl Found {
    /// Returns the batch that takes it over. Its objects are bound to a realm by the first login whose
    /// reads find them.
    pub fn batch(&self) -> Batch {
        Batch {
            replace: Some(self.state.clone().into()),
            adopted: Some(self.adopted.clone()),
            ..Batch::default()
        }
    }
}

/// Why nothing can be taken over, and nothing else should happen either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// A file can't be read.
    #[error("cannot read {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        #[source]
        cause: SharedError,
    },
    /// A file is no state.
    #[error("{path} is no state that can be taken over: {cause}")]
    State {
        /// The file.
        path: String,
        /// Why.
        #[source]
        cause: v4::V4Error,
    },
    /// Terraform keeps its state elsewhere.
    #[error(
        "Terraform keeps the state of this configuration in a \"{kind}\" backend, which is not supported"
    )]
    Backend {
        /// The backend's type.
        kind: String,
        /// The file that says so.
        path: String,
    },
    /// Terraform went on after its state was taken over.
    #[error("Terraform changed {path} after terrarium took the state over")]
    Changed {
        /// The file.
        path: String,
    },
}

impl AdoptError {
    /// Says what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::File { .. } => "make the file readable, or move it away".into(),
            Self::State { cause, .. } => cause.help().into(),
            Self::Backend { path, .. } => format!(
                "run `terraform state pull > pulled.tfstate`, then `terrarium state push \
                 pulled.tfstate`; if there is nothing to keep, remove {path}"
            ),
            Self::Changed { path } => format!(
                "two tools must not share one state: to go on with terrarium's, move {path} away; to \
                 take Terraform's, run `terrarium state push -force {path}`"
            ),
        }
    }
}

/// Terraform's own note of the backend it was initialised with.
#[derive(Deserialize, Default)]
struct Recorded {
    #[serde(default)]
    backend: Option<RecordedBackend>,
}

#[derive(Deserialize)]
struct RecordedBackend {
    r#type: String,
    #[serde(default)]
    config: Option<RecordedConfig>,
}

#[derive(Deserialize, Default)]
struct RecordedConfig {
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default)]
    workspace_dir: Option<PathBuf>,
}

/// Looks what there is to take over into a state of ours.
pub fn look(places: &Places, own: &State) -> Result<Adoption, AdoptError> {
    let is_new = is_fresh(own) && own.adopted.is_none();
    let path = match state_file(places) {
        // Whoever has a state of their own has found the way out already.
        Err(AdoptError::Backend { .. }) if !is_new => return Ok(Adoption::Nothing),
        path => path?,
    };
    let name = named(places, &path);
    if let Some(before) = own.adopted.as_ref().filter(|before| before.path == name) {
        return match hash_of(&path)? {
            Some(hash) if hash != before.hash => Err(AdoptError::Changed { path: name }),
            _ => Ok(Adoption::Nothing),
        };
    }
    let Some(bytes) = read(&path)? else { return Ok(Adoption::Nothing) };
    let adopted = Adopted { path: name, hash: hash(&bytes) };
    // Terraform makes the file before there is a state to write, and reads an empty one as none. Where a backup has
    // something, a state was lost.
    if bytes.is_empty() && read(&backup(&path))?.is_none_or(|backup| backup.is_empty()) {
        return Ok(Adoption::Nothing);
    }
    let state = v4::read_within(&bytes, places.largest_bytes)
        .map_err(|cause| AdoptError::State { path: adopted.path.clone(), cause });
    if is_new {
        return Ok(Adoption::Take(Box::new(Found { state: state?, adopted })));
    }
    // Not ours to judge; but what has no objects can't be missed.
    match state {
        Ok(state) if state.resources.is_empty() => Ok(Adoption::Nothing),
        _ => Ok(Adoption::Beside(path)),
    }
}

/// Returns the file in which Terraform keeps the workspace's state, whether it exists or not.
pub fn state_file(places: &Places) -> Result<PathBuf, AdoptError> {
    let backend = match &places.backend {
        Some(backend) => backend.clone(),
        None => recorded(places)?.unwrap_or_default(),
    };
    Ok(if &*places.workspace == DEFAULT_WORKSPACE {
        let path = backend.path.unwrap_or_else(|| "terraform.tfstate".into());
        places.dir.join(path)
    } else {
        workspaces_dir(places, &backend).join(&*places.workspace).join("terraform.tfstate")
    })
}

/// Lists the workspaces of which Terraform has a state, besides the default one.
pub fn terraform_workspaces(places: &Places) -> Result<Vec<String>, AdoptError> {
    let backend = match &places.backend {
        Some(backend) => backend.clone(),
        None => recorded(places)?.unwrap_or_default(),
    };
    let dir = workspaces_dir(places, &backend);
    let failed = |error: std::io::Error| AdoptError::File {
        path: dir.display().to_string(),
        cause: SharedError::of(error),
    };
    let entries = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let has_state = entry.path().join("terraform.tfstate").is_file();
        if let (true, Ok(name)) = (has_state, entry.file_name().into_string()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Returns the workspace that Terraform has selected, where it has noted one.
pub fn terraform_workspace(data_dir: &Path) -> Result<Option<String>, AdoptError> {
    let bytes = read(&data_dir.join("environment"))?;
    let name = bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok(name.filter(|name| !name.is_empty()))
}

/// Returns the lock file that Terraform makes while it works on a state file.
pub fn terraform_lock(state_file: &Path) -> PathBuf {
    let name = state_file.file_name().unwrap_or_default().to_string_lossy();
    state_file.with_file_name(format!(".{name}.lock.info"))
}

/// Returns the copy of the state before the last change that Terraform keeps beside a state file.
fn backup(state_file: &Path) -> PathBuf {
    let mut name = state_file.as_os_str().to_owned();
    name.push(".backup");
    name.into()
}

/// Returns what identifies the content of an adopted file.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Returns the same of a file, without holding it: a state of hundreds of megabytes is looked at by every command.
fn hash_of(path: &Path) -> Result<Option<String>, AdoptError> {
    let mut hasher = blake3::Hasher::new();
    let read = std::fs::File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut hasher));
    Ok(there(path, read)?.map(|_| hasher.finalize().to_hex().to_string()))
}

fn workspaces_dir(places: &Places, backend: &LocalBackend) -> PathBuf {
    let dir = backend.workspace_dir.as_deref();
    places.dir.join(dir.unwrap_or_else(|| Path::new("terraform.tfstate.d")))
}

/// Reads which backend Terraform was initialised with; a local one is honoured.
fn recorded(places: &Places) -> Result<Option<LocalBackend>, AdoptError> {
    let path = places.data_dir.join("terraform.tfstate");
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let recorded: Recorded = serde_json::from_slice(&bytes).map_err(|error| AdoptError::File {
        path: named(places, &path),
        cause: SharedError::of(error),
    })?;
    match recorded.backend {
        None => Ok(None),
        Some(RecordedBackend { r#type, config }) if r#type == "local" => {
            let RecordedConfig { path, workspace_dir } = config.unwrap_or_default();
            Ok(Some(LocalBackend { path, workspace_dir }))
        }
        Some(backend) => {
            Err(AdoptError::Backend { kind: backend.r#type, path: named(places, &path) })
        }
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, AdoptError> {
    there(path, std::fs::read(path))
}

/// Returns what was read of a file; `None` where there is none.
fn there<T>(path: &Path, read: std::io::Result<T>) -> Result<Option<T>, AdoptError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(AdoptError::File {
            path: path.display().to_string(),
            cause: SharedError::of(error),
        }),
    }
}

/// Names a file from the configuration's directory, so that the directory can be moved.
fn named(places: &Places, path: &Path) -> String {
    path.strip_prefix(&places.dir).unwrap_or(path).display().to_string()
}
