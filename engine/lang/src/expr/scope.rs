//! What an expression can see: the scope, given by whoever evaluates it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use terrarium_address::InstanceKey;
use terrarium_diagnostic::Diagnostic;
use terrarium_value::Value;

use super::limits::Limits;
use super::parts::{EachPart, PathPart, TerraformPart};
use crate::block_ref::BlockRef;

/// A looked-up value, or why there is none. The evaluator adds the span.
pub type ScopeResult = Result<Value, Box<Diagnostic>>;

/// The names that an expression can see. `engine/core` implements it and records there what was read.
pub trait Scope {
    /// Returns `var.NAME`.
    fn variable(&self, name: &str) -> ScopeResult;

    /// Returns `local.NAME`.
    fn local(&self, name: &str) -> ScopeResult;

    /// Returns a resource: one instance, or with no key the whole block (an object without
    /// `count` and `for_each`, a tuple with `count`, an object by key with `for_each`).
    fn resource(&self, block: &BlockRef, key: Option<&InstanceKey>) -> ScopeResult;

    /// Returns an output of a module call, or the object of all of them; without a key of a call that
    /// has `count` or `for_each`, the tuple or object of all instances (then `output` is `None`).
    fn module(&self, name: &str, key: Option<&InstanceKey>, output: Option<&str>) -> ScopeResult;

    /// Returns `each.key` or `each.value`.
    fn each(&self, part: EachPart) -> ScopeResult;

    /// Returns `count.index`.
    fn count_index(&self) -> ScopeResult;

    /// Returns `self`.
    fn this(&self) -> ScopeResult;

    /// Returns `path.module`, `path.root` or `path.cwd`.
    fn path(&self, part: PathPart) -> ScopeResult;

    /// Returns `terraform.workspace` or `terraform.applying`.
    fn terraform(&self, part: TerraformPart) -> ScopeResult;

    /// Returns what functions need of the outside.
    fn environment(&self) -> &Environment;
}

/// What functions need of the outside.
#[derive(Clone)]
pub struct Environment {
    /// Directory that relative paths of `file()` and the like start from: the working directory.
    pub base_dir: PathBuf,
    /// The file system.
    pub files: Arc<dyn Files>,
    /// The instant of the run, for `timestamp()` and `plantimestamp()`.
    pub now: Timestamp,
    /// Whether this is a plan: then `timestamp()`, `uuid()` and `bcrypt()` are unknown.
    pub planning: bool,
    /// The user's home directory, for paths that begin with `~`.
    pub home: Option<PathBuf>,
    /// What one evaluation may cost.
    pub limits: Limits,
    /// Is told of each sensitive value that `nonsensitive` gives free.
    pub freed: Option<Freed>,
}

/// Takes a value that was sensitive and may be shown from now on.
pub type Freed = Arc<dyn Fn(&Value) + Send + Sync>;

impl Environment {
    /// Returns the environment of a plan, without a home directory.
    pub fn new(base_dir: impl Into<PathBuf>, files: Arc<dyn Files>, now: Timestamp) -> Self {
        let base_dir = base_dir.into();
        let limits = Limits::default();
        Self { base_dir, files, now, planning: true, home: None, limits, freed: None }
    }
}

/// The file system, as far as the language reads it.
pub trait Files: Send + Sync {
    /// Returns a file's bytes.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Lists the names in a directory, each with whether it is a directory itself.
    fn list(&self, dir: &Path) -> io::Result<Vec<(String, bool)>>;

    /// Returns whether it is a regular file.
    fn is_file(&self, path: &Path) -> bool;

    /// Is told what a search found: the directory, the pattern, and the names in their order. Somebody
    /// who records what was read needs it, since listings hold names that did not matter.
    fn found(&self, _dir: &Path, _pattern: &str, _names: &[String]) {}

    /// Returns the size in bytes up to which a source text is read.
    fn largest_source(&self) -> usize {
        crate::files::MAX_SOURCE_BYTES
    }
}
