//! hashicorp/time: instants that are kept in the state.

mod moment;
mod offset;
mod parts;
mod rotating;

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Map, Value};

pub(crate) use moment::Moment;

use crate::row::{
    Check, Draft, Hooks, Means, Provider, Replace, Resource, Ty, computed, either, keepers,
};
use crate::{attributes, schema};
use parts::Parts;

/// The provider.
pub(crate) const PROVIDER: Provider = Provider {
    source: "hashicorp/time",
    versions: &[
        "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.7.1", "0.7.2", "0.8.0", "0.9.0", "0.9.1", "0.9.2",
        "0.10.0", "0.11.0", "0.11.1", "0.11.2", "0.12.0", "0.12.1", "0.13.0", "0.13.1", "0.14.0",
    ],
    resources: &[TIME_STATIC, offset::TIME_OFFSET, rotating::TIME_ROTATING],
};

/// [Original](https://github.com/hashicorp/terraform-provider-time/blob/main/docs/resources/static.md).
const TIME_STATIC: Resource = Resource {
    name: "time_static",
    version: 0,
    about: "Keeps the instant of its creation, or a given one.",
    fields: &[
        either(
            "rfc3339",
            Ty::Text,
            "The instant in RFC 3339; the time of the apply where nothing is given.",
        )
        .replaces()
        .checked(Check::Rfc3339),
        keepers("triggers", Replace::Changed),
        parts::YEAR,
        parts::MONTH,
        parts::DAY,
        parts::HOUR,
        parts::MINUTE,
        parts::SECOND,
        parts::UNIX,
    ],
    hooks: Hooks { plan: Some(plan), import: Some(import), ..Hooks::new(make) },
};

fn plan(draft: &mut Draft<'_>) {
    if draft.is_new()
        && let Some(moment) =
            attributes::text(&draft.planned, "rfc3339").and_then(|text| Moment::parse(text).ok())
    {
        describe(&mut draft.planned, &moment);
    }
}

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let moment = given_or_now(means, attributes, "rfc3339")?;
    describe(attributes, &moment);
    Ok(())
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    let moment = imported(id)?;
    let mut attributes = Map::new();
    describe(&mut attributes, &moment);
    attributes::set(&mut attributes, "rfc3339", Value::string(moment.to_string()));
    attributes::set(&mut attributes, "triggers", no_triggers());
    Ok(attributes)
}

fn describe(attributes: &mut Map, moment: &Moment) {
    Parts::of(moment).write(attributes);
    let id =
        attributes::text(attributes, "rfc3339").map_or_else(|| moment.to_string(), str::to_owned);
    attributes::set(attributes, "id", Value::string(id));
}

/// Reads the named base, or sets it to the current second.
fn given_or_now(means: &Means, attributes: &mut Map, name: &str) -> Result<Moment, Diagnostics> {
    if let Some(text) = attributes::text(attributes, name) {
        return Moment::parse(text).map_err(|why| schema::invalid(name, why).into());
    }
    let now = Moment::at(means.clock.now());
    attributes::set(attributes, name, Value::string(now.to_string()));
    Ok(now)
}

fn imported(text: &str) -> Result<Moment, Diagnostics> {
    Moment::parse(text)
        .map_err(|why| schema::not_imported(format!("\"{text}\" is no time in RFC 3339: {why}")))
}

/// The original leaves an empty map, not null, after an import.
fn no_triggers() -> Value {
    Value::map(terrarium_value::Type::String, Map::new())
}

/// A part of an id that is a whole number, or nothing.
fn imported_number(part: &str) -> Result<Option<i64>, Diagnostics> {
    if part.is_empty() {
        return Ok(None);
    }
    part.parse()
        .map(Some)
        .map_err(|_| schema::not_imported(format!("\"{part}\" is no whole number.")))
}

/// Fields that hold an instant's parts, each as the original describes it.
const fn part(name: &'static str, doc: &'static str) -> crate::row::Field {
    computed(name, Ty::Number, doc)
}
