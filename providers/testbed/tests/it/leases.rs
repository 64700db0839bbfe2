//! Laws of leases: what holds whatever is leased, changed, deleted and waited for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::cloud::Cloud;

const LEASES: &str = "/chi-uc/reservation/v1/leases";
const HOSTS: &str = "/chi-uc/reservation/v1/os-hosts";
const SERVERS: &str = "/chi-uc/compute/v2.1/servers";
const KVM_LEASES: &str = "/kvm-tacc/reservation/v1/leases";
const KVM_SERVERS: &str = "/kvm-tacc/compute/v2.1/servers";

/// Numbers that follow from a seed.
struct Draw(u32);

impl Draw {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % bound
    }

    fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).expect("a short list")) as usize
    }
}

fn date(hour: u32) -> String {
    format!("2026-03-{:02} {:02}:00", 2 + hour / 24, hour % 24)
}

fn host_lease(name: &str, (start, end): (&str, &str), (count, node_type): (u32, &str)) -> Value {
    json!({"name": name, "start_date": start, "end_date": end, "reservations": [{
        "resource_type": "physical:host", "min": 1, "max": count, "hypervisor_properties": "",
        "resource_properties": format!(r#"["=", "$node_type", "{node_type}"]"#)}]})
}

/// Makes the world of a test whose projects have as much as they like.
fn boundless() -> Cloud {
    let mut cloud = Cloud::in_memory(1);
    let settings = json!({"lease_limits": false});
    assert_eq!(cloud.call("PUT", "/testbed/settings", &settings).0, 200);
    cloud
}

/// Returns the windows in which each thing is taken, by the thing.
fn calendar(cloud: &mut Cloud, family: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let (status, body) = cloud.call("GET", &format!("{family}/allocations"), &Value::Null);
    assert_eq!(status, 200, "{body}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    body["allocations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            let windows = one["reservations"].as_array().expect("a list").iter();
            let windows = windows.map(|one| (text(&one["start_date"]), text(&one["end_date"])));
            let mut windows: Vec<(String, String)> = windows.collect();
            windows.sort();
            (text(&one["resource_id"]), windows)
        })
        .collect()
}

#[test]
fn no_host_is_in_two_leases_at_once() {
    for seed in 0..5 {
        let mut cloud = boundless();
        let mut draw = Draw(seed);
        let mut leases: Vec<String> = Vec::new();
        let (mut made, mut refused) = (0, 0);
        for step in 0..60 {
            let start = 24 * draw.below(4) + draw.below(24);
            let end = start + 1 + draw.below(48);
            match (draw.below(6), leases.len()) {
                (0..=2, _) | (_, 0) => {
                    let body = host_lease(
                        &format!("l{step}"),
                        (&date(start), &date(end)),
                        (1 + draw.below(3), ["gpu_v100", "gpu_a100_pcie"][step % 2]),
                    );
                    let (status, answer) = cloud.call("POST", LEASES, &body);
                    match status {
                        201 => {
                            made += 1;
                            leases.push(answer["lease"]["id"].as_str().expect("an id").to_owned());
                        }
                        _ => refused += 1,
                    }
                }
                (3, count) => {
                    let index = draw.index(count);
                    let body = json!({"start_date": date(start), "end_date": date(end)});
                    cloud.call("PUT", &format!("{LEASES}/{}", leases[index]), &body);
                }
                (4, count) => {
                    let id = leases.remove(draw.index(count));
                    let (status, _) = cloud.call("DELETE", &format!("{LEASES}/{id}"), &Value::Null);
                    assert_eq!(status, 200);
                }
                _ => cloud.advance(600.0 * f64::from(draw.below(12))),
            }
            for (host, windows) in calendar(&mut cloud, HOSTS) {
                for pair in windows.windows(2) {
                    assert!(pair[0].1 <= pair[1].0, "seed {seed}, step {step}: {host} {pair:?}");
                }
            }
        }
        assert!(made > 5 && refused > 0, "seed {seed}: {made} made, {refused} refused");
    }
}

/// Plans some weeks: leases of hosts and flavors, one after the other, with servers from a start on.
fn busy() -> Cloud {
    let mut cloud = boundless();
    for (name, start, end) in [
        ("first", "2026-03-02 09:00", "2026-03-04 09:00"),
        ("second", "2026-03-04 09:05", "2026-03-06 09:00"),
        ("long", "2026-03-02 09:00", "2026-03-20 09:00"),
    ] {
        let node_type = if name == "long" { "gpu_a100_pcie" } else { "gpu_v100" };
        let (status, body) =
            cloud.call("POST", LEASES, &host_lease(name, (start, end), (2, node_type)));
        assert_eq!(status, 201, "{body}");
    }
    let (_, networks) =
        cloud.call("GET", "/kvm-tacc/network/v2.0/networks?name=public", &Value::Null);
    let body = json!({"name": "vms", "start_date": "now", "end_date": "2026-03-01 18:00",
        "reservations": [
            {"resource_type": "flavor:instance", "flavor_id": "3", "amount": 2, "affinity": null},
            {"resource_type": "virtual:floatingip", "amount": 2,
                "network_id": networks["networks"][0]["id"]}]});
    let (status, lease) = cloud.call("POST", KVM_LEASES, &body);
    assert_eq!(status, 201, "{lease}");
    cloud.advance(10.0);
    let image = image(&mut cloud, "kvm-tacc");
    let server = json!({"server": {"name": "vm", "imageRef": image,
        "flavorRef": lease["lease"]["reservations"][0]["id"], "networks": "none"}});
    launch(&mut cloud, KVM_SERVERS, &server);
    cloud
}

fn image(cloud: &mut Cloud, site: &str) -> Value {
    let path = format!("/{site}/image/v2/images?name=CC-Ubuntu22.04");
    cloud.call("GET", &path, &Value::Null).1["images"][0]["id"].clone()
}

fn launch(cloud: &mut Cloud, path: &str, body: &Value) -> Value {
    let headers = [("openstack-api-version", "compute 2.37")];
    let reply = cloud.send(("POST", path), &headers, &body.to_string());
    assert_eq!(reply.status, 202, "{reply:?}");
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    body["server"]["id"].clone()
}

/// Returns everything that a client sees, without the ids that requests use up.
fn seen(cloud: &mut Cloud) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [LEASES, KVM_LEASES, "/chi-uc/reservation/v1/os-hosts/allocations"] {
        seen.push(cloud.call("GET", path, &Value::Null).1);
    }
    let (_, objects) = cloud.call("GET", "/testbed/objects", &Value::Null);
    for object in objects["objects"].as_array().expect("a list") {
        seen.push(json!([object["site"], object["type"], object["name"], object["status"]]));
    }
    let (_, status) = cloud.call("GET", "/testbed/status", &Value::Null);
    seen.push(status["pending_events"].clone());
    seen
}

#[test]
fn one_long_wait_is_as_many_short_ones() {
    let span = 3.0 * 7.0 * 86_400.0;
    for parts in [7, 36, 504] {
        let (mut whole, mut pieces) = (busy(), busy());
        whole.advance(span);
        for _ in 0..parts {
            pieces.advance(span / f64::from(parts));
        }
        assert_eq!(seen(&mut whole), seen(&mut pieces), "in {parts} parts");
    }
}

#[test]
fn the_clock_tells_every_look_that_has_something_to_do() {
    let mut cloud = busy();
    let mut looks = Vec::new();
    for _ in 0..100 {
        let (_, clock) = cloud.call("GET", "/testbed/clock", &Value::Null);
        let Some(next) = clock["next_event"].as_str().map(str::to_owned) else { break };
        let (status, _) = cloud.call("POST", "/testbed/clock", &json!({"to": next}));
        assert_eq!(status, 200);
        looks.push(next);
    }
    cloud.advance(20_000.0);
    let looks: BTreeSet<&str> = looks.iter().map(String::as_str).collect();
    for look in ["2026-03-01T18:00:05Z", "2026-03-02T09:00:05Z", "2026-03-20T09:00:05Z"] {
        assert!(looks.contains(look), "{look} in {looks:?}");
    }
    let (_, leases) = cloud.call("GET", LEASES, &Value::Null);
    for lease in leases["leases"].as_array().expect("a list") {
        assert_eq!(lease["status"], "TERMINATED", "{lease}");
    }
}

#[test]
fn nothing_stays_of_a_lease_that_ended_or_was_deleted() {
    for delete in [false, true] {
        let mut cloud = boundless();
        for site in ["kvm-tacc", "chi-uc"] {
            cloud.call("GET", &format!("/{site}/network/v2.0/networks"), &Value::Null);
        }
        let (_, before) = cloud.call("GET", "/testbed/status", &Value::Null);
        let (_, networks) =
            cloud.call("GET", "/kvm-tacc/network/v2.0/networks?name=public", &Value::Null);
        let end = "2026-03-03 12:00";
        let vms = json!({"name": "vms", "start_date": "now", "end_date": end, "reservations": [
            {"resource_type": "flavor:instance", "flavor_id": "3", "amount": 1, "affinity": null},
            {"resource_type": "virtual:instance", "vcpus": 2, "memory_mb": 2048, "disk_gb": 20,
                "amount": 2, "affinity": false, "resource_properties": ""},
            {"resource_type": "virtual:floatingip", "amount": 2,
                "network_id": networks["networks"][0]["id"]}]});
        let (_, vms) = cloud.call("POST", KVM_LEASES, &vms);
        let (_, nodes) =
            cloud.call("POST", LEASES, &host_lease("nodes", ("now", end), (2, "gpu_v100")));
        cloud.advance(10.0);
        let reservation = |lease: &Value, n: usize| lease["lease"]["reservations"][n]["id"].clone();
        let vm_image = image(&mut cloud, "kvm-tacc");
        for (n, name) in [(0, "a"), (1, "b")] {
            let body = json!({"server": {"name": name, "imageRef": vm_image,
                "flavorRef": reservation(&vms, n), "networks": "none"}});
            launch(&mut cloud, KVM_SERVERS, &body);
        }
        let node_image = image(&mut cloud, "chi-uc");
        let body = json!({"server": {"name": "n", "imageRef": node_image,
            "flavorRef": "baremetal", "networks": "none"},
            "os:scheduler_hints": {"reservation": reservation(&nodes, 0)}});
        launch(&mut cloud, SERVERS, &body);
        cloud.advance(900.0);
        for path in [KVM_SERVERS, SERVERS] {
            let (_, servers) = cloud.call("GET", &format!("{path}/detail"), &Value::Null);
            for server in servers["servers"].as_array().expect("a list") {
                assert_eq!(server["status"], "ACTIVE", "{server}");
            }
        }
        if !delete {
            cloud.advance(2.0 * 86_400.0);
        }
        for (path, lease) in [(KVM_LEASES, &vms), (LEASES, &nodes)] {
            let id = lease["lease"]["id"].as_str().expect("an id");
            let (status, lease) = cloud.call("GET", &format!("{path}/{id}"), &Value::Null);
            let wanted = if delete { "ACTIVE" } else { "TERMINATED" };
            assert_eq!((status, &lease["lease"]["status"]), (200, &json!(wanted)));
            assert_eq!(cloud.call("DELETE", &format!("{path}/{id}"), &Value::Null).0, 200);
        }
        cloud.advance(60.0);
        let (_, after) = cloud.call("GET", "/testbed/status", &Value::Null);
        assert_eq!(before["sites"], after["sites"], "deleted: {delete}");
        let (_, clock) = cloud.call("GET", "/testbed/clock", &Value::Null);
        assert_eq!(after["pending_events"], 0, "deleted: {delete}, {clock}");
        let taken: usize = calendar(&mut cloud, HOSTS).values().map(Vec::len).sum();
        assert_eq!(taken, 0);
    }
}

#[test]
fn a_start_that_fails_leaves_the_lease_in_error_once() {
    let mut cloud = boundless();
    let settings = json!({"lease_faults": [{"event": "start", "lease": "doomed"}]});
    cloud.call("PUT", "/testbed/settings", &settings);
    let mut ids = Vec::new();
    for name in ["doomed", "lucky", "doomed"] {
        let body = host_lease(name, ("now", "2026-03-02 12:00"), (1, "gpu_v100"));
        let (status, lease) = cloud.call("POST", LEASES, &body);
        assert_eq!(status, 201, "{lease}");
        ids.push(lease["lease"]["id"].as_str().expect("an id").to_owned());
    }
    cloud.advance(10.0);
    let statuses = |cloud: &mut Cloud| -> Vec<String> {
        let lease = |id: &String| cloud.call("GET", &format!("{LEASES}/{id}"), &Value::Null).1;
        let leases: Vec<Value> = ids.iter().map(lease).collect();
        leases.iter().map(|lease| lease["lease"]["status"].to_string()).collect()
    };
    assert_eq!(statuses(&mut cloud), [r#""ERROR""#, r#""ACTIVE""#, r#""ACTIVE""#]);
    cloud.advance(86_400.0);
    assert_eq!(statuses(&mut cloud), [r#""ERROR""#, r#""TERMINATED""#, r#""TERMINATED""#]);
    let taken: usize = calendar(&mut cloud, HOSTS).values().map(Vec::len).sum();
    assert_eq!(taken, 0, "its end gives the hosts back all the same");
}

#[test]
fn an_end_that_fails_keeps_a_deleted_lease_in_error() {
    let mut cloud = boundless();
    let body = host_lease("stuck", ("now", "2026-03-02 12:00"), (1, "gpu_v100"));
    let (_, lease) = cloud.call("POST", LEASES, &body);
    let path = format!("{LEASES}/{}", lease["lease"]["id"].as_str().expect("an id"));
    cloud.advance(10.0);
    cloud.call("PUT", "/testbed/settings", &json!({"lease_faults": [{"event": "end"}]}));
    let (status, refusal) = cloud.call("DELETE", &path, &Value::Null);
    assert_eq!(status, 500, "{refusal}");
    assert_eq!(cloud.call("GET", &path, &Value::Null).1["lease"]["status"], "ERROR");
    assert_eq!(cloud.call("DELETE", &path, &Value::Null).0, 200);
    assert_eq!(cloud.call("GET", &path, &Value::Null).0, 404);
}

#[test]
fn a_host_that_fails_is_replaced_or_missed() {
    let mut cloud = boundless();
    let (_, hosts) = cloud.call("GET", HOSTS, &Value::Null);
    let name = |id: &str| {
        let all = hosts["hosts"].as_array().expect("a list").iter();
        let host = all.clone().find(|host| host["id"] == id).expect("a host");
        host["node_name"].clone()
    };
    let (_, lease) =
        cloud.call("POST", LEASES, &host_lease("l", ("now", "2026-03-03 12:00"), (2, "gpu_v100")));
    let path = format!("{LEASES}/{}", lease["lease"]["id"].as_str().expect("an id"));
    cloud.advance(10.0);
    let held = |cloud: &mut Cloud| -> Vec<String> {
        let (_, body) = cloud.call("GET", &format!("{path}/hosts"), &Value::Null);
        let hosts = body["hosts"].as_array().expect("a list").iter();
        hosts.map(|host| host["id"].as_str().expect("an id").to_owned()).collect()
    };
    let first = held(&mut cloud);
    assert_eq!(first.len(), 2);
    let fail = |cloud: &mut Cloud, failed: &[Value]| {
        let settings = json!({"failed_hosts": failed});
        assert_eq!(cloud.call("PUT", "/testbed/settings", &settings).0, 200);
    };
    let mut failed = vec![name(&first[0])];
    fail(&mut cloud, &failed);
    let second = held(&mut cloud);
    assert!(!second.contains(&first[0]) && second.len() == 2, "{first:?} {second:?}");
    let (_, shown) = cloud.call("GET", &path, &Value::Null);
    assert_eq!(shown["lease"]["degraded"], true);
    assert_eq!(shown["lease"]["reservations"][0]["resources_changed"], true);
    assert_eq!(shown["lease"]["reservations"][0]["missing_resources"], false);
    // Of four one is left besides the two; then none.
    failed.extend(second.iter().map(|id| name(id)));
    fail(&mut cloud, &failed);
    assert_eq!(held(&mut cloud).len(), 1);
    let (_, shown) = cloud.call("GET", &path, &Value::Null);
    assert_eq!(shown["lease"]["reservations"][0]["missing_resources"], true);
    let (_, host) = cloud.call("GET", &format!("{HOSTS}/{}", first[0]), &Value::Null);
    assert_eq!(host["host"]["reservable"], false);
}

#[test]
fn a_restricted_credential_makes_no_leases() {
    let mut cloud = boundless();
    let auth = json!({"auth": {"identity": {"methods": ["application_credential"],
        "application_credential": {"id": "a", "secret": "s"}}}});
    let login = "/chi-uc/identity/v3/auth/tokens";
    let reply = cloud.send(("POST", login), &[], &auth.to_string());
    let token = reply.headers["x-subject-token"].to_str().expect("a token").to_owned();
    let body = host_lease("l", ("now", "2026-03-02 12:00"), (1, "gpu_v100")).to_string();
    for (restricted, status) in [(false, 201), (true, 500)] {
        let settings = json!({"restricted_application_credentials": restricted});
        cloud.call("PUT", "/testbed/settings", &settings);
        let reply = cloud.send(("POST", LEASES), &[("x-auth-token", &token)], &body);
        assert_eq!(reply.status, status, "restricted: {restricted}");
    }
}

#[test]
fn what_the_manager_is_at_work_on_is_left_alone() {
    let mut cloud = boundless();
    cloud.call("PUT", "/testbed/settings", &json!({"lease_transition_s": 8}));
    let body = host_lease("slow", ("now", "2026-03-01 13:00"), (1, "gpu_v100"));
    let (_, lease) = cloud.call("POST", LEASES, &body);
    let path = format!("{LEASES}/{}", lease["lease"]["id"].as_str().expect("an id"));
    let rename = json!({"name": "slower"});
    // The manager looks 5 s after the minute, and every 10 s.
    for (wait, status, refused) in [
        (4.0, "PENDING", false),
        (1.0, "STARTING", true),
        (7.0, "STARTING", true),
        (1.0, "ACTIVE", false),
        (3_591.0, "ACTIVE", false),
        (1.0, "TERMINATING", true),
        (8.0, "TERMINATED", false),
    ] {
        cloud.advance(wait);
        let (_, shown) = cloud.call("GET", &path, &Value::Null);
        assert_eq!(shown["lease"]["status"], status, "{shown}");
        let (code, answer) = cloud.call("PUT", &path, &rename);
        assert_eq!(code, if refused { 500 } else { 200 }, "{status}: {answer}");
        if refused {
            assert_eq!(answer["error_message"], "Invalid lease status.");
            assert_eq!(cloud.call("DELETE", &path, &Value::Null).0, 500);
        }
    }
    let (_, shown) = cloud.call("GET", &path, &Value::Null);
    for event in shown["lease"]["events"].as_array().expect("a list") {
        assert_eq!(event["status"], "DONE", "{event}");
    }
}
