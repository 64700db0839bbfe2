//! From Blazar's lease to an instance's values, and what only other services know of it.

use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::{Map, Type, Value};

use super::calendar::{Calendar, Pool};
use super::part::{self, PartKind};
use super::{date, recover};
use crate::client::{ApiError, Service};
use crate::look::{Look, elements, field};
use crate::schema::{Attr, objects, text, type_of};
use crate::verbs::Scope;
use crate::wire::{from_json, map_value};

/// Where `enrich` puts what it found, by reservation id: addresses or a network's id.
const FOUND: &str = "terrarium:found";

/// Where `enrich` puts how many working things a reservation still holds of which some failed.
pub(super) const HELD: &str = "terrarium:held";

/// What is shown of an event.
const EVENTS: Attr =
    objects("events", &[text("event_type"), text("id"), text("status"), text("time")]);

/// Looks up what an active lease lends that Blazar does not tell: floating IPs carry its tag, and a
/// network the name that was asked for.
pub(super) async fn enrich(
    only: Option<PartKind>,
    scope: &Scope<'_>,
    lease: &mut Json,
    known: &Value,
) -> Result<(), ApiError> {
    count_held(scope, lease).await;
    if field(lease, "status") != "ACTIVE" {
        return Ok(());
    }
    let mut found = JsonMap::new();
    for part in part::fill(only, part::parts(only, known), lease) {
        let Some(id) = part.text("id") else { continue };
        match part.kind {
            PartKind::FloatingIp => {
                let query = vec![("tags", format!("reservation:{id}"))];
                let call = scope.get(Service::Network, "/floatingips").query(query);
                let all = scope.session.list(&call, "floatingips").await?;
                let mut addresses: Vec<&str> =
                    all.iter().map(|one| field(one, "floating_ip_address")).collect();
                addresses.sort_unstable();
                found.insert(id.to_owned(), json!(addresses));
            }
            PartKind::Network => {
                let name = part.text("network_name").unwrap_or_default();
                let query = vec![("name", name.to_owned())];
                let call = scope.get(Service::Network, "/networks").query(query);
                let all = scope.session.list(&call, "networks").await?;
                let named = all.iter().find(|network| field(network, "name") == name);
                found.insert(id.to_owned(), json!(named.map(|network| field(network, "id"))));
            }
            _ => {}
        }
    }
    if let Some(lease) = lease.as_object_mut() {
        lease.insert(FOUND.into(), Json::Object(found));
    }
    Ok(())
}

/// Counts what the reservations still hold whose things failed. Blazar never takes `missing_resources` back, also where a
/// later change gave the reservation another thing: only the calendar tells. Where it can't be read, the flag counts.
async fn count_held(scope: &Scope<'_>, lease: &mut Json) {
    let region = if scope.region.is_empty() { scope.session.region() } else { &scope.region };
    let id = field(lease, "id").to_owned();
    let all = lease.get_mut("reservations").and_then(Json::as_array_mut);
    for one in all.into_iter().flatten() {
        let pool = Pool::of(PartKind::of_type(field(one, "resource_type")));
        let missing = one.get("missing_resources").and_then(Json::as_bool) == Some(true);
        let Some(pool) = pool.filter(|_| missing) else { continue };
        let Ok(calendar) = Calendar::read(scope.session, region, pool).await else { continue };
        let own = field(one, "id").to_owned();
        let works = calendar.held_by(&id).into_iter().filter(|thing| {
            thing.reservable && thing.taken.iter().any(|taken| taken.reservation == own)
        });
        let held = works.count();
        let wanted = ["min", "amount"].iter().find_map(|key| number(one, key)).unwrap_or(1);
        if let Some(one) = one.as_object_mut() {
            one.insert(HELD.into(), json!(held));
            if i64::try_from(held).is_ok_and(|held| held >= wanted) {
                one.insert("missing_resources".into(), json!(false));
            }
        }
    }
}

