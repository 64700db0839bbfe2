//! `time_rotating`: an object that is replaced once its time has come.

use terrarium_diagnostic::Diagnostics;
use terrarium_value::{Entries, Map, Type, Value};

use super::offset::{UNITS, check_units, farthest};
use super::parts::{self, Parts};
use super::{Moment, given_or_now, imported, imported_number, no_triggers};
use crate::row::{
    Check, Draft, Field, Hooks, Means, Replace, Resource, Ty, either, keepers, optional,
};
use crate::{attributes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-time/blob/main/docs/resources/rotating.md).
pub(super) const TIME_ROTATING: Resource = Resource {
    name: "time_rotating",
    version: 0,
    about: "Keeps an instant, and is replaced by the first run after it.",
    fields: &[
        either(
            "rfc3339",
            Ty::Text,
            "Where to count from, in RFC 3339; the time of the apply otherwise.",
        )
        .replaces()
        .checked(Check::Rfc3339),
        either("rotation_rfc3339", Ty::Text, "When it is to be replaced, in RFC 3339.")
            .checked(Check::Rfc3339),
        distance("rotation_years", "Years until it is replaced."),
        distance("rotation_months", "Months until it is replaced."),
        distance("rotation_days", "Days until it is replaced."),
        distance("rotation_hours", "Hours until it is replaced."),
        distance("rotation_minutes", "Minutes until it is replaced."),
        keepers("triggers", Replace::Changed),
        parts::YEAR,
        parts::MONTH,
        parts::DAY,
        parts::HOUR,
        parts::MINUTE,
        parts::SECOND,
        parts::UNIX,
    ],
    hooks: Hooks {
        check: Some(check),
        plan: Some(plan),
        change: Some(make),
        stands: Some(stands),
        import: Some(import),
        ..Hooks::new(make)
    },
};

const fn distance(name: &'static str, doc: &'static str) -> Field {
    optional(name, Ty::Number, doc).checked(Check::AtLeast(1))
}

fn check(config: &Entries) -> Diagnostics {
    check_units(config, "rotation", &["rotation_rfc3339"])
}

/// It stands until the instant has passed; what can't be read stands.
fn stands(means: &Means, attributes: &Entries) -> bool {
    let rotation =
        attributes::text(attributes, "rotation_rfc3339").and_then(|text| Moment::parse(text).ok());
    rotation.is_none_or(|rotation| means.clock.now().as_second() <= rotation.unix())
}

fn plan(draft: &mut Draft<'_>) {
    let distances = || UNITS.iter().map(|unit| unit.argument("rotation"));
    let changes = distances().any(|name| draft.changes(&name)) || draft.changes("rotation_rfc3339");
    if !draft.is_new() && !changes {
        return;
    }
    let computed = attributes::is_null(draft.config, "rotation_rfc3339");
    let inputs = || distances().chain(["rfc3339".to_owned()]);
    let waits = inputs().any(|name| attributes::is_unknown(&draft.planned, &name))
        || (!computed && attributes::is_unknown(&draft.planned, "rotation_rfc3339"));
    if computed {
        draft.forget("rotation_rfc3339", Type::String);
    }
    let base =
        attributes::text(&draft.planned, "rfc3339").and_then(|text| Moment::parse(text).ok());
    let known = base.filter(|_| !waits).is_some_and(|base| write(&mut draft.planned, base).is_ok());
    if !known {
        for name in Parts::NAMES {
            draft.forget(name, Type::Number);
        }
    }
}

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let base = given_or_now(means, attributes, "rfc3339")?;
    write(attributes, base)
}

/// Years win over a given instant, and that over smaller units, as in the original.
fn write(attributes: &mut Map, base: Moment) -> Result<(), Diagnostics> {
    let given = attributes::text(attributes, "rotation_rfc3339").map(Moment::parse).transpose();
    let given = given.map_err(|why| schema::invalid("rotation_rfc3339", why))?;
    let years = attributes::int(attributes, "rotation_years").is_some_and(|years| years != 0);
    let at = match given {
        Some(given) if !years => given,
        _ => farthest(attributes, "rotation", base)?.unwrap_or(base),
    };
    Parts::of(&at).write(attributes);
    if given.is_none_or(|given| given != at) {
        attributes::set(attributes, "rotation_rfc3339", Value::string(at.to_string()));
    }
    let id =
        attributes::text(attributes, "rfc3339").map_or_else(|| base.to_string(), str::to_owned);
    attributes::set(attributes, "id", Value::string(id));
    Ok(())
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    const FORM: &str = "The id must have the form BASETIMESTAMP,YEARS,MONTHS,DAYS,HOURS,MINUTES, with one number at \
                        least, or BASETIMESTAMP,ROTATIONTIMESTAMP.";
    let names = [
        "rotation_years",
        "rotation_months",
        "rotation_days",
        "rotation_hours",
        "rotation_minutes",
    ];
    let parts: Vec<&str> = id.split(',').collect();
    let mut attributes = Map::new();
    match parts.as_slice() {
        [_, rotation] => {
            imported(rotation)?;
            attributes.insert("rotation_rfc3339".into(), Value::string(*rotation));
        }
        [_, numbers @ ..]
            if numbers.len() == names.len() && numbers.iter().any(|part| !part.is_empty()) =>
        {
            for (name, part) in names.into_iter().zip(numbers) {
                if let Some(number) = imported_number(part)? {
                    attributes.insert(name.into(), Value::number(number));
                }
            }
        }
        _ => return Err(schema::not_imported(FORM)),
    }
    let base = imported(parts.first().copied().unwrap_or_default())?;
    attributes.insert("rfc3339".into(), Value::string(base.to_string()));
    attributes.insert("triggers".into(), no_triggers());
    write(&mut attributes, base)?;
    Ok(attributes)
}
