//! Neutron v2.0: collections as rows, with hooks for what is a collection's own.

mod attribute;
mod collection;
pub(crate) mod floating_ips;
pub(crate) mod ipam;
mod listing;
pub(crate) mod networks;
pub(crate) mod plugs;
pub(crate) mod ports;
mod quota;
mod router_interfaces;
pub(crate) mod routers;
pub(crate) mod security_group_rules;
pub(crate) mod security_groups;
pub(crate) mod subnets;
mod tags;

use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    cloud::Cloud,
    json::Body,
    reply::{Outcome, Refusal, Reply, refuse},
    store::Object,
};
use collection::Collection;

/// All collections.
const COLLECTIONS: &[&Collection] = &[
    &networks::COLLECTION,
    &subnets::COLLECTION,
    &ports::COLLECTION,
    &routers::COLLECTION,
    &floating_ips::COLLECTION,
    &security_groups::COLLECTION,
    &security_group_rules::COLLECTION,
];

/// Collections that the API has and in which nothing is simulated: their lists are empty.
const EMPTY: &[&str] = &[
    "address-groups",
    "address-scopes",
    "agents",
    "rbac-policies",
    "subnetpools",
    "trunks",
    "network-ip-availabilities",
    "segments",
];

/// Extensions that clients ask for: alias and name.
const EXTENSIONS: &[(&str, &str)] = &[
    ("address-group", "Address group"),
    ("allowed-address-pairs", "Allowed Address Pairs"),
    ("availability_zone", "Availability Zone"),
    ("binding", "Port Binding"),
    ("dns-integration", "DNS Integration"),
    ("ext-gw-mode", "Neutron L3 Configurable external gateway mode"),
    ("external-net", "Neutron external network"),
    ("extra_dhcp_opt", "Neutron Extra DHCP options"),
    ("extraroute", "Neutron Extra Route"),
    ("net-mtu", "Network MTU"),
    ("pagination", "Pagination support"),
    ("port-security", "Port Security"),
    ("project-id", "project_id field enabled"),
    ("quotas", "Quota management support"),
    ("router", "Neutron L3 Router"),
    ("security-group", "security-group"),
    ("stateful-security-group", "Stateful security group"),
    ("sorting", "Sorting support"),
    ("standard-attr-revisions", "Resource revision numbers"),
    ("standard-attr-tag", "Tag support for resources with standard attribute"),
    ("standard-attr-timestamp", "Resource timestamps"),
];

/// Answers a call of Neutron.
pub(crate) fn answer(call: &Call<'_>) -> Outcome<Reply> {
    let method = call.method.as_str();
    let Some((root, path)) = call.path.split_first() else {
        let version = json!({"id": "v2.0", "status": "CURRENT",
            "links": [{"rel": "self", "href": format!("{}/v2.0/", call.url)}]});
        return Ok(Reply::json(200, json!({"versions": [version]})));
    };
    if *root != "v2.0" {
        return Err(not_found());
    }
    match (method, path) {
        ("GET", []) => Ok(Reply::json(200, json!({"resources": resources(&call.url)}))),
        ("GET", ["extensions"]) => {
            let all: Vec<Value> = EXTENSIONS.iter().map(extension).collect();
            Ok(Reply::json(200, json!({"extensions": all})))
        }
        ("GET", ["extensions", alias]) => {
            let known = EXTENSIONS.iter().find(|(known, _)| known == alias);
            let known = known.ok_or_else(|| {
                refuse(404, "HTTPNotFound", format!("Extension with alias {alias} does not exist"))
            })?;
            Ok(Reply::json(200, json!({"extension": extension(known)})))
        }
        ("GET", ["availability_zones"]) => {
            let zones: Vec<Value> = ["network", "router"]
                .iter()
                .map(|kind| json!({"name": "nova", "resource": kind, "state": "available"}))
                .collect();
            Ok(Reply::json(200, json!({"availability_zones": zones})))
        }
        (_, ["quotas", rest @ ..]) => quota::answer(call, rest),
        ("GET", [plural]) if EMPTY.contains(plural) => {
            Ok(Reply::json(200, json!({plural.replace('-', "_"): []})))
        }
        (_, [plural, rest @ ..]) => {
            let plural = plural.strip_suffix(".json").unwrap_or(plural);
            let collection = COLLECTIONS.iter().find(|collection| collection.plural == plural);
            collection.ok_or_else(not_found)?.answer(call, rest)
        }
        _ => Err(not_found()),
    }
}

fn resources(url: &str) -> Vec<Value> {
    COLLECTIONS
        .iter()
        .map(|collection| {
            json!({"name": collection.singular, "collection": collection.list_key(),
                "links": [{"rel": "self", "href": format!("{url}/v2.0/{}", collection.plural)}]})
        })
        .collect()
}

fn extension((alias, name): &(&str, &str)) -> Value {
    json!({"alias": alias, "name": name, "description": name, "links": [],
        "updated": "2016-01-01T00:00:00-00:00"})
}

fn not_found() -> Refusal {
    refuse(404, "HTTPNotFound", "The resource could not be found.")
}

/// Returns Neutron's refusal of malformed input.
fn bad(message: impl Into<String>) -> Refusal {
    refuse(400, "HTTPBadRequest", message)
}

/// Returns a refusal by policy.
fn forbidden(rule: &str) -> Refusal {
    refuse(403, "PolicyNotAuthorized", format!("{rule} is disallowed by policy"))
}

/// Returns the members that every Neutron object has.
fn standard(cloud: &Cloud<'_>, id: &str, project: &str) -> Body {
    let stamp = cloud.stamp();
    let mut body = Map::new();
    for (key, value) in [
        ("id", json!(id)),
        ("name", json!("")),
        ("tenant_id", json!(project)),
        ("project_id", json!(project)),
        ("description", json!("")),
        ("tags", json!([])),
        ("created_at", json!(stamp)),
        ("updated_at", json!(stamp)),
        ("revision_number", json!(1)),
    ] {
        body.insert(key.to_owned(), value);
    }
    body
}

/// Notes that an object changed.
fn touch(cloud: &Cloud<'_>, object: &mut Object) {
    object.set("updated_at", cloud.stamp());
    object.set("revision_number", object.number("revision_number") + 1);
}
