//! Outputs as `output -json` writes them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_state::{OutputValue, State};

use super::raw;
use super::value::{Secrets, text};
use crate::render::outputs::output_value;

/// An output with its type.
#[derive(Debug, Serialize)]
pub struct Output {
    sensitive: bool,
    #[serde(rename = "type")]
    ty: Box<RawValue>,
    value: Option<Box<RawValue>>,
}

/// Converts all outputs of a state.
pub fn twins(state: &State, secrets: Secrets) -> BTreeMap<String, Output> {
    let one = |output: &OutputValue| {
        let hidden = output.sensitive && secrets == Secrets::Hide;
        let value = output_value(output).unmarked();
        Output {
            sensitive: output.sensitive,
            ty: raw(output.ty.to_string()),
            value: if hidden { None } else { text(&value, secrets).map(raw) },
        }
    };
    state.outputs.iter().map(|(name, output)| (name.to_string(), one(output))).collect()
}
