//! hashicorp/null: an object without content, to hang triggers and provisioners on.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Value};

use crate::attributes;
use crate::chance::Draw;
use crate::row::{Hooks, Means, Provider, Replace, Resource, keepers};

/// The provider.
pub(crate) const PROVIDER: Provider = Provider {
    source: "hashicorp/null",
    versions: &[
        "2.0.0", "2.1.0", "2.1.1", "2.1.2", "3.0.0", "3.1.0", "3.1.1", "3.2.0", "3.2.1", "3.2.2",
        "3.2.3", "3.2.4", "3.3.0", "3.3.1",
    ],
    resources: &[NULL_RESOURCE],
};

/// [Original](https://github.com/hashicorp/terraform-provider-null/blob/main/docs/resources/resource.md).
const NULL_RESOURCE: Resource = Resource {
    name: "null_resource",
    version: 0,
    about: "Does nothing; `terraform_data` is its successor.",
    fields: &[keepers("triggers", Replace::Entries)],
    hooks: Hooks::new(make),
};

/// The id is a random number from 0 to 2^63 - 1, as the original's.
fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let id = u64::from_le_bytes(Draw::new(&*means.chance).bytes()?) >> 1;
    attributes::set(attributes, "id", Value::string(id.to_string()));
    Ok(())
}
