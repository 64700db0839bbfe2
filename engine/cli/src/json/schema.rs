//! Schemas as `providers schema -json` writes them: Terraform's format 1.0.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use terrarium_address::Name;
use terrarium_core::ProviderSet;
use terrarium_provider::{Attribute, Block, NestedBlock, Nesting, Presence, Schema, Schemas};
use terrarium_value::json as codec;

use super::raw;

/// The schemas of all providers that a configuration uses.
#[derive(Debug, Serialize)]
pub struct Twin {
    format_version: &'static str,
    provider_schemas: BTreeMap<String, Provider>,
}

#[derive(Debug, Serialize)]
struct Provider {
    #[serde(rename = "provider")]
    configuration: SchemaTwin,
    resource_schemas: BTreeMap<String, SchemaTwin>,
    data_source_schemas: BTreeMap<String, SchemaTwin>,
}

#[derive(Debug, Serialize)]
struct SchemaTwin {
    version: u64,
    block: BlockTwin,
}

#[derive(Debug, Serialize)]
struct BlockTwin {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, AttributeTwin>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    block_types: BTreeMap<String, NestedTwin>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    description_kind: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
}

#[derive(Debug, Serialize)]
struct AttributeTwin {
    #[serde(rename = "type")]
    ty: Box<RawValue>,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    description_kind: &'static str,
    #[serde(flatten)]
    flags: BTreeMap<&'static str, bool>,
}

#[derive(Debug, Serialize)]
struct NestedTwin {
    nesting_mode: &'static str,
    block: BlockTwin,
    #[serde(skip_serializing_if = "is_zero")]
    min_items: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_items: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Converts the schemas of the providers with these sources (host and path).
pub fn twin(providers: &ProviderSet, sources: &[String]) -> Twin {
    let found =
        sources.iter().filter_map(|source| Some((source, providers.choose(source, &[])?.0)));
    Twin {
        format_version: "1.0",
        provider_schemas: found
            .map(|(source, kind)| (source.clone(), provider(kind.schemas())))
            .collect(),
    }
}

fn provider(schemas: &Schemas) -> Provider {
    let all = |all: &BTreeMap<Name, Arc<Schema>>| {
        all.iter().map(|(name, of)| (name.to_string(), schema(of))).collect()
    };
    Provider {
        configuration: schema(&schemas.config),
        resource_schemas: all(&schemas.resources),
        data_source_schemas: all(&schemas.data),
    }
}

fn schema(schema: &Schema) -> SchemaTwin {
    SchemaTwin { version: schema.version, block: block(&schema.block) }
}

fn block(of: &Block) -> BlockTwin {
    BlockTwin {
        attributes: of
            .attributes
            .iter()
            .map(|(name, of)| (name.to_string(), attribute(of)))
            .collect(),
        block_types: of.blocks.iter().map(|(name, of)| (name.to_string(), nested(of))).collect(),
        description: of.description.clone(),
        description_kind: "plain",
        deprecated: of.deprecated.is_some(),
    }
}

fn attribute(of: &Attribute) -> AttributeTwin {
    let presence: &[&'static str] = match of.presence {
        Presence::Required => &["required"],
        Presence::Optional => &["optional"],
        Presence::OptionalComputed => &["optional", "computed"],
        Presence::Computed => &["computed"],
    };
    let mut flags: BTreeMap<&'static str, bool> =
        presence.iter().map(|flag| (*flag, true)).collect();
    for (flag, set) in [
        ("sensitive", of.sensitive),
        ("write_only", of.write_only),
        ("deprecated", of.deprecated.is_some()),
    ] {
        if set {
            flags.insert(flag, true);
        }
    }
    AttributeTwin {
        ty: raw(codec::type_to_json(&of.ty)),
        description: of.description.clone(),
        description_kind: "plain",
        flags,
    }
}

fn nested(of: &NestedBlock) -> NestedTwin {
    NestedTwin {
        nesting_mode: match of.nesting {
            Nesting::Single => "single",
            Nesting::Group => "group",
            Nesting::List => "list",
            Nesting::Set => "set",
            Nesting::Map => "map",
        },
        block: block(&of.block),
        min_items: of.min_items,
        max_items: of.max_items,
    }
}