/// Returns a whole number that Blazar gives as one or as a text.
pub(super) fn number(one: &Json, key: &str) -> Option<i64> {
    let value = one.get(key)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Fills an instance's values in from a lease.
pub(super) fn decode(only: Option<PartKind>, lease: &Json, known: &Value, out: &mut Map) {
    let mut set = |name: &str, value: Value| {
        out.insert(name.into(), value);
    };
    let optional = |text: &str| match text {
        "" => Value::null(Type::String),
        text => Value::string(text),
    };
    for name in ["status", "project_id", "user_id", "trust_id", "created_at", "updated_at"] {
        set(name, optional(field(lease, name)));
    }
    set("name", Value::string(recover::bare_name(field(lease, "name"), known)));
    set("degraded", Value::bool(lease.get("degraded").and_then(Json::as_bool) == Some(true)));
    for name in ["start_date", "end_date"] {
        if let Some(at) = date::read(field(lease, name)) {
            set(name, Value::string(date::stored(date::minute(at))));
        }
    }
    let before_end = elements(lease, "events")
        .iter()
        .find(|event| field(event, "event_type") == "before_end_lease")
        .and_then(|event| date::read(field(event, "time")));
    set("before_end_date", optional(&before_end.map(date::stored).unwrap_or_default()));
    set("events", events(lease));
    let mut parts = part::fill(only, part::parts(only, known), lease);
    for one in &mut parts {
        lent(one, lease);
    }
    if only.is_none() {
        let ids =
            parts.iter().map(|one| (one.key(), one.text("id").unwrap_or_default().to_owned()));
        let ids: Vec<(String, String)> = ids.collect();
        set("reservation_ids", map_value(ids.iter().map(|(key, id)| (key.as_str(), id.clone()))));
    }
    part::put(only, &parts, out);
}

fn events(lease: &Json) -> Value {
    let all = elements(lease, "events").iter().map(|event| {
        let mut event = event.clone();
        if let (Some(at), Some(fields)) = (date::read(field(&event, "time")), event.as_object_mut())
        {
            fields.insert("time".into(), json!(date::stored(at)));
        }
        event
    });
    let mut all: Vec<Json> = all.collect();
    // Blazar gives them in no order.
    all.sort_by_key(|event| (field(event, "time").to_owned(), field(event, "id").to_owned()));
    from_json(&EVENTS.shape, Some(&Json::Array(all)))
}

/// Fills in what a part lends once its lease is active.
fn lent(part: &mut part::Part, lease: &Json) {
    let name = match part.kind {
        PartKind::FloatingIp => "addresses",
        PartKind::Network => "network_id",
        _ => return,
    };
    let found = part.text("id").and_then(|id| lease.get(FOUND)?.get(id)).cloned();
    let Some(row) = part.kind.attribute(name) else { return };
    match found {
        Some(json) if !json.is_null() => part.set(name, from_json(&row.shape, Some(&json))),
        // What was lent until the end is still what it was called.
        _ if part.get(name).is_none_or(|value| !value.is_known()) => {
            part.set(name, Value::null(type_of(&row.shape)));
        }
        _ => {}
    }
}

/// Returns why a lease failed, as far as it tells: the statuses of its reservations and events.
pub(super) fn fault(lease: &Json) -> Option<String> {
    let reservations = elements(lease, "reservations").iter().map(|one| {
        let missing = one.get("missing_resources").and_then(Json::as_bool) == Some(true);
        let missing = if missing { ", some of its resources are missing" } else { "" };
        let (kind, status) = (field(one, "resource_type"), field(one, "status"));
        format!("its reservation of type {kind} is in state {status}{missing}")
    });
    let events = elements(lease, "events")
        .iter()
        .filter(|event| field(event, "status") == "ERROR")
        .map(|event| format!("its event {} failed", field(event, "event_type")));
    let all: Vec<String> = reservations.chain(events).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Returns whether some of what a lease reserves is missing or was swapped.
pub(super) fn is_degraded(values: &Value) -> bool {
    values.flag("degraded") == Some(true)
}
