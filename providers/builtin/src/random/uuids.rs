//! `random_uuid` and its versions.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Value};
use uuid::{Builder, Uuid};

use super::KEEPERS;
use crate::chance::Draw;
use crate::row::{Field, Hooks, Means, Resource, Ty, computed};
use crate::{attributes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/uuid.md).
pub(super) const RANDOM_UUID: Resource =
    uuid("random_uuid", Hooks { import: Some(import), ..Hooks::new(make_4) });

/// The same under a name that says its version.
pub(super) const RANDOM_UUID4: Resource =
    uuid("random_uuid4", Hooks { import: Some(import), ..Hooks::new(make_4) });

/// A UUID that begins with the time, so that later ones sort after earlier ones.
pub(super) const RANDOM_UUID7: Resource =
    uuid("random_uuid7", Hooks { import: Some(import), ..Hooks::new(make_7) });

const fn uuid(name: &'static str, hooks: Hooks) -> Resource {
    Resource { name, version: 0, about: "Draws a UUID.", fields: FIELDS, hooks }
}

const FIELDS: &[Field] = &[KEEPERS, computed("result", Ty::Text, "The UUID.")];

fn make_4(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let bytes = Draw::new(&*means.chance).bytes()?;
    write(attributes, Builder::from_random_bytes(bytes).into_uuid());
    Ok(())
}

fn make_7(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let millis = u64::try_from(means.clock.now().as_millisecond()).unwrap_or_default();
    let bytes = Draw::new(&*means.chance).bytes()?;
    write(attributes, Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid());
    Ok(())
}

fn write(attributes: &mut Map, uuid: Uuid) {
    let text = Value::string(uuid.hyphenated().to_string());
    attributes::set(attributes, "id", text.clone());
    attributes::set(attributes, "result", text);
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let uuid =
        Uuid::parse_str(id).map_err(|_| schema::not_imported(format!("\"{id}\" is no UUID.")))?;
    let mut attributes = Map::new();
    write(&mut attributes, uuid);
    Ok(attributes)
}
