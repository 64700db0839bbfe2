//! What holds for every world.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use terrarium_testbed::{Delivery, RESERVED_FLAVOR, RealTime, World};

use crate::cloud::{Cloud, START, stopped};

const NETWORKS: &str = "/kvm-tacc/network/v2.0/networks";
const PORTS: &str = "/kvm-tacc/network/v2.0/ports";
const SERVERS: &str = "/kvm-tacc/compute/v2.1/servers";

fn ids(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|object| object["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_reopened_world_has_all_that_was_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let mut cloud = Cloud::over(World::open(&path, stopped()).expect("a world"));
    let (network, _) = cloud.network("10.0.0.0/24");
    cloud.advance(30.0);
    let (_, before) = cloud.call("GET", "/testbed/status", &Value::Null);
    // Nothing is closed: the file must hold it all, as after a SIGKILL.
    std::mem::forget(cloud);
    let mut again = Cloud::over(World::open(&path, stopped()).expect("the world again"));
    let (status, _) = again.call("GET", &format!("{NETWORKS}/{network}"), &Value::Null);
    assert_eq!(status, 200);
    let (_, after) = again.call("GET", "/testbed/status", &Value::Null);
    assert_eq!(before, after, "clock, world and counts are as they were");
}

#[test]
fn two_handles_of_one_file_see_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let mut one = Cloud::over(World::open(&path, stopped()).expect("a world"));
    let mut two = Cloud::over(World::open(&path, stopped()).expect("the same world"));
    let (first, _) = one.network("10.0.0.0/24");
    let (status, _) = two.call("GET", &format!("{NETWORKS}/{first}"), &Value::Null);
    assert_eq!(status, 200);
    two.advance(90.0);
    let (_, clock) = one.call("GET", "/testbed/clock", &Value::Null);
    assert_eq!(clock["now"], "2026-03-01T12:01:30Z");
}

