//! The configuration: what the files of a module tree declare.

mod assemble;
mod fields;
pub(crate) mod literal;
mod load;
mod lower;
mod module;
mod references;
mod resource;
mod text;
mod traversal;
mod variable;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use terrarium_address::{ConfigAddr, ModulePath};

pub use crate::block_ref::BlockRef;
pub use load::load;
pub use module::{
    Backend, Check, Import, Local, Module, ModuleCall, Moved, Output, ProviderBlock, ProviderRef,
    Removed, RequiredVersion, Requirement, Rule, Validation, Variable,
};
pub use references::check_references;
pub use resource::{IgnoreChanges, Lifecycle, Provisioner, Resource};
pub use text::BlockText;
pub(crate) use variable::reason;

/// A module tree: the root module and all that it calls, however deep.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The directory of the root module, as given.
    pub dir: PathBuf,
    /// Every module by its path in the configuration (no instance keys); the root under the empty
    /// path. Calls of one directory share the [`Module`].
    pub modules: BTreeMap<ModulePath, Arc<Module>>,
}

impl Configuration {
    /// Returns the module at a path; instance keys are left aside.
    pub fn module(&self, path: &ModulePath) -> Option<&Arc<Module>> {
        self.modules.get(&path.config())
    }

    /// Returns the block of an address; instance keys are left aside.
    pub fn resource(&self, block: &ConfigAddr) -> Option<&Resource> {
        let module = self.module(&block.module)?;
        module.resources.get(&BlockRef::of(block)).map(|resource| &**resource)
    }

    /// Returns whether a module has an output of this name: a `depends_on` of one that it has not means the whole
    /// module.
    pub fn has_output(&self, path: &ModulePath, output: &str) -> bool {
        self.module(path).is_some_and(|module| module.outputs.contains_key(output))
    }

    /// Returns the root module; `None` only for a configuration that could not be loaded at all.
    pub fn root(&self) -> Option<&Arc<Module>> {
        self.modules.get(&ModulePath::root())
    }
}
