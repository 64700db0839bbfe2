//! From a lease's reservations to its parts.

use serde_json::Value as Json;
use terrarium_value::Value;

use super::{Part, PartKind, wanted};
use crate::look::{elements, field};
use crate::reservation::filter;
use crate::schema::{Attr, type_of};
use crate::wire::{from_json, scalar_text};

/// Fills parts in from a lease's reservations. Where nothing is known of the lease's blocks (an import),
/// they are made from what is there.
pub(in crate::reservation) fn fill(
    only: Option<PartKind>,
    known: Vec<Part>,
    lease: &Json,
) -> Vec<Part> {
    let all = elements(lease, "reservations");
    let imported = known.iter().all(|part| part.text("id").is_none() && is_blank(part));
    let mut parts = if imported { made(only, all) } else { known };
    let mut taken = vec![false; all.len()];
    // Those whose id is known first, so that nobody else takes theirs.
    for exact in [true, false] {
        for part in parts.iter_mut().filter(|part| part.text("id").is_some() == exact) {
            let fits = |(at, one): &(usize, &Json)| {
                !taken.get(*at).copied().unwrap_or(true)
                    && match part.text("id") {
                        Some(id) => field(one, "id") == id,
                        None => field(one, "resource_type") == part.resource_type(),
                    }
            };
            let alike = all.iter().enumerate().filter(fits).max_by_key(|(at, one)| {
                // Of several of one type the most alike, the first of those.
                (likeness(part, one), std::cmp::Reverse(*at))
            });
            if let Some((at, reservation)) = alike {
                if let Some(slot) = taken.get_mut(at) {
                    *slot = true;
                }
                read(part, reservation);
            }
        }
    }
    parts
}

fn is_blank(part: &Part) -> bool {
    part.values.values().all(crate::look::is_zero)
}

/// Makes empty parts for reservations of which only the service knows.
fn made(only: Option<PartKind>, reservations: &[Json]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for one in reservations {
        let resource_type = field(one, "resource_type");
        let kind = PartKind::of_type(resource_type);
        if only.is_some_and(|only| only != kind || !parts.is_empty()) {
            continue;
        }
        let fields = kind.attributes().iter().map(|row| {
            let value = match row.nested() {
                Some(_) => from_json(&row.shape, None),
                None => Value::null(type_of(&row.shape)),
            };
            (row.name.into(), value)
        });
        let at = parts.iter().filter(|part| part.kind == kind).count();
        let mut part = Part { kind, at, values: fields.collect() };
        part.set("id", Value::string(field(one, "id")));
        if kind == PartKind::Other {
            part.set("resource_type", Value::string(resource_type));
        }
        parts.push(part);
    }
    parts
}

/// Counts the arguments that a reservation shows as they were asked for.
fn likeness(part: &Part, reservation: &Json) -> usize {
    let wanted = wanted(part);
    let same = wanted.iter().filter(|(name, value)| {
        let there = reservation.get(name.as_str()).map(scalar_text).unwrap_or_default();
        let there = if name.ends_with("_properties") { filter::normal(&there) } else { there };
        there == scalar_text(value)
    });
    same.count()
}

/// Reads what a reservation shows into a part.
fn read(part: &mut Part, reservation: &Json) {
    for row in part.kind.attributes() {
        let Some(json) = reservation.get(row.name).filter(|json| !json.is_null()) else { continue };
        let configured = match (part.kind, row.name) {
            // Of a flavor's reservation this is the reserved one, or its own copy of the source.
            (PartKind::Flavor, "flavor_id" | "resource_properties")
            | (PartKind::Other, "parameters" | "resource_type")
            | (_, "required_floatingips") => continue,
            _ => part.get(row.name),
        };
        let mut value = from_json(&row.shape, Some(json));
        if let Some(text) = value.as_str().filter(|_| row.name.ends_with("_properties")) {
            value = Value::string(filter::normal(text));
        }
        let keep = configured.is_some_and(|old| crate::same::same(row, old, &value));
        if !keep {
            part.set(row.name, value);
        }
    }
    let id = field(reservation, "id");
    part.set("id", Value::string(id));
    if part.kind == PartKind::Flavor {
        read_flavor(part, reservation);
    }
    let names: Vec<&'static Attr> = part.kind.attributes().iter().collect();
    for row in names {
        let unknown = part.get(row.name).is_none_or(|value| !value.is_known());
        if unknown {
            part.set(row.name, Value::null(type_of(&row.shape)));
        }
    }
}

fn read_flavor(part: &mut Part, reservation: &Json) {
    let id = field(reservation, "id").to_owned();
    part.set("reserved_flavor_name", Value::string(format!("reservation:{id}")));
    part.set("reserved_flavor_id", Value::string(id));
    // The source flavor stands in here as JSON.
    let source = field(reservation, "resource_properties");
    let source: Json = serde_json::from_str(source).unwrap_or(Json::Null);
    for (name, key) in [("flavor_id", "id"), ("flavor_name", "name")] {
        if part.text(name).is_none()
            && let Some(text) = source.get(key).map(scalar_text).filter(|text| !text.is_empty())
        {
            part.set(name, Value::string(text));
        }
    }
}
