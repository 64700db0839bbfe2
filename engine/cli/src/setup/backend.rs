//! Where the `backend "local"` block puts the state: a database of the name that it gives to Terraform's file.
//!
//! Two environments in one directory that differ in `path` have two databases, as they have two files with Terraform.

use std::path::{Path, PathBuf};

use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_lang::config::Backend;
use terrarium_state::Location;
use terrarium_state::adopt::LocalBackend;

use super::{config, store};
use crate::codes;
use crate::context::{Context, Failed};

/// The database of a directory whose backend says nothing else.
const USUAL: &str = "terrarium.db";
/// Terraform's file where its backend says nothing else, and the folder of its workspaces.
const DEFAULTS: (&str, &str) = ("terraform.tfstate", "terraform.tfstate.d");
/// How the database of another path ends: `prod.tfstate` is kept in `prod.terrarium.db`.
const ENDING: &str = "terrarium.db";

/// Returns what the backend block of a configuration says.
pub(crate) fn of(config: &Configuration) -> Option<LocalBackend> {
    let backend = config.root()?.backend.as_ref()?;
    (&*backend.kind == "local").then(|| LocalBackend {
        path: argument(backend, "path"),
        workspace_dir: argument(backend, "workspace_dir"),
    })
}

fn argument(backend: &Backend, name: &str) -> Option<PathBuf> {
    let value = backend.body.attribute(name)?.constant()?;
    value.as_str().map(PathBuf::from)
}

/// Returns what the backend block says to a command that may not have read the configuration.
pub(crate) fn local(context: &Context) -> Option<LocalBackend> {
    if let Some(known) = context.backend.get() {
        return known.clone();
    }
    // Commands on the state don't read a configuration that can't have such a block.
    if mentions_backend(&context.dir) {
        let _read = config::load(context);
    }
    context.backend.get().cloned().flatten()
}

fn mentions_backend(dir: &Path) -> bool {
    let files = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let sources = files.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file() && (name.ends_with(".tf") || name.ends_with(".tf.json"))
    });
    let mut texts = sources.filter_map(|path| std::fs::read(path).ok());
    texts.any(|text| String::from_utf8_lossy(&text).contains("backend"))
}

/// Puts the database where the backend block says.
pub(crate) fn place(context: &Context, location: &mut Location) {
    if let Some(path) = local(context).and_then(|backend| backend.path) {
        location.db = database(&context.dir, &path);
        let mut lock = location.db.clone().into_os_string();
        lock.push("-lock");
        location.lock = lock.into();
    }
}

/// Returns the database for a path of Terraform's file.
fn database(dir: &Path, path: &Path) -> PathBuf {
    let bare = path.strip_prefix(".").unwrap_or(path);
    if bare == Path::new(DEFAULTS.0) {
        return dir.join(USUAL);
    }
    let path = dir.join(path);
    if path.extension().is_some_and(|extension| extension == "tfstate") {
        return path.with_extension(ENDING);
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// Refuses to begin with an empty state where this directory has another one: its backend was changed.
pub(crate) fn settled(context: &Context) -> Result<(), Failed> {
    if context.seams.backend.is_some() {
        return Ok(());
    }
    let chosen = store::location(context).db;
    if chosen.exists() {
        return Ok(());
    }
    let Some(other) = others(&context.dir).into_iter().next() else { return Ok(()) };
    let (old, new) = (context.shown(&other), context.shown(&chosen));
    Err(Diagnostic::error(codes::BACKEND, "Backend configuration changed")
        .detail(format!(
            "This directory has a state in {old}. Its backend now puts the state into {new}, which does not exist: \
             everything would be made a second time."
        ))
        .help(format!(
            "To begin with a state of its own, run `terrarium init -reconfigure`. To take the state along, move each \
             file whose name begins with {old} to the same name with {new}, while no command runs. Otherwise put the \
             `path` of the backend back."
        ))
        .into())
}

/// Lists the databases in a directory.
fn others(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<PathBuf> = files
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name == USUAL || name.ends_with(&format!(".{ENDING}"))
        })
        .collect();
    found.sort();
    found
}

/// Refuses a backend other than `local`, and what a `local` one says that would not be done.
pub(crate) fn check(config: &Configuration) -> Diagnostics {
    let Some(backend) = config.root().and_then(|root| root.backend.as_ref()) else {
        return Diagnostics::new();
    };
    if &*backend.kind != "local" {
        return unsupported(backend).into();
    }
    backend
        .body
        .attributes()
        .filter_map(|(name, value)| {
            let given = value.constant();
            let text = given.as_ref().and_then(|given| given.as_str());
            let is_null = given.as_ref().is_some_and(terrarium_value::Value::is_null);
            match &**name {
                "path" if is_null || text.is_some_and(|text| !text.is_empty()) => None,
                "workspace_dir" if is_null || text == Some(DEFAULTS.1) => None,
                "path" => Some(Diagnostic::error(codes::BACKEND, "Invalid path of a state").detail(
                    "The path must be a text that is not empty: a backend is chosen before variables have values.",
                )),
                "workspace_dir" => Some(
                    Diagnostic::error(codes::BACKEND, "Unsupported argument of a backend")
                        .detail(
                            "All workspaces of a directory are kept in one database; no folder is chosen for them.",
                        )
                        .help(
                            "Take the argument away. For each workspace that Terraform has there, run `terraform state \
                             pull > FILE`, select the workspace, and run `terrarium state push FILE`.",
                        ),
                ),
                _ => Some(
                    Diagnostic::error(codes::BACKEND, "Unsupported argument of a backend")
                        .detail(format!("A backend \"local\" has no argument {:?}.", &**name)),
                ),
            }
            .map(|error| error.at(value.span(), "this argument"))
        })
        .collect()
}

fn unsupported(backend: &Backend) -> Diagnostic {
    Diagnostic::error(codes::BACKEND, "Unsupported backend")
        .detail(format!(
            "The state is kept in terrarium.db beside the configuration; a backend of type {:?} is not supported, and \
             is never taken for an empty state.",
            &*backend.kind
        ))
        .at(backend.span, "this backend")
        .help(
            "Fetch the state with `terraform state pull > terraform.tfstate`, take this block away, and run \
             `terrarium init`: it takes the file over. `init -backend=false` checks the rest without a state.",
        )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::database;

    #[test]
    fn a_database_has_the_name_of_the_file() {
        for (path, expected) in [
            ("terraform.tfstate", "./terrarium.db"),
            ("./terraform.tfstate", "./terrarium.db"),
            ("a.tfstate", "./a.terrarium.db"),
            ("states/prod.tfstate", "./states/prod.terrarium.db"),
            ("prod", "./prod.terrarium.db"),
            ("prod.state", "./prod.state.terrarium.db"),
            ("/var/x.tfstate", "/var/x.terrarium.db"),
        ] {
            assert_eq!(database(Path::new("."), Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
