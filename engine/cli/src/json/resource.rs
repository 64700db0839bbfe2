//! Parts that plans and states share: addresses, modules, resources.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_address::{InstanceKey, Mode, ModulePath, ResourceAddr};
use terrarium_state::Dep;

use super::time::{Ending, Term};

/// Where a resource stands, key by key.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    pub(super) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) module_address: Option<String>,
    pub(super) mode: &'static str,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<Index>,
    pub(super) provider_name: String,
}

/// An instance key.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Index {
    Number(u64),
    Text(String),
}

/// A resource with its values.
#[derive(Debug, Serialize)]
pub(super) struct Resource {
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) schema_version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Box<RawValue>>,
    pub(super) sensitive_values: Box<RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) depends_on: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) tainted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deposed_key: Option<String>,
    #[serde(rename = "terrarium", skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Lifetime>,
}

/// When a recorded object exists, and since when it is ended.
#[derive(Debug, Serialize)]
pub(super) struct Lifetime {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Term>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ending>,
}

/// A module instance with its resources and those below it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Module {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) resources: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) child_modules: Vec<Module>,
}

/// Returns the place of a resource; in a tree of modules its own module is left out.
pub(super) fn place(addr: &ResourceAddr, provider: &str) -> Place {
    let module = &addr.block.module;
    Place {
        address: addr.to_string(),
        module_address: (!module.is_root()).then(|| module.to_string()),
        mode: if addr.block.mode == Mode::Data { "data" } else { "managed" },
        kind: addr.block.kind.to_string(),
        name: addr.block.name.to_string(),
        index: index(&addr.key),
        provider_name: provider_name(provider).to_owned(),
    }
}

/// Returns an instance key; `None` for a single instance.
pub(super) fn index(key: &InstanceKey) -> Option<Index> {
    match key {
        InstanceKey::None => None,
        InstanceKey::Int(at) => Some(Index::Number(*at)),
        InstanceKey::Str(key) => Some(Index::Text(key.to_string())),
    }
}

/// Returns the blocks that an object depends on, as Terraform writes them.
pub(super) fn depends_on(deps: &[Dep]) -> Vec<String> {
    let blocks: BTreeSet<String> =
        deps.iter().flat_map(Dep::blocks).map(|block| block.config().to_string()).collect();
    blocks.into_iter().collect()
}

/// Returns the source of `module.x.provider["source"].alias`.
pub(crate) fn provider_name(provider: &str) -> &str {
    provider.split('"').nth(1).unwrap_or(provider)
}

/// Sorts resources into the tree of their modules.
pub(super) fn tree(resources: impl IntoIterator<Item = (ModulePath, Resource)>) -> Module {
    let mut by_module: BTreeMap<ModulePath, Vec<Resource>> = BTreeMap::new();
    for (path, mut resource) in resources {
        resource.place.module_address = None;
        by_module.entry(path).or_default().push(resource);
    }
    // Modules that hold nothing themselves stand above those that do.
    let paths: Vec<ModulePath> = by_module.keys().cloned().collect();
    for path in paths {
        let mut above = path.parent();
        while let Some(path) = above {
            above = path.parent();
            by_module.entry(path).or_default();
        }
    }
    // In reverse order every module comes before the one that calls it.
    let mut below: BTreeMap<ModulePath, Vec<Module>> = BTreeMap::new();
    for (path, resources) in by_module.into_iter().rev() {
        let mut child_modules = below.remove(&path).unwrap_or_default();
        child_modules.reverse();
        let Some(parent) = path.parent() else {
            return Module { resources, address: None, child_modules };
        };
        let module = Module { resources, address: Some(path.to_string()), child_modules };
        below.entry(parent).or_default().push(module);
    }
    Module::default()
}
