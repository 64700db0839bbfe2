//! What the root module is given: its variables.

use std::collections::{BTreeMap, BTreeSet};

use terrarium_address::Name;
use terrarium_value::Value;

use crate::world::{ModuleId, World};

/// Lists the ephemeral root variables that were given a value.
pub(super) fn given_again(world: &World<'_>) -> BTreeSet<Name> {
    let root = world.module(ModuleId::ROOT);
    let ephemeral = root.config.variables.values().filter(|variable| variable.ephemeral);
    let names = ephemeral.map(|variable| variable.name.clone());
    names.filter(|name| world.inputs.variables.contains_key(name)).collect()
}

/// Returns the values of the root variables. What is ephemeral is no part of a plan: it is given anew when the plan is
/// applied.
pub(super) fn variables(world: &World<'_>) -> BTreeMap<Name, Value> {
    let root = world.module(ModuleId::ROOT);
    let kept = root.config.variables.values().filter(|variable| !variable.ephemeral);
    let value = |name: &Name| Some((name.clone(), world.variable(ModuleId::ROOT, name)?));
    kept.filter_map(|variable| value(&variable.name)).collect()
}
