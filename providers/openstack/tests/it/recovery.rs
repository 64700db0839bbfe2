//! What an open intent may have made is found again: by its marker, else by what it is.

use serde_json::{Value as Json, json};
use terrarium_provider::{Action, FindRequest, Intent, ProviderKind};

use crate::case::intent;
use crate::cloud::{Call, Cloud};
use crate::convert::value_of;

/// Looks for an intent's object; returns ids, whether each is certain, and whether work goes on.
fn found(
    kind: &str,
    config: &Json,
    script: Vec<(&str, Json)>,
    change: impl Fn(Intent) -> Intent,
) -> Vec<(String, bool, bool)> {
    let script = script.into_iter().map(|(call, reply)| Call {
        request: call.into(),
        body: json!(null),
        status: if reply.is_null() { 404 } else { 200 },
        reply,
        headers: Vec::new(),
    });
    let cloud = Cloud::new(script);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found = runtime.block_on(async {
        let schema = cloud.kind().resource_schema(kind).unwrap();
        let planned = value_of(config, &schema.block.ty());
        let intent = change(intent(kind, Action::Create));
        let request = FindRequest { kind: kind.into(), intent, planned: Some(planned) };
        cloud.provider("3.4.0").await.find_many(&[request]).await.pop().unwrap()
    });
    cloud.assert_done();
    let candidates = found.candidates.unwrap_or_else(|| panic!("{:?}", found.diagnostics));
    candidates.iter().map(|one| (one.id.to_string(), one.marked, one.pending.is_some())).collect()
}

#[test]
fn a_marker_is_certain() {
    let marker = intent("a", Action::Create).marker;
    let networks = json!({"networks": [
        {"id": "other", "name": "net", "description": "", "status": "ACTIVE", "created_at": "2026-03-01T12:00:05Z"},
        {"id": "ours", "name": "net", "description": format!("terrarium:{marker}"), "status": "ACTIVE"},
    ]});
    let hits = found(
        "openstack_networking_network_v2",
        &json!({"name": "net"}),
        vec![("GET /network/v2.0/networks?name=net", networks)],
        |intent| intent,
    );
    assert_eq!(hits, [("ours".into(), true, false)]);
}

#[test]
fn what_the_user_described_is_found_by_what_it_is_and_when() {
    let network = |id: &str, description: &str, at: &str| json!({"id": id, "name": "net", "description": description, "status": "ACTIVE", "created_at": at});
    let networks = json!({"networks": [
        network("old", "mine", "2026-03-01T11:58:00Z"),
        network("others", "yours", "2026-03-01T12:00:05Z"),
        network("likely", "mine", "2026-03-01T12:00:05Z"),
    ]});
    let hits = found(
        "openstack_networking_network_v2",
        &json!({"name": "net", "description": "mine"}),
        vec![("GET /network/v2.0/networks?name=net", networks)],
        |intent| intent,
    );
    assert_eq!(hits, [("likely".into(), false, false)]);
}

#[test]
fn a_server_at_boot_is_adopted_as_pending() {
    let marker = intent("a", Action::Create).marker.to_string();
    let servers = json!({"servers": [
        {"id": "s1", "name": "vm", "status": "BUILD", "metadata": {"terrarium": marker}, "created": "2026-03-01T12:00:02Z"},
        {"id": "s2", "name": "vm", "status": "ACTIVE", "metadata": {}, "created": "2026-03-01T12:00:02Z"},
    ]});
    let hits = found(
        "openstack_compute_instance_v2",
        &json!({"name": "vm"}),
        vec![("GET /compute/v2.1/servers/detail", servers)],
        |intent| intent,
    );
    assert_eq!(hits, [("s1".into(), true, true)]);
}

#[test]
fn a_delete_in_doubt_asks_for_the_object_itself() {
    let gone = found(
        "openstack_networking_network_v2",
        &json!({"name": "net"}),
        vec![("GET /network/v2.0/networks/n1", json!(null))],
        |intent| Intent { action: Action::Delete, object_id: Some("n1".into()), ..intent },
    );
    assert_eq!(gone, []);
}

#[test]
fn a_router_interface_is_a_port_of_the_router_on_the_subnet() {
    let ports = json!({"ports": [
        {"id": "p1", "device_id": "r1", "status": "ACTIVE", "fixed_ips": [{"subnet_id": "other", "ip_address": "10.0.0.1"}]},
        {"id": "p2", "device_id": "r1", "status": "ACTIVE", "fixed_ips": [{"subnet_id": "s1", "ip_address": "10.0.1.1"}]},
    ]});
    let hits = found(
        "openstack_networking_router_interface_v2",
        &json!({"router_id": "r1", "subnet_id": "s1"}),
        vec![("GET /network/v2.0/ports?device_id=r1", ports)],
        |intent| intent,
    );
    assert_eq!(hits, [("p2".into(), true, false)]);
}
