//! Many instances take few calls.

use serde_json::{Value as Json, json};
use terrarium_provider::{Action, FindRequest, Intent, IntentId, Marker, ReadOutcome, ReadRequest};

use crate::case::{addr, intent};
use crate::cloud::{Call, Cloud};
use crate::convert::value_of;

fn call(request: String, reply: Json) -> Call {
    let status = if reply.is_null() { 404 } else { 200 };
    Call { request, body: json!(null), status, reply, headers: Vec::new() }
}

/// Reads instances by id; returns how many exist.
fn read(kind: &str, ids: &[String], script: Vec<Call>) -> usize {
    let cloud = Cloud::new(script);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replies = runtime.block_on(async {
        let ty = cloud.kind().resource_schema(kind).unwrap().block.ty();
        let requests = ids.iter().map(|id| ReadRequest {
            kind: kind.into(),
            addr: addr(kind),
            state: value_of(&json!({"id": id, "region": "KVM", "name": "x"}), &ty),
            private: None,
        });
        cloud.provider("3.4.0").await.read_many(requests.collect()).await
    });
    cloud.assert_done();
    let found = replies.iter().map(|reply| match reply.outcome {
        ReadOutcome::Found { .. } => 1,
        ReadOutcome::Gone => 0,
        _ => panic!("{:?}", reply.diagnostics),
    });
    found.sum()
}

fn ports(range: std::ops::Range<usize>) -> Vec<Json> {
    range.map(|at| json!({"id": format!("p{at}"), "status": "ACTIVE", "network_id": "n"})).collect()
}

#[test]
fn a_few_ports_are_asked_for_one_by_one() {
    let ids: Vec<String> = (0..3).map(|at| format!("p{at}")).collect();
    let script = (0..3).map(|at| {
        call(format!("GET /network/v2.0/ports/p{at}"), json!({"port": ports(at..at + 1)[0]}))
    });
    assert_eq!(read("openstack_networking_port_v2", &ids, script.collect()), 3);
}

#[test]
fn what_a_list_lacks_is_asked_for_itself() {
    let ids: Vec<String> = (0..50).map(|at| format!("p{at}")).collect();
    let query = |range: std::ops::Range<usize>| {
        range.map(|at| format!("id=p{at}")).collect::<Vec<_>>().join("&")
    };
    let script = vec![
        call(format!("GET /network/v2.0/ports?{}", query(0..40)), json!({"ports": ports(0..40)})),
        call(format!("GET /network/v2.0/ports?{}", query(40..50)), json!({"ports": ports(40..49)})),
        call("GET /network/v2.0/ports/p49".into(), json!(null)),
    ];
    assert_eq!(read("openstack_networking_port_v2", &ids, script), 49);
}

#[test]
fn ten_thousand_ports_are_ten_pages() {
    let ids: Vec<String> = (0..10_000).map(|at| format!("p{at}")).collect();
    let page = |at: usize| {
        let marker = if at == 0 { String::new() } else { format!("?marker=p{}", at * 1_000 - 1) };
        let links = if at == 9 {
            json!([])
        } else {
            let href =
                format!("http://cloud/network/v2.0/ports?limit=1000&marker=p{}", at * 1_000 + 999);
            json!([{"rel": "next", "href": href}])
        };
        call(
            format!("GET /network/v2.0/ports{marker}"),
            json!({"ports": ports(at * 1_000..at * 1_000 + 1_000), "ports_links": links}),
        )
    };
    assert_eq!(read("openstack_networking_port_v2", &ids, (0..10).map(page).collect()), 10_000);
}

#[test]
fn a_batch_of_several_types_is_answered_in_its_order() {
    let network = |id: &str| {
        call(format!("GET /network/v2.0/networks/{id}"), json!({"network": {"id": id, "name": id}}))
    };
    let script = vec![
        network("n1"),
        network("n2"),
        call(
            "GET /network/v2.0/security-groups/g1".into(),
            json!({"security_group": {"id": "g1", "name": "g1"}}),
        ),
    ];
    let cloud = Cloud::new(script);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replies = runtime.block_on(async {
        let (network, group) =
            ("openstack_networking_network_v2", "openstack_networking_secgroup_v2");
        let requests =
            [(network, "n1"), (group, "g1"), ("openstack_nothing", "x"), (network, "n2")].map(
                |(kind, id)| {
                    let state = match cloud.kind().resource_schema(kind) {
                        Some(schema) => {
                            value_of(&json!({"id": id, "region": "KVM"}), &schema.block.ty())
                        }
                        None => terrarium_value::Value::object_of(
                            [("id", "x")]
                                .map(|(name, id)| (name, terrarium_value::Value::string(id))),
                        ),
                    };
                    ReadRequest { kind: kind.into(), addr: addr(kind), state, private: None }
                },
            );
        cloud.provider("3.4.0").await.read_many(requests.into()).await
    });
    cloud.assert_done();
    let names = replies.iter().map(|reply| match &reply.outcome {
        ReadOutcome::Found { state, .. } => state.get("name").and_then(|name| name.as_str()),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), [Some("n1"), Some("g1"), None, Some("n2")]);
}

