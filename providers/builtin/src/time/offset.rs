//! `time_offset`: an instant at a distance from another.

use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::{Entries, Map, Type, Value};

use super::parts::{self, Parts};
use super::{Moment, given_or_now, imported, imported_number, no_triggers};
use crate::row::{
    Check, Draft, Field, Hooks, Means, Replace, Resource, Ty, computed, either, keepers, optional,
};
use crate::{attributes, codes, schema};

/// [Original](https://github.com/hashicorp/terraform-provider-time/blob/main/docs/resources/offset.md).
pub(super) const TIME_OFFSET: Resource = Resource {
    name: "time_offset",
    version: 0,
    about: "Keeps an instant that lies at a distance from the time of its creation, or from a given one.",
    fields: &[
        either(
            "base_rfc3339",
            Ty::Text,
            "Where to count from, in RFC 3339; the time of the apply otherwise.",
        )
        .checked(Check::Rfc3339),
        distance("offset_years", "Years to add."),
        distance("offset_months", "Months to add."),
        distance("offset_days", "Days to add."),
        distance("offset_hours", "Hours to add."),
        distance("offset_minutes", "Minutes to add."),
        distance("offset_seconds", "Seconds to add."),
        keepers("triggers", Replace::Changed),
        computed("rfc3339", Ty::Text, "The instant in RFC 3339."),
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
        import: Some(import),
        ..Hooks::new(make)
    },
};

const fn distance(name: &'static str, doc: &'static str) -> Field {
    optional(name, Ty::Number, doc)
}

/// The units in the order in which the original looks at them: the last one that is set is the only one used.
pub(super) const UNITS: [Unit; 6] = [
    Unit { name: "days", span: Span::Seconds(86_400) },
    Unit { name: "hours", span: Span::Seconds(3_600) },
    Unit { name: "minutes", span: Span::Seconds(60) },
    Unit { name: "months", span: Span::Months(1) },
    Unit { name: "seconds", span: Span::Seconds(1) },
    Unit { name: "years", span: Span::Months(12) },
];

/// A unit of distance.
pub(super) struct Unit {
    name: &'static str,
    span: Span,
}

enum Span {
    Seconds(i64),
    Months(i64),
}

impl Unit {
    /// Returns the argument's name: `offset_days`.
    pub(super) fn argument(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.name)
    }

    /// Returns the moment at this many units; `None` beyond the calendar.
    pub(super) fn add(&self, to: Moment, count: i64) -> Option<Moment> {
        match self.span {
            Span::Seconds(each) => to.plus_seconds(count.checked_mul(each)?),
            Span::Months(each) => to.plus_months(count.checked_mul(each)?),
        }
    }
}

/// Complains where no distance is given, and warns where only one of several counts.
pub(super) fn check_units(config: &Entries, prefix: &str, others: &[&str]) -> Diagnostics {
    let names: Vec<String> = UNITS.iter().map(|unit| unit.argument(prefix)).collect();
    let given: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !attributes::is_null(config, name))
        .collect();
    if given.is_empty() && others.iter().all(|other| attributes::is_null(config, other)) {
        let detail = format!("At least one of the `{prefix}_` arguments must be configured.");
        return schema::combination(detail).into();
    }
    let counting =
        given.iter().filter(|name| attributes::int(config, name).is_none_or(|count| count != 0));
    match counting.copied().collect::<Vec<_>>().split_last() {
        Some((used, ignored)) if !ignored.is_empty() => {
            let detail =
                format!("Only {used} is used; {} has no effect beside it.", ignored.join(", "));
            Diagnostic::warning(codes::NO_EFFECT, "Argument without effect").detail(detail).into()
        }
        _ => Diagnostics::new(),
    }
}

fn check(config: &Entries) -> Diagnostics {
    check_units(config, "offset", &[])
}

fn plan(draft: &mut Draft<'_>) {
    let inputs =
        || UNITS.iter().map(|unit| unit.argument("offset")).chain(["base_rfc3339".to_owned()]);
    if !draft.is_new() && !inputs().any(|name| draft.changes(&name)) {
        return;
    }
    if inputs().any(|name| attributes::is_unknown(&draft.planned, &name)) {
        forget(draft);
    } else if let Some(base) =
        attributes::text(&draft.planned, "base_rfc3339").and_then(|it| Moment::parse(it).ok())
    {
        // Where it lies beyond the calendar, the apply says so.
        if write(&mut draft.planned, base).is_err() {
            forget(draft);
        }
    }
}

fn forget(draft: &mut Draft<'_>) {
    for name in Parts::NAMES {
        draft.forget(name, Type::Number);
    }
    draft.forget("rfc3339", Type::String);
    draft.forget("id", Type::String);
}

fn make(means: &Means, attributes: &mut Map) -> Result<(), Diagnostics> {
    let base = given_or_now(means, attributes, "base_rfc3339")?;
    write(attributes, base)
}

fn write(attributes: &mut Map, base: Moment) -> Result<(), Diagnostics> {
    let at = farthest(attributes, "offset", base)?.unwrap_or(base);
    Parts::of(&at).write(attributes);
    attributes::set(attributes, "rfc3339", Value::string(at.to_string()));
    let id = attributes::text(attributes, "base_rfc3339")
        .map_or_else(|| base.to_string(), str::to_owned);
    attributes::set(attributes, "id", Value::string(id));
    Ok(())
}

/// Returns the base moved by the distance that counts; `None` where none is set.
pub(super) fn farthest(
    attributes: &Map,
    prefix: &str,
    base: Moment,
) -> Result<Option<Moment>, Diagnostics> {
    let counts = |unit: &'static Unit| {
        let name = unit.argument(prefix);
        attributes::int(attributes, &name)
            .filter(|count| *count != 0)
            .map(|count| (unit, name, count))
    };
    let Some((unit, name, count)) = UNITS.iter().rev().find_map(counts) else { return Ok(None) };
    let moved = unit.add(base, count);
    moved
        .map(Some)
        .ok_or_else(|| schema::invalid(&name, "The result lies beyond the year 9999.").into())
}

fn import(_means: &Means, id: &str) -> Result<Map, Diagnostics> {
    const FORM: &str = "The id must have the form BASETIMESTAMP,YEARS,MONTHS,DAYS,HOURS,MINUTES,SECONDS, with one \
                        number at least.";
    let parts: Vec<&str> = id.split(',').collect();
    let [base, numbers @ ..] = parts.as_slice() else { return Err(schema::not_imported(FORM)) };
    let names = [
        "offset_years",
        "offset_months",
        "offset_days",
        "offset_hours",
        "offset_minutes",
        "offset_seconds",
    ];
    if base.is_empty() || numbers.len() != names.len() || numbers.iter().all(|part| part.is_empty())
    {
        return Err(schema::not_imported(FORM));
    }
    let base = imported(base)?;
    let mut attributes = Map::new();
    for (name, part) in names.into_iter().zip(numbers) {
        if let Some(number) = imported_number(part)? {
            attributes.insert(name.into(), Value::number(number));
        }
    }
    attributes::set(&mut attributes, "base_rfc3339", Value::string(base.to_string()));
    attributes::set(&mut attributes, "triggers", no_triggers());
    write(&mut attributes, base)?;
    Ok(attributes)
}
