//! `random_string` and `random_password`: random characters from chosen classes.

use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::{Entries, Map, Value};

use super::KEEPERS;
use crate::chance::Draw;
use crate::row::{Check, Default, Field, Hooks, Means, Resource, Ty, computed, optional, required};
use crate::{attributes, codes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/string.md).
pub(super) const RANDOM_STRING: Resource = Resource {
    name: "random_string",
    version: 2,
    about: "Draws random characters; it is shown, so use `random_password` for secrets.",
    fields: &[
        LENGTH,
        LOWER,
        UPPER,
        NUMERIC,
        NUMBER,
        SPECIAL,
        MIN_LOWER,
        MIN_UPPER,
        MIN_NUMERIC,
        MIN_SPECIAL,
        OVERRIDE_SPECIAL,
        KEEPERS,
        computed("result", Ty::Text, "The characters."),
    ],
    hooks: Hooks {
        check: Some(check),
        defaults: Some(number_is_numeric),
        import: Some(import_string),
        upgrade: Some(upgrade_text),
        ..Hooks::new(make_string)
    },
};

/// [Original](https://github.com/hashicorp/terraform-provider-random/blob/main/docs/resources/password.md).
pub(super) const RANDOM_PASSWORD: Resource = Resource {
    name: "random_password",
    version: 3,
    about: "Draws random characters and hides them; the state holds them in clear.",
    fields: &[
        LENGTH,
        LOWER,
        UPPER,
        NUMERIC,
        NUMBER,
        SPECIAL,
        MIN_LOWER,
        MIN_UPPER,
        MIN_NUMERIC,
        MIN_SPECIAL,
        OVERRIDE_SPECIAL,
        KEEPERS,
        computed("result", Ty::Text, "The characters.").secret(),
        computed("bcrypt_hash", Ty::Text, "A bcrypt hash of the first 72 bytes.").secret(),
    ],
    hooks: Hooks {
        check: Some(check),
        defaults: Some(number_is_numeric),
        import: Some(import_password),
        upgrade: Some(upgrade_password),
        ..Hooks::new(make_password)
    },
};

const LENGTH: Field =
    required("length", Ty::Number, "How many characters.").replaces().checked(Check::AtLeast(1));
const LOWER: Field = class("lower", "Whether small letters may come.");
const UPPER: Field = class("upper", "Whether capital letters may come.");
const NUMERIC: Field = class("numeric", "Whether digits may come.");
const NUMBER: Field = class("number", "Whether digits may come.").outdated("Use `numeric`.");
const SPECIAL: Field = class("special", "Whether special characters may come.");
const MIN_LOWER: Field = least("min_lower", "Fewest small letters.");
const MIN_UPPER: Field = least("min_upper", "Fewest capital letters.");
const MIN_NUMERIC: Field = least("min_numeric", "Fewest digits.");
const MIN_SPECIAL: Field = least("min_special", "Fewest special characters.");
const OVERRIDE_SPECIAL: Field =
    optional("override_special", Ty::Text, "The special characters, instead of the usual ones.")
        .replaces();

const fn class(name: &'static str, doc: &'static str) -> Field {
    optional(name, Ty::Bool, doc).replaces().or(Default::Bool(true))
}

const fn least(name: &'static str, doc: &'static str) -> Field {
    optional(name, Ty::Number, doc).replaces().or(Default::Number(0)).checked(Check::AtLeast(0))
}

/// Longest text; more is a slip of the keyboard.
const LONGEST: i64 = 1 << 20;

