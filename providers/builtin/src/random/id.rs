//! `random_id`: random bytes as text in several bases.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dashu_int::UBig;
use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Value};

use super::KEEPERS;
use crate::chance::Draw;
use crate::row::{Check, Hooks, Means, Resource, Ty, computed, optional, required};
use crate::{attributes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/id.md).
pub(super) const RANDOM_ID: Resource = Resource {
    name: "random_id",
    version: 0,
    about: "Draws random bytes and shows them in several bases.",
    fields: &[
        required("byte_length", Ty::Number, "How many bytes.")
            .replaces()
            .checked(Check::AtLeast(1)),
        optional("prefix", Ty::Text, "Put before every text, but not before the id.").replaces(),
        KEEPERS,
        computed("b64_url", Ty::Text, "Base64 that may stand in an address, without padding."),
        computed("b64_std", Ty::Text, "Base64."),
        computed("hex", Ty::Text, "Hexadecimal, in small letters."),
        computed("dec", Ty::Text, "Decimal."),
    ],
    hooks: Hooks { import: Some(import), ..Hooks::new(make) },
};

/// Most bytes that one object may have; more is a slip of the keyboard.
const MOST: i64 = 1 << 20;

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let length =
        attributes::int(attributes, "byte_length").filter(|length| (1..=MOST).contains(length));
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        return Err(
            schema::invalid("byte_length", format!("It must lie between 1 and {MOST}.")).into()
        );
    };
    let mut bytes = vec![0; length];
    Draw::new(&*means.chance).fill(&mut bytes)?;
    write(attributes, &bytes);
    Ok(())
}

fn write(attributes: &mut Map, bytes: &[u8]) {
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let prefix = attributes::text(attributes, "prefix").unwrap_or_default().to_owned();
    let texts = [
        ("b64_url", id.clone()),
        ("b64_std", STANDARD.encode(bytes)),
        ("hex", hex(bytes)),
        ("dec", UBig::from_be_bytes(bytes).to_string()),
    ];
    for (name, text) in texts {
        attributes::set(attributes, name, Value::string(format!("{prefix}{text}")));
    }
    attributes::set(attributes, "id", Value::string(id));
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)])
        .collect()
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let (prefix, text) = id.rsplit_once(',').unwrap_or(("", id));
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| {
        schema::not_imported("The id must have the form B64_URL or PREFIX,B64_URL.")
    })?;
    let mut attributes = Map::from([("byte_length".into(), Value::number(bytes.len()))]);
    if !prefix.is_empty() {
        attributes.insert("prefix".into(), Value::string(prefix));
    }
    write(&mut attributes, &bytes);
    Ok(attributes)
}
