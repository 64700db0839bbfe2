//! What an open intent may have made is found again: by its marker, else by what it is.

use serde_json::{Value as Json, json};
use terrarium_provider::{Action, Candidate, FindRequest, Intent};

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
    let found = candidates(kind, config, script, change);
    found.iter().map(|one| (one.id.to_string(), one.marked, one.pending.is_some())).collect()
}

fn candidates(
    kind: &str,
    config: &Json,
    script: Vec<(&str, Json)>,
    change: impl Fn(Intent) -> Intent,
) -> Vec<Candidate> {
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
    found.candidates.unwrap_or_else(|| panic!("{:?}", found.diagnostics))
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
    let port = |id: &str, subnet: &str, at: &str| {
        json!({
            "id": id, "device_id": "r1", "status": "ACTIVE", "created_at": at,
            "fixed_ips": [{"subnet_id": subnet, "ip_address": "10.0.1.1"}],
        })
    };
    let (before, after) = ("2026-03-01T11:00:00Z", "2026-03-01T12:00:01Z");
    for (ports, expected) in [
        (json!([port("p1", "other", after), port("p2", "s1", after)]), vec!["p2"]),
        // What was there before the intent is somebody else's.
        (json!([port("p2", "s1", before)]), vec![]),
        (json!([{"id": "p2", "device_id": "r1", "fixed_ips": [{"subnet_id": "s1"}]}]), vec![]),
    ] {
        let hits = found(
            "openstack_networking_router_interface_v2",
            &json!({"router_id": "r1", "subnet_id": "s1"}),
            vec![("GET /network/v2.0/ports?device_id=r1", json!({ "ports": ports }))],
            |intent| intent,
        );
        let ids: Vec<&str> = hits.iter().map(|(id, _, _)| id.as_str()).collect();
        assert_eq!(ids, expected, "{ports}");
    }
}

#[test]
fn what_has_no_age_is_never_taken_for_a_lost_create() {
    let rule = |at: &str| {
        json!({
            "id": "r", "security_group_id": "g", "direction": "ingress", "ethertype": "IPv4",
            "created_at": at,
        })
    };
    for (at, expected) in [("2026-03-01T12:00:01Z", 1), ("2026-03-01T11:00:00Z", 0), ("", 0)] {
        let rules = json!({"security_group_rules": [rule(at)]});
        let hits = found(
            "openstack_networking_secgroup_rule_v2",
            &json!({"security_group_id": "g", "direction": "ingress", "ethertype": "IPv4"}),
            vec![("GET /network/v2.0/security-group-rules", rules)],
            |intent| intent,
        );
        assert_eq!(hits.len(), expected, "{at:?}");
    }
}

#[test]
fn a_key_pair_of_the_name_that_was_there_before_is_the_users() {
    let key = |at: &str| json!({"keypair": {"name": "mine", "public_key": "ssh-rsa A", "created_at": at}});
    for (at, expected) in
        [("2026-03-01T12:00:01.000000", 1), ("2026-03-01T11:00:00.000000", 0), ("", 0)]
    {
        let hits = found(
            "openstack_compute_keypair_v2",
            &json!({"name": "mine", "public_key": "ssh-rsa A"}),
            vec![("GET /compute/v2.1/os-keypairs/mine", key(at))],
            |intent| intent,
        );
        assert_eq!(hits.len(), expected, "{at:?}");
    }
}

#[test]
fn an_attachment_counts_from_when_the_volume_was_attached() {
    let volume = |at: &str| {
        json!({"volume": {
            "id": "v", "status": "in-use", "updated_at": "2026-03-01T12:30:00",
            "attachments": [{"server_id": "s", "attached_at": at}],
        }})
    };
    for (at, expected) in [("2026-03-01T12:00:01.000000", 1), ("2026-03-01T11:00:00.000000", 0)] {
        let hits = found(
            "openstack_compute_volume_attach_v2",
            &json!({"instance_id": "s", "volume_id": "v"}),
            vec![
                (
                    "GET /compute/v2.1/servers/s/os-volume_attachments/v",
                    json!({"volumeAttachment": {"volumeId": "v", "serverId": "s"}}),
                ),
                ("GET /volume/v3/p1/volumes/v", volume(at)),
            ],
            |intent| intent,
        );
        assert_eq!(hits.len(), expected, "{at}");
    }
}

#[test]
fn a_key_that_was_shown_once_is_told() {
    let key = json!({"keypair": {"name": "k", "public_key": "ssh-rsa A", "created_at": "2026-03-01T12:00:01.000000"}});
    for (kind, config, (call, reply), lacks) in [
        (
            "openstack_compute_keypair_v2",
            json!({"name": "k"}),
            ("GET /compute/v2.1/os-keypairs/k", key.clone()),
            true,
        ),
        (
            "openstack_compute_keypair_v2",
            json!({"name": "k", "public_key": "ssh-rsa A"}),
            ("GET /compute/v2.1/os-keypairs/k", key),
            false,
        ),
    ] {
        let found = candidates(kind, &config, vec![(call, reply)], |intent| intent);
        let told: Vec<bool> = found.iter().map(|one| one.lacks.is_some()).collect();
        assert_eq!(told, [lacks], "{kind} {config}");
    }
}