/// The classes: whether they may come, how often they must, and their characters.
const CLASSES: [(&str, &str, &str); 4] = [
    ("upper", "min_upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("lower", "min_lower", "abcdefghijklmnopqrstuvwxyz"),
    ("numeric", "min_numeric", "0123456789"),
    ("special", "min_special", "!@#$%&*()-_=+[]{}<>:?"),
];

/// `number` is the old name of `numeric`: each follows the other, and both are true where neither is given.
fn number_is_numeric(config: &Entries, planned: &mut Map) {
    let given = ["numeric", "number"]
        .into_iter()
        .filter_map(|name| config.get(name))
        .find(|value| !value.is_null());
    let value = given.cloned().unwrap_or_else(|| Value::bool(true));
    attributes::set(planned, "numeric", value.clone());
    attributes::set(planned, "number", value);
}

fn check(config: &Entries) -> Diagnostics {
    let mut found = Diagnostics::new();
    if !attributes::is_null(config, "number") && !attributes::is_null(config, "numeric") {
        found.push(schema::combination(
            "`number` and `numeric` mean the same: set `numeric` alone.",
        ));
    }
    let least: i64 =
        CLASSES.iter().filter_map(|(_, least, _)| attributes::int(config, least)).sum();
    if let Some(length) =
        attributes::int(config, "length").filter(|length| (1..least).contains(length))
    {
        found.push(schema::invalid("length", format!(
            "Attribute length value must be at least sum of min_upper + min_lower + min_numeric + min_special, \
             got: {length}"
        )));
    }
    let excluded = |name: &str| config.get(name).and_then(Value::as_bool) == Some(false);
    if CLASSES
        .iter()
        .all(|(name, _, _)| excluded(name) || (*name == "numeric" && excluded("number")))
    {
        found.push(schema::combination(
            "One of `upper`, `lower`, `numeric` and `special` must be true.",
        ));
    }
    found
}

fn draw_text(means: &Means, attributes: &Map) -> Result<String, Diagnostics> {
    let length =
        attributes::int(attributes, "length").filter(|length| (1..=LONGEST).contains(length));
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        return Err(
            schema::invalid("length", format!("It must lie between 1 and {LONGEST}.")).into()
        );
    };
    let special = attributes::text(attributes, "override_special").filter(|text| !text.is_empty());
    let mut draw = Draw::new(&*means.chance);
    let (mut text, mut all) = (Vec::with_capacity(length), Vec::new());
    for (class, least, characters) in CLASSES {
        let characters =
            if class == "special" { special.unwrap_or(characters) } else { characters };
        let characters: Vec<char> = characters.chars().collect();
        for _ in 0..attributes::int(attributes, least).unwrap_or_default() {
            text.extend(draw.pick(&characters)?);
        }
        if attributes::is_true(attributes, class) {
            all.extend(characters);
        }
    }
    while text.len() < length {
        let Some(character) = draw.pick(&all)? else {
            return Err(schema::combination("No class of characters is allowed.").into());
        };
        text.push(*character);
    }
    draw.shuffle(&mut text)?;
    Ok(text.into_iter().collect())
}

fn make_string(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let text = Value::string(draw_text(means, attributes)?);
    attributes::set(attributes, "id", text.clone());
    attributes::set(attributes, "result", text);
    Ok(())
}

fn make_password(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let text = draw_text(means, attributes)?;
    write_password(means, attributes, &text)
}

fn write_password(means: &Means, attributes: &mut Map, text: &str) -> Result<(), Diagnostics> {
    attributes::set(attributes, "bcrypt_hash", Value::string(hash(means, text)?));
    attributes::set(attributes, "id", Value::string("none"));
    attributes::set(attributes, "result", Value::string(text));
    Ok(())
}

/// Cost and version are those of the original.
fn hash(means: &Means, text: &str) -> Result<String, Diagnostics> {
    let salt = Draw::new(&*means.chance).bytes()?;
    let parts = bcrypt::hash_with_salt(text.as_bytes(), 10, salt).map_err(|error| {
        Diagnostic::error(codes::INVALID, "No hash")
            .detail(format!("The password could not be hashed: {error}."))
    })?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

fn import_string(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let mut attributes = imported_text(id)?;
    attributes.insert("id".into(), Value::string(id));
    attributes.insert("result".into(), Value::string(id));
    Ok(attributes)
}

fn import_password(means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let mut attributes = imported_text(id)?;
    write_password(means, &mut attributes, id)?;
    Ok(attributes)
}

fn imported_text(id: &str) -> Result<Map, Diagnostics> {
    if id.is_empty() {
        return Err(schema::not_imported("The id is the text itself, and can't be empty."));
    }
    let mut attributes = Map::from([("length".into(), Value::number(id.len()))]);
    for (class, least, _) in CLASSES {
        attributes.insert(class.into(), Value::bool(true));
        attributes.insert(least.into(), Value::number(0));
    }
    attributes.insert("number".into(), Value::bool(true));
    Ok(attributes)
}

type Stored = serde_json::Map<String, Json>;

/// Older versions knew neither `numeric` nor, after an import, any argument.
#[expect(clippy::unnecessary_wraps, reason = "a hook, and others can fail")]
fn upgrade_text(_means: &Means, stored: &mut Stored) -> Result<(), Diagnostics> {
    let mut fill = |name: &str, value: Json| {
        let place = stored.entry(name).or_insert(Json::Null);
        if place.is_null() {
            *place = value;
        }
        place.clone()
    };
    let length = fill("result", Json::Null).as_str().map_or(0, str::len);
    fill("length", length.into());
    let digits = fill("number", true.into());
    fill("numeric", digits);
    for (class, least, _) in CLASSES {
        fill(class, true.into());
        fill(least, 0.into());
    }
    Ok(())
}

/// Older versions had no hash, and one of them a wrong one.
fn upgrade_password(means: &Means, stored: &mut Stored) -> Result<(), Diagnostics> {
    upgrade_text(means, stored)?;
    let text = |name: &str| stored.get(name).and_then(Json::as_str).unwrap_or_default();
    let fits = bcrypt::verify(text("result"), text("bcrypt_hash")).unwrap_or(false);
    if !fits {
        let hash = hash(means, text("result"))?;
        stored.insert("bcrypt_hash".into(), hash.into());
    }
    Ok(())
}
