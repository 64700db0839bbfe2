//! What a planned lease reserves.

use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_value::{Causes, Type, Value};

use super::change::{Means, means};
use super::{Course, Sketch, unknown_text};
use crate::codes;
use crate::look::is_zero;
use crate::reservation::part::{self, Part, PartKind};
use crate::reservation::{filter, limits, rules};

/// Gives a part what its other arguments say: its filter, and its upper bound.
pub(super) fn settle_part(part: &mut Part, given: Option<&Part>, was: Option<&Part>) {
    let Some(given) = given else { return };
    if part.get("max").is_some() && given.get("max").is_none_or(Value::is_null) {
        let least = part.get("min").cloned().unwrap_or_else(|| Value::null(Type::Number));
        part.set("max", least);
    }
    if part.kind.attribute("where").is_none() {
        return;
    }
    let old = was.and_then(|was| was.get("resource_properties"));
    let text = match given.items("where") {
        [] => match given.get("resource_properties") {
            Some(value) if !value.is_known() => return,
            _ => Some(filter::normal(given.text("resource_properties").unwrap_or_default())),
        },
        blocks => filter::of_blocks(blocks).map(|all| filter::text(&all)),
    };
    let value = match text {
        None => unknown_text(),
        Some(text) => match old {
            Some(old) if text.is_empty() && is_zero(old) => old.clone(),
            Some(old) if old.as_str().is_some_and(|old| filter::same(old, &text)) => old.clone(),
            _ => Value::string(text),
        },
    };
    part.set("resource_properties", value);
}

/// Demands a new lease where the dates of one with flavors change at a site that can't do that: plain Blazar
/// refuses it, and leaves the lease in ERROR. Chameleon extends such leases.
pub(in crate::reservation) fn flavors_stay(sketch: &mut Sketch<'_>, region: &str) {
    let flavors = sketch.parts.iter().any(|part| part.kind == PartKind::Flavor);
    let keeps = matches!(sketch.course, Course::Keep { .. });
    if !flavors || !keeps || !limits::is_new(sketch) || rules::of(region).is_some() {
        return;
    }
    let path = AttrPath::attr("end_date");
    sketch.draft.replace.extend([AttrPath::attr("start_date"), path.clone()]);
    sketch.draft.diagnostics.push(
        Diagnostic::warning(
            codes::RULE,
            "This site can't change the dates of a lease with flavors",
        )
        .detail("Plain Blazar refuses it, so that a new lease takes its place.")
        .path(path),
    );
}

/// Decides which changes of parts need a new lease.
pub(super) fn part_changes(only: Option<PartKind>, sketch: &mut Sketch<'_>, begun: bool) {
    let mut replace = Vec::new();
    let mut forget = Vec::new();
    for (at, after) in sketch.parts.iter().enumerate() {
        let twin = sketch.before.iter().find(|one| one.kind == after.kind && one.at == after.at);
        let Some(twin) = twin else { continue };
        for name in part::changes(twin, after) {
            match means(name, (twin, after), begun) {
                Means::NewLease => replace.push(part::path(only, after, name)),
                Means::InPlace
                    if begun && after.kind == PartKind::FloatingIp && name == "amount" =>
                {
                    forget.push(at);
                }
                Means::InPlace => {}
            }
        }
    }
    for at in forget {
        if let Some(part) = sketch.parts.get_mut(at) {
            part.set("addresses", Value::unknown(Type::list(Type::String), Causes::NONE));
        }
    }
    sketch.draft.replace.extend(replace);
}
