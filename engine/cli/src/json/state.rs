//! A state as `show -json` writes it: Terraform's format 1.0.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_state::{Object, State};

use super::outputs::{self, Output};
use super::resource::{self, Lifetime, Module, Resource};
use super::time;
use super::value::{Secrets, sensitive_shape, text};
use super::{TERRAFORM_VERSION, raw};
use crate::render::outputs::{SchemaOf, object_value};

/// A state.
#[derive(Debug, Serialize)]
pub struct Twin {
    format_version: &'static str,
    terraform_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Values>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terrarium: Option<Later>,
}

/// What waits for its time.
#[derive(Debug, Serialize)]
struct Later {
    scheduled: Vec<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Values {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Output>,
    root_module: Module,
}

/// Converts a state.
pub fn twin(state: &State, schema_of: SchemaOf<'_>, secrets: Secrets) -> Twin {
    let empty = state.resources.is_empty() && state.outputs.is_empty();
    let values = (!empty).then(|| Values {
        outputs: outputs::twins(state, secrets),
        root_module: resource::tree(resources(state, schema_of, secrets)),
    });
    let terrarium = (!state.schedule.is_empty())
        .then(|| Later { scheduled: state.schedule.iter().map(time::scheduled).collect() });
    Twin { format_version: "1.0", terraform_version: TERRAFORM_VERSION, values, terrarium }
}

fn lifetime(object: &Object) -> Option<Lifetime> {
    let window = object.window.as_ref().map(time::term);
    let ended = object.ended.as_deref().map(time::ended_since);
    (window.is_some() || ended.is_some()).then_some(Lifetime { window, ended })
}

fn resources(
    state: &State,
    schema_of: SchemaOf<'_>,
    secrets: Secrets,
) -> Vec<(terrarium_address::ModulePath, Resource)> {
    let mut all = Vec::new();
    for (addr, instance) in &state.resources {
        let schema = schema_of(addr.block.mode, &instance.provider, &addr.block.kind);
        let current = instance.current.iter().map(|object| (None, object));
        let deposed = instance.deposed.iter().map(|(key, object)| (Some(key.to_string()), object));
        for (deposed_key, object) in current.chain(deposed) {
            let (value, _) = object_value(object, schema.as_deref());
            let resource = Resource {
                place: resource::place(addr, &instance.provider),
                schema_version: object.schema_version,
                values: text(&value, secrets).map(raw),
                sensitive_values: whole(sensitive_shape(&value)),
                depends_on: resource::depends_on(&object.deps),
                tainted: object.status.is_broken(),
                deposed_key,
                time: lifetime(object),
            };
            all.push((addr.block.module.clone(), resource));
        }
    }
    all
}

fn whole(shape: String) -> Box<RawValue> {
    raw(if shape == "false" { "{}".to_owned() } else { shape })
}