#[test]
fn many_clients_at_once_get_distinct_ids_and_addresses() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let mut cloud = Cloud::over(World::open(&path, stopped()).expect("a world"));
    let (network, _) = cloud.network("10.0.0.0/24");
    let made: Vec<(String, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let world = World::open(&path, stopped()).expect("the same world");
                    let mut cloud = Cloud::over(world);
                    let body = json!({"port": {"network_id": network}});
                    (0..10)
                        .map(|_| {
                            let (status, port) = cloud.call("POST", PORTS, &body);
                            assert_eq!(status, 201, "{port}");
                            let port = &port["port"];
                            let address = port["fixed_ips"][0]["ip_address"].to_string();
                            (port["id"].to_string(), address)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let ids: BTreeSet<&String> = made.iter().map(|(id, _)| id).collect();
    let addresses: BTreeSet<&String> = made.iter().map(|(_, address)| address).collect();
    assert_eq!((ids.len(), addresses.len()), (40, 40));
}

#[test]
fn the_clock_goes_forwards_only() {
    let mut cloud = Cloud::in_memory(1);
    cloud.advance(100.0);
    for body in [
        json!({"advance_seconds": -1}),
        json!({"advance_seconds": "soon"}),
        json!({"to": START}),
        json!({"to": "yesterday"}),
        json!({"rate": -1}),
    ] {
        let (status, answer) = cloud.call("POST", "/testbed/clock", &body);
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let (_, clock) = cloud.call("GET", "/testbed/clock", &Value::Null);
    assert_eq!(clock["now"], "2026-03-01T12:01:40Z");
}

#[test]
fn a_running_clock_follows_the_real_one_at_its_rate_and_never_back() {
    let real = Arc::new(AtomicI64::new(1_772_366_400));
    let shown = Arc::clone(&real);
    let source: RealTime = Arc::new(move || {
        Timestamp::from_second(shown.load(Ordering::SeqCst)).expect("a valid instant")
    });
    let mut cloud = Cloud::over(World::in_memory(1, source).expect("a world"));
    cloud.router.set_rate(60.0).expect("a rate");
    let now = |cloud: &mut Cloud, step: i64| {
        real.fetch_add(step, Ordering::SeqCst);
        let (_, clock) = cloud.call("GET", "/testbed/clock", &Value::Null);
        clock["now"].as_str().expect("an instant").to_owned()
    };
    assert_eq!(now(&mut cloud, 2), "2026-03-01T12:02:00Z");
    assert_eq!(now(&mut cloud, -500), "2026-03-01T12:02:00Z", "a step back is no step");
    assert_eq!(now(&mut cloud, 1), "2026-03-01T12:03:00Z");
}

#[test]
fn a_rate_ends_with_the_process_that_set_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let real = Arc::new(AtomicI64::new(1_772_366_400));
    let shown = Arc::clone(&real);
    let source: RealTime = Arc::new(move || {
        Timestamp::from_second(shown.load(Ordering::SeqCst)).expect("a valid instant")
    });
    let open = || Cloud::over(World::open(&path, source.clone()).expect("the world"));
    let now = |cloud: &mut Cloud| cloud.call("GET", "/testbed/clock", &Value::Null).1;
    let mut served = open();
    served.router.set_rate(1.0).expect("a rate");
    real.fetch_add(10, Ordering::SeqCst);
    assert_eq!(now(&mut served)["now"], "2026-03-01T12:00:10Z");
    std::mem::forget(served);
    real.fetch_add(3_600, Ordering::SeqCst);
    let mut embedded = open();
    let clock = now(&mut embedded);
    assert_eq!((&clock["now"], &clock["rate"]), (&json!("2026-03-01T12:00:10Z"), &json!(0.0)));
    embedded.advance(5.0);
    let mut again = open();
    again.router.set_rate(1.0).expect("a rate");
    real.fetch_add(5, Ordering::SeqCst);
    assert_eq!(now(&mut again)["now"], "2026-03-01T12:00:20Z", "the hour between did not pass");
}

#[test]
fn every_reply_tells_the_worlds_time_and_its_own_id() {
    let mut cloud = Cloud::in_memory(1);
    cloud.advance(3_600.0);
    let mut seen = BTreeSet::new();
    for path in [NETWORKS, SERVERS, "/kvm-tacc/network/v2.0/nonsense", "/testbed/clock", "/"] {
        let reply = cloud.send(("GET", path), &[], "");
        assert_eq!(reply.headers["date"], "Sun, 01 Mar 2026 13:00:00 GMT", "{path}");
        seen.insert(reply.headers["x-openstack-request-id"].clone());
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let mut cloud = Cloud::in_memory(seed);
        cloud.network("10.0.0.0/24");
        let (_, list) = cloud.call("GET", "/testbed/objects", &Value::Null);
        list
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_reset_world_is_another_and_empty() {
    let mut cloud = Cloud::in_memory(1);
    cloud.network("10.0.0.0/24");
    let (_, before) = cloud.call("GET", "/testbed/status", &Value::Null);
    let (status, after) = cloud.call("POST", "/testbed/reset", &Value::Null);
    assert_eq!(status, 200);
    assert_ne!(before["world"], after["world"]);
    let (_, list) = cloud.call("GET", "/testbed/objects", &Value::Null);
    assert_eq!(list["objects"], json!([]));
}

#[test]
fn a_reset_worlds_settings_are_new_unless_they_are_to_be_kept() {
    let mut cloud = Cloud::in_memory(1);
    let settings = |cloud: &mut Cloud| cloud.call("GET", "/testbed/settings", &Value::Null).1;
    let new = settings(&mut cloud);
    let tight = json!({"quotas": {"instances": 2}, "cleaning_minutes": 7});
    for (keeps, quota, minutes) in [
        (Some(true), json!(2), json!(7)),
        (Some(false), Value::Null, new["cleaning_minutes"].clone()),
        (None, Value::Null, new["cleaning_minutes"].clone()),
    ] {
        assert_eq!(cloud.call("PUT", "/testbed/settings", &tight).0, 200);
        let body = json!({"keep_settings": keeps, "at": "2027-03-01T12:00:00Z"});
        assert_eq!(cloud.call("POST", "/testbed/reset", &body).0, 200);
        let after = settings(&mut cloud);
        assert_eq!(
            (&after["quotas"]["instances"], &after["cleaning_minutes"]),
            (&quota, &minutes),
            "{keeps:?}"
        );
        // It counts from the beginning of the new world, whatever is kept.
        assert!(after["allocation_end"].as_str().is_some_and(|end| end > "2027-03-01"), "{after}");
    }
}

#[test]
fn paging_visits_everything_once() {
    let mut cloud = Cloud::in_memory(1);
    let (network, _) = cloud.network("10.0.0.0/22");
    let body = json!({"port": {"network_id": network}});
    let made: BTreeSet<String> = (0..25)
        .map(|_| {
            cloud.call("POST", PORTS, &body).1["port"]["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let mut seen = BTreeSet::new();
    let mut path = format!("{PORTS}?network_id={network}&limit=10");
    for pages in 1.. {
        let (_, list) = cloud.call("GET", &path, &Value::Null);
        let page = ids(&list["ports"]);
        assert!(page.is_disjoint(&seen), "page {pages} repeats");
        seen.extend(page);
        match list["ports_links"][0]["href"].as_str() {
            Some(next) => path = next.trim_start_matches("http://testbed.invalid").to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[test]
fn a_reservation_holds_as_many_servers_as_it_has() {
    let mut cloud = Cloud::in_memory(1);
    let (_, images) =
        cloud.call("GET", "/kvm-tacc/image/v2/images?name=CC-Ubuntu24.04", &Value::Null);
    let body = json!({"server": {"name": "s", "imageRef": images["images"][0]["id"],
        "flavorRef": RESERVED_FLAVOR, "networks": "none"}});
    for _ in 0..11 {
        let text = body.to_string();
        let headers = [("openstack-api-version", "compute 2.37")];
        let reply = cloud.send(("POST", SERVERS), &headers, &text);
        assert_eq!(reply.status, 202);
    }
    cloud.advance(60.0);
    let (_, list) = cloud.call("GET", &format!("{SERVERS}/detail"), &Value::Null);
    let servers = list["servers"].as_array().expect("a list");
    let failed: Vec<&Value> = servers.iter().filter(|s| s["status"] == "ERROR").collect();
    assert_eq!((servers.len(), failed.len()), (11, 1));
    let message = "No valid host was found. ";
    assert_eq!(failed[0]["fault"]["message"], message);
}

#[test]
fn a_fault_strikes_as_often_as_it_says() {
    let mut cloud = Cloud::in_memory(1);
    let body = r#"{"network": {"name": "n"}}"#;
    let fault = |effect: Value| json!({"faults": [{"method": "POST", "path_prefix": NETWORKS, "effect": effect}]});
    let count = |cloud: &mut Cloud| {
        let (_, list) = cloud.call("GET", &format!("{NETWORKS}?name=n"), &Value::Null);
        list["networks"].as_array().expect("a list").len()
    };
    let cases = [
        (json!({"kind": "answer", "status": 503, "headers": {"Retry-After": "7"}}), 503, 0),
        (json!({"kind": "answer_after", "status": 502}), 502, 1),
        (json!({"kind": "drop_before"}), 503, 0),
        (json!({"kind": "drop_after"}), 201, 1),
    ];
    let mut total = 0;
    for (effect, expected, made) in cases {
        let kind = effect["kind"].clone();
        let (status, answer) = cloud.call("PUT", "/testbed/settings", &fault(effect));
        assert_eq!(status, 200, "{answer}");
        let reply = cloud.send(("POST", NETWORKS), &[], body);
        assert_eq!(reply.status.as_u16(), expected, "{kind}");
        let delivery = match kind.as_str() {
            Some("drop_before") => Delivery::LostBefore,
            Some("drop_after") => Delivery::LostAfter,
            _ => Delivery::Whole,
        };
        assert_eq!(reply.delivery, delivery, "{kind}");
        total += made;
        assert_eq!(count(&mut cloud), total, "{kind}");
        assert_eq!(cloud.send(("POST", NETWORKS), &[], body).status, 201, "{kind} is spent");
        total += 1;
    }
}

#[test]
fn replies_wait_within_the_range_that_is_set() {
    let mut cloud = Cloud::in_memory(1);
    assert_eq!(cloud.send(("GET", NETWORKS), &[], "").after, None);
    let settings = json!({"reply_after": {"min_ms": 50, "max_ms": 500, "seed": 3}});
    cloud.call("PUT", "/testbed/settings", &settings);
    let draws: BTreeSet<u128> = (0..20)
        .map(|_| {
            let after = cloud.send(("GET", NETWORKS), &[], "").after.expect("a delay");
            assert!((50..=500).contains(&after.as_millis()), "{after:?}");
            after.as_millis()
        })
        .collect();
    assert!(draws.len() > 10, "they differ: {draws:?}");
}

#[test]
fn a_token_ends_with_its_lifetime_and_at_its_site() {
    let mut cloud = Cloud::in_memory(1);
    let token = cloud.token("kvm-tacc");
    let headers = [("x-auth-token", token.as_str())];
    let at = |site: &str| format!("/{site}/network/v2.0/networks");
    assert_eq!(cloud.send(("GET", &at("kvm-tacc")), &headers, "").status, 200);
    assert_eq!(cloud.send(("GET", &at("chi-uc")), &headers, "").status, 401);
    cloud.advance(14_401.0);
    let reply = cloud.send(("GET", &at("kvm-tacc")), &headers, "");
    assert_eq!(reply.status, 401);
    assert!(reply.headers.contains_key("www-authenticate"));
}

#[test]
fn a_world_of_another_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("testbed.db");
    let conn = rusqlite::Connection::open(&path).expect("a file");
    conn.pragma_update(None, "user_version", 99).expect("a version");
    drop(conn);
    let error = World::open(&path, stopped()).err().expect("a refusal").to_string();
    assert!(error.contains("has format 99"), "{error}");
    std::fs::write(&path, b"this is no database, whatever its name says").expect("written");
    assert!(World::open(&path, stopped()).is_err());
}

#[test]
fn a_project_sees_nothing_of_another_but_what_is_shared() {
    let mut cloud = Cloud::in_memory(1);
    let (network, subnet) = cloud.network("10.0.0.0/24");
    let (_, port) = cloud.call("POST", PORTS, &json!({"port": {"network_id": network}}));
    let (_, images) =
        cloud.call("GET", "/kvm-tacc/image/v2/images?name=CC-Ubuntu24.04", &Value::Null);
    let (_, server) = cloud.call(
        "POST",
        SERVERS,
        &json!({"server": {"name": "s", "imageRef": images["images"][0]["id"], "flavorRef": "2",
            "networks": [{"port": port["port"]["id"]}]}}),
    );
    let login = json!({"auth": {"identity": {"methods": ["password"], "password": {"user":
        {"name": "guest", "password": "x"}}}, "scope": {"project": {"name": "CHI-1"}}}});
    let path = "/kvm-tacc/identity/v3/auth/tokens";
    let reply = cloud.send(("POST", path), &[], &login.to_string());
    let token = reply.headers["x-subject-token"].to_str().expect("a token").to_owned();
    let guest = [("x-auth-token", token.as_str())];
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    for path in [
        format!("{NETWORKS}/{network}"),
        format!("/kvm-tacc/network/v2.0/subnets/{subnet}"),
        format!("{PORTS}/{}", text(&port["port"]["id"])),
        format!("{SERVERS}/{}", text(&server["server"]["id"])),
    ] {
        assert_eq!(cloud.send(("GET", &path), &[], "").status, 200, "{path} is the first's");
        assert_eq!(cloud.send(("GET", &path), &guest, "").status, 404, "{path} is not the guest's");
        assert_eq!(cloud.send(("DELETE", &path), &guest, "").status.as_u16() / 100, 4, "{path}");
    }
    let list = cloud.send(("GET", NETWORKS), &guest, "");
    let list: Value = serde_json::from_slice(&list.body).expect("JSON");
    let names: Vec<&str> = list["networks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|network| network["name"].as_str())
        .collect();
    assert_eq!(names, ["public", "sharednet1", "sharednet2", "sharednet3"]);
    // Its groups are its own, though they have the same names.
    let groups = |cloud: &mut Cloud, headers: &[(&str, &str)]| {
        let list = cloud.send(("GET", "/kvm-tacc/network/v2.0/security-groups"), headers, "");
        let list: Value = serde_json::from_slice(&list.body).expect("JSON");
        ids(&list["security_groups"])
    };
    let (ours, theirs) = (groups(&mut cloud, &[]), groups(&mut cloud, &guest));
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.is_disjoint(&theirs));
}

#[test]
fn what_is_deleted_leaves_nothing() {
    let mut cloud = Cloud::in_memory(1);
    cloud.token("kvm-tacc");
    cloud.call("GET", NETWORKS, &Value::Null);
    let (_, before) = cloud.call("GET", "/testbed/status", &Value::Null);
    let (network, _) = cloud.network("10.0.0.0/24");
    let (_, images) =
        cloud.call("GET", "/kvm-tacc/image/v2/images?name=CC-Ubuntu24.04", &Value::Null);
    let (_, server) = cloud.call(
        "POST",
        SERVERS,
        &json!({"server": {"name": "s", "imageRef": "", "flavorRef": "2",
            "networks": [{"uuid": network}], "block_device_mapping_v2": [{
                "uuid": images["images"][0]["id"], "source_type": "image", "boot_index": 0,
                "destination_type": "volume", "volume_size": 20, "delete_on_termination": true}]}}),
    );
    let server = server["server"]["id"].as_str().expect("an id").to_owned();
    cloud.advance(60.0);
    assert_eq!(cloud.send(("DELETE", &format!("{NETWORKS}/{network}")), &[], "").status, 409);
    assert_eq!(cloud.send(("DELETE", &format!("{SERVERS}/{server}")), &[], "").status, 204);
    cloud.advance(5.0);
    cloud.advance(3.0);
    assert_eq!(cloud.send(("DELETE", &format!("{NETWORKS}/{network}")), &[], "").status, 204);
    let (_, after) = cloud.call("GET", "/testbed/status", &Value::Null);
    assert_eq!(before["sites"], after["sites"]);
    assert_eq!(after["pending_events"], 0);
}