/// Looks for what creates without an outcome made; returns the ids found for each.
fn find(kind: &str, intents: &[Intent], script: Vec<Call>) -> Vec<Vec<String>> {
    let cloud = Cloud::new(script);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replies = runtime.block_on(async {
        let schema = cloud.kind().resource_schema(kind).unwrap();
        let block = &schema.block;
        let planned = |at: usize| {
            let mut all = json!({
                "name": format!("n{at}"), "router_id": format!("r{at}"), "subnet_id": "s",
                "port_id": format!("p{at}"), "floating_ip": format!("192.0.2.{at}"),
            });
            all.as_object_mut()
                .unwrap()
                .retain(|name, _| block.attributes.contains_key(name.as_str()));
            // An interface is on a subnet or has a port of its own.
            if all.get("router_id").is_some() {
                all["port_id"] = json!(null);
            }
            value_of(&all, &block.ty())
        };
        let request = |(at, intent): (usize, &Intent)| FindRequest {
            kind: kind.into(),
            intent: intent.clone(),
            planned: Some(planned(at)),
        };
        let requests: Vec<FindRequest> = intents.iter().enumerate().map(request).collect();
        cloud.provider("3.4.0").await.find_many(&requests).await
    });
    cloud.assert_done();
    let ids = |candidates: Vec<terrarium_provider::Candidate>| {
        candidates.iter().map(|one| one.id.to_string()).collect()
    };
    replies.into_iter().map(|reply| ids(reply.candidates.unwrap())).collect()
}

/// Makes as many intents of one type.
fn intents(kind: &str, count: u64) -> Vec<Intent> {
    let of = |at| {
        let (addr, id) = (addr(kind), IntentId(at));
        let marker = Marker::derive("a lineage", &addr, id);
        Intent { id, marker, ..intent(kind, Action::Create) }
    };
    (0..count).map(of).collect()
}

#[test]
fn two_hundred_lost_creates_are_looked_for_in_one_list() {
    let made = "2026-03-01T12:00:05Z";
    let marked = |intents: &[Intent]| {
        let object = |(at, one): (usize, &Intent)| {
            json!({
                "id": format!("o{at}"), "name": format!("n{at}"), "status": "ACTIVE", "created_at": made,
                "description": format!("terrarium:{}", one.marker), "metadata": {"terrarium": one.marker.to_string()},
            })
        };
        intents.iter().enumerate().map(object).collect::<Vec<Json>>()
    };
    for (kind, list, collection) in [
        ("openstack_networking_network_v2", "GET /network/v2.0/networks", "networks"),
        ("openstack_networking_port_v2", "GET /network/v2.0/ports", "ports"),
        ("openstack_compute_instance_v2", "GET /compute/v2.1/servers/detail", "servers"),
        ("openstack_blockstorage_volume_v3", "GET /volume/v3/p1/volumes/detail", "volumes"),
    ] {
        let intents = intents(kind, 200);
        let found =
            find(kind, &intents, vec![call(list.into(), json!({collection: marked(&intents)}))]);
        let expected: Vec<Vec<String>> = (0..200).map(|at| vec![format!("o{at}")]).collect();
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn what_carries_no_marker_is_looked_for_in_one_list_as_well() {
    let made = "2026-03-01T12:00:05Z";
    for (kind, list, objects) in [
        (
            "openstack_networking_router_interface_v2",
            "GET /network/v2.0/ports",
            (0..20).map(|at| {
                json!({
                    "id": format!("o{at}"), "device_id": format!("r{at}"), "created_at": made,
                    "fixed_ips": [{"subnet_id": "s", "ip_address": "192.0.2.1"}],
                })
            }).collect::<Vec<Json>>(),
        ),
        (
            "openstack_networking_floatingip_associate_v2",
            "GET /network/v2.0/floatingips",
            (0..20).map(|at| {
                json!({
                    "id": format!("o{at}"), "floating_ip_address": format!("192.0.2.{at}"), "port_id": format!("p{at}"),
                })
            }).collect(),
        ),
    ] {
        let collection = if kind.contains("interface") { "ports" } else { "floatingips" };
        let script = vec![call(list.into(), json!({collection: objects}))];
        let found = find(kind, &intents(kind, 20), script);
        let expected: Vec<Vec<String>> = (0..20).map(|at| vec![format!("o{at}")]).collect();
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn what_was_under_way_with_known_ids_is_read_in_one_list() {
    let kind = "openstack_networking_router_v2";
    let ids = (0..30).map(|at| format!("id=o{at}")).collect::<Vec<_>>().join("&");
    let routers: Vec<Json> =
        (0..30).map(|at| json!({"id": format!("o{at}"), "status": "ACTIVE"})).collect();
    let mut intents = intents(kind, 30);
    for (at, one) in intents.iter_mut().enumerate() {
        (one.action, one.object_id) = (Action::Update, Some(format!("o{at}").as_str().into()));
    }
    let script =
        vec![call(format!("GET /network/v2.0/routers?{ids}"), json!({"routers": routers}))];
    let found = find(kind, &intents, script);
    let expected: Vec<Vec<String>> = (0..30).map(|at| vec![format!("o{at}")]).collect();
    assert_eq!(found, expected);
}
