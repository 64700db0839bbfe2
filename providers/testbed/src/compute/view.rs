//! Servers as Nova shows them, by microversion.

use serde_json::{Map, Value, json};

use super::Nova;
use crate::{
    json,
    network::{floating_ips, networks::NETWORK, ports::PORT, security_groups::SECURITY_GROUP},
    reply::Outcome,
    store::Object,
};

/// Returns everything that the caller's microversion shows of a server.
pub(super) fn full(nova: &Nova<'_, '_>, server: &Object) -> Outcome<Value> {
    let mut body = json::public(&server.body);
    let mut set = |key: &str, value: Value| {
        body.insert(key.to_owned(), value);
    };
    set("links", nova.links(&format!("servers/{}", server.id)));
    set("addresses", Value::Object(addresses(nova, server)?));
    set("image", image(nova, server));
    set("flavor", flavor(nova, server));
    let groups = security_groups(nova, server)?;
    if !groups.is_empty() {
        set("security_groups", groups.into());
    }
    let volumes: Vec<Value> = server
        .list("_volumes")
        .iter()
        .map(|volume| {
            let mut shown = json!({"id": volume["volume_id"]});
            if nova.since(3) {
                shown["delete_on_termination"] = volume["delete_on_termination"].clone();
            }
            shown
        })
        .collect();
    set("os-extended-volumes:volumes_attached", volumes.into());
    if nova.since(9) {
        set("locked", server.flag("_locked").into());
    }
    if nova.since(19) {
        set("description", server.body.get("_description").cloned().unwrap_or_default());
    }
    if nova.since(26) {
        set("tags", server.body.get("_tags").cloned().unwrap_or_else(|| json!([])));
    }
    if nova.since(63) {
        set("trusted_image_certificates", Value::Null);
    }
    if nova.since(71) {
        let group = server.body.get("_group").filter(|group| !group.is_null());
        set("server_groups", group.map_or_else(|| json!([]), |group| json!([group])));
    }
    if nova.since(73) {
        set("locked_reason", Value::Null);
    }
    if nova.since(90) {
        let name = server.body.get("_hostname").cloned();
        set("OS-EXT-SRV-ATTR:hostname", name.unwrap_or_else(|| json!(server.text("name"))));
    }
    // The progress of what is not under way is not shown.
    if !["ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE"].contains(&server.text("status")) {
        body.remove("progress");
    }
    Ok(Value::Object(body))
}

/// Returns a server as it is shown after a change: from microversion 2.75 on everything, before that
/// only the core.
pub(super) fn changed(nova: &Nova<'_, '_>, server: &Object) -> Outcome<Value> {
    let mut shown = full(nova, server)?;
    if nova.since(75) {
        return Ok(shown);
    }
    if let Some(members) = shown.as_object_mut() {
        members.retain(|key, _| !EXTENDED.contains(&key.as_str()) && !key.starts_with("OS-EXT-"));
        let addresses = members.get_mut("addresses").and_then(Value::as_object_mut);
        for address in
            addresses.into_iter().flatten().filter_map(|(_, list)| list.as_array_mut()).flatten()
        {
            if let Some(address) = address.as_object_mut() {
                address.retain(|key, _| !key.starts_with("OS-EXT-"));
            }
        }
    }
    Ok(shown)
}

/// Members of a server that its creation and changes don't show.
const EXTENDED: &[&str] = &[
    "key_name",
    "config_drive",
    "OS-SRV-USG:launched_at",
    "OS-SRV-USG:terminated_at",
    "security_groups",
    "os-extended-volumes:volumes_attached",
];

fn image(nova: &Nova<'_, '_>, server: &Object) -> Value {
    match server.text("_image") {
        "" => json!(""),
        id => {
            let href = format!("{}/images/{id}", nova.url);
            json!({"id": id, "links": [{"rel": "bookmark", "href": href}]})
        }
    }
}

fn flavor(nova: &Nova<'_, '_>, server: &Object) -> Value {
    if nova.since(47) {
        return server.body.get("_shape").cloned().unwrap_or_default();
    }
    let id = server.text("_flavor");
    let href = format!("{}/flavors/{id}", nova.url);
    json!({"id": id, "links": [{"rel": "bookmark", "href": href}]})
}

/// Returns the ports of a server that still exist, in the order of its interfaces.
pub(super) fn ports(nova: &Nova<'_, '_>, server: &Object) -> Outcome<Vec<Object>> {
    let mut ports = Vec::new();
    for id in server.list("_nics").iter().filter_map(Value::as_str) {
        ports.extend(nova.cloud.get(&PORT, id)?);
    }
    Ok(ports)
}

/// Returns a server's addresses by network name, floating ones after the fixed one they belong to.
pub(super) fn addresses(nova: &Nova<'_, '_>, server: &Object) -> Outcome<Map<String, Value>> {
    let mut addresses = Map::new();
    for port in ports(nova, server)? {
        let Some(network) = nova.cloud.get(&NETWORK, port.text("network_id"))? else { continue };
        let floating = floating_ips::of_port(&nova.cloud, &port.id)?;
        let mut listed = Vec::new();
        for place in port.list("fixed_ips") {
            let fixed = place["ip_address"].as_str().unwrap_or_default();
            listed.push((fixed.to_owned(), "fixed"));
            listed.extend(
                floating
                    .iter()
                    .filter(|(inner, _)| inner == fixed)
                    .map(|(_, outer)| (outer.clone(), "floating")),
            );
        }
        let shown = listed.into_iter().map(|(address, kind)| {
            json!({"version": if address.contains(':') { 6 } else { 4 }, "addr": address,
                "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port.text("mac_address")})
        });
        let slot = addresses.entry(network.text("name")).or_insert_with(|| json!([]));
        if let Some(list) = slot.as_array_mut() {
            list.extend(shown);
        }
    }
    Ok(addresses)
}

/// Returns the groups of a server's ports, by name; one per port, repeated as Nova does.
pub(super) fn security_groups(nova: &Nova<'_, '_>, server: &Object) -> Outcome<Vec<Value>> {
    let mut groups = Vec::new();
    for port in ports(nova, server)? {
        for id in json::texts(&port.body, "security_groups") {
            if let Some(group) = nova.cloud.get(&SECURITY_GROUP, &id)? {
                groups.push(json!({"name": group.text("name")}));
            }
        }
    }
    Ok(groups)
}
