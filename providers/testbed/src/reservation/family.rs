//! The four families of things that have a calendar: hosts, networks, devices, floating IPs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    addresses,
    allocation::{self, Allocation, Pool},
    counted, date, forbidden,
    inventory::{self, Resource},
    no_route, not_found, shares,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json,
    reply::{Outcome, Reply},
};

/// When the operators told Blazar of what it lends: before every world begins.
const CREATED: &str = "2025-08-01 12:00:00";

/// Names of a family: envelope of a list, of one, key of its 404, policy.
struct Names {
    list: &'static str,
    one: &'static str,
    key: &'static str,
    policy: &'static str,
}

fn names(pool: Pool) -> Names {
    match pool {
        Pool::Hosts => Names { list: "hosts", one: "host", key: "host_id", policy: "oshosts" },
        Pool::Networks => {
            Names { list: "networks", one: "network", key: "network_id", policy: "networks" }
        }
        Pool::Devices => {
            Names { list: "devices", one: "device", key: "device_id", policy: "devices" }
        }
        Pool::FloatingIps => Names {
            list: "floatingips",
            one: "floatingip",
            key: "floatingip_id",
            policy: "floatingips",
        },
    }
}

/// Answers a call whose path after the family's name is `rest`.
pub(super) fn answer(call: &Call<'_>, pool: Pool, rest: &[&str]) -> Outcome<Reply> {
    let names = names(pool);
    let resources = resources(&call.cloud, pool);
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let shown = resources.iter().map(|one| shown(&call.cloud, one));
            let shown = shown.collect::<Outcome<Vec<Value>>>()?;
            Ok(Reply::json(200, json!({names.list: shown})))
        }
        ("GET", ["allocations"]) => allocations(call, pool, &resources),
        ("GET", ["properties"]) => Ok(properties(call, &resources)),
        ("GET", [id]) => {
            let found = find(&resources, &names, id)?;
            Ok(Reply::json(200, json!({names.one: shown(&call.cloud, found)?})))
        }
        ("GET", [id, "allocation"]) => {
            find(&resources, &names, id)?;
            let calendar = calendar(&call.cloud, pool, Some(id))?;
            let wanted = wanted(call, &calendar);
            let reservations: Vec<Value> = wanted.map(|one| entry(one, false)).collect();
            let shown = json!({"resource_id": id, "reservations": reservations});
            Ok(Reply::json(200, json!({"allocation": shown})))
        }
        ("PUT", [_, "allocation"]) => Err(forbidden(&format!("{}:reallocate", names.policy))),
        ("PATCH", ["properties", _]) => {
            Err(forbidden(&format!("{}:update_resource_properties", names.policy)))
        }
        ("POST", []) => Err(forbidden(&format!("{}:post", names.policy))),
        ("PUT", [_]) => Err(forbidden(&format!("{}:put", names.policy))),
        ("DELETE", [_]) => Err(forbidden(&format!("{}:delete", names.policy))),
        _ => Ok(no_route(rest)),
    }
}

fn resources(cloud: &Cloud<'_>, pool: Pool) -> Vec<Resource> {
    match pool {
        Pool::FloatingIps => addresses::resources(cloud.site),
        pool => inventory::of_pool(cloud.site, pool).to_vec(),
    }
}

fn find<'r>(resources: &'r [Resource], names: &Names, id: &str) -> Outcome<&'r Resource> {
    resources.iter().find(|one| one.id == id).ok_or_else(|| not_found(names.key, id))
}

fn shown(cloud: &Cloud<'_>, resource: &Resource) -> Outcome<Value> {
    let mut shown = resource.shown();
    if let Some(projects) = inventory::authorized(cloud, resource)? {
        shown.insert("authorized_projects".to_owned(), json!(projects));
    }
    shown.entry("created_at").or_insert_with(|| json!(CREATED));
    shown.entry("updated_at").or_insert(Value::Null);
    if counted::has_failed(cloud, resource) {
        shown.insert("reservable".to_owned(), json!(false));
    }
    Ok(Value::Object(shown))
}

fn wanted<'c>(call: &Call<'_>, calendar: &'c [Allocation]) -> impl Iterator<Item = &'c Allocation> {
    let text = |key: &str| call.query.get(key).map(str::to_owned);
    let (lease, reservation) = (text("lease_id"), text("reservation_id"));
    calendar.iter().filter(move |one| {
        lease.as_ref().is_none_or(|lease| *lease == one.claim.lease)
            && reservation.as_ref().is_none_or(|id| *id == one.claim.reservation)
    })
}

/// Returns what is taken whole, and the shares of hypervisors.
fn calendar(cloud: &Cloud<'_>, pool: Pool, resource: Option<&str>) -> Outcome<Vec<Allocation>> {
    let mut calendar = allocation::calendar(cloud, pool, resource)?;
    if pool == Pool::Hosts {
        calendar.extend(shares::calendar(cloud, resource)?);
    }
    Ok(calendar)
}

/// Answers the calendar of everything, whoever has it; what nobody has is listed too.
fn allocations(call: &Call<'_>, pool: Pool, resources: &[Resource]) -> Outcome<Reply> {
    let calendar = calendar(&call.cloud, pool, None)?;
    let mut by_resource: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for one in wanted(call, &calendar) {
        by_resource.entry(&one.resource).or_default().push(entry(one, true));
    }
    let shown: Vec<Value> = resources
        .iter()
        .map(|resource| {
            let reservations = by_resource.remove(resource.id.as_str()).unwrap_or_default();
            json!({"resource_id": resource.id, "reservations": reservations})
        })
        .collect();
    Ok(Reply::json(200, json!({"allocations": shown})))
}

fn entry(allocation: &Allocation, with_extras: bool) -> Value {
    let claim = &allocation.claim;
    let mut entry = json!({"id": claim.reservation, "lease_id": claim.lease,
        "start_date": date::iso(allocation.window.start),
        "end_date": date::iso(allocation.window.end)});
    if with_extras {
        entry["extras"] = json!({"user_name": claim.user});
    }
    entry
}

/// Answers which extra properties there are; with `detail` also their values.
fn properties(call: &Call<'_>, resources: &[Resource]) -> Reply {
    let detail = call.query.get("detail").and_then(json::parse_flag).unwrap_or(false);
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (property, value) in resources.iter().flat_map(|resource| &resource.properties) {
        let known = values.entry(property).or_default();
        if !known.contains(&value.as_str()) {
            known.push(value);
        }
    }
    let shown: Vec<Value> = values
        .into_iter()
        .map(|(property, values)| {
            if detail {
                json!({"property": property, "private": false, "values": values})
            } else {
                json!({"property": property})
            }
        })
        .collect();
    Reply::json(200, json!({"resource_properties": shown}))
}
