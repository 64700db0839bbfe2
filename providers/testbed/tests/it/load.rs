//! Laws of other people's leases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cloud::Cloud;

const DAY: f64 = 86_400.0;
const BLAZAR: &str = "/chi-uc/reservation/v1";

fn loaded(load: &Value) -> Cloud {
    let mut cloud = Cloud::in_memory(1);
    let settings = json!({"token_lifetime_s": 1_000_000_000, "load": load});
    let (status, answer) = cloud.call("PUT", "/testbed/settings", &settings);
    assert_eq!(status, 200, "{answer}");
    cloud
}

/// The calendar of a site's hosts: who has them when.
fn calendar(cloud: &mut Cloud, site: &str) -> Vec<Value> {
    let path = format!("/{site}/reservation/v1/os-hosts/allocations");
    let (status, answer) = cloud.call("GET", &path, &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer["allocations"].as_array().expect("a list").clone()
}

fn taken(calendar: &[Value]) -> usize {
    let lengths = calendar.iter().map(|host| host["reservations"].as_array().map_or(0, Vec::len));
    lengths.sum()
}

#[test]
fn one_jump_gives_the_calendar_of_many_steps() {
    let load = json!({"seed": 5, "fill": 60});
    let (mut jumping, mut stepping) = (loaded(&load), loaded(&load));
    let first = calendar(&mut jumping, "chi-uc");
    assert_eq!(first, calendar(&mut stepping, "chi-uc"));
    assert!(taken(&first) > 200, "{} leases", taken(&first));
    jumping.advance(30.0 * DAY);
    for _ in 0..45 {
        stepping.advance(DAY / 1.5);
    }
    let later = calendar(&mut jumping, "chi-uc");
    assert_eq!(later, calendar(&mut stepping, "chi-uc"));
    assert!(taken(&later) > 200, "the calendar is filled as time goes by: {}", taken(&later));
    assert_ne!(first, later);
}

#[test]
fn settings_fill_a_new_world_anew_and_empty_it() {
    let load = json!({"seed": 5, "fill": 60});
    let mut cloud = loaded(&load);
    cloud.advance(10.0 * DAY);
    let keeps = json!({"keep_settings": true});
    let (status, answer) = cloud.call("POST", "/testbed/reset", &keeps);
    assert_eq!(status, 200, "{answer}");
    let first = calendar(&mut cloud, "chi-uc");
    assert!(taken(&first) > 200, "{} leases", taken(&first));
    for (load, expected) in [(json!({"seed": 6, "fill": 60}), false), (load, true)] {
        cloud.call("PUT", "/testbed/settings", &json!({"load": load}));
        assert_eq!(calendar(&mut cloud, "chi-uc") == first, expected, "{load}");
    }
    cloud.call("PUT", "/testbed/settings", &json!({"load": null}));
    assert_eq!(taken(&calendar(&mut cloud, "chi-uc")), 0);
    cloud.advance(30.0 * DAY);
    assert_eq!(taken(&calendar(&mut cloud, "chi-uc")), 0);
}

#[test]
fn gpus_are_gone_before_a_deadline() {
    let load = json!({"seed": 5, "fill": 50, "deadlines": ["2026-03-13T04:59:00Z"]});
    let mut cloud = loaded(&load);
    let mut refused = 0;
    for day in 9..13 {
        let lease = json!({"name": "lab", "start_date": format!("2026-03-{day:02} 13:00"),
            "end_date": format!("2026-03-{day:02} 21:00"), "events": [], "reservations": [{
                "resource_type": "physical:host", "min": 3, "max": 3,
                "hypervisor_properties": "",
                "resource_properties": r#"["=", "$node_type", "gpu_v100"]"#}]});
        let (status, answer) = cloud.call("POST", &format!("{BLAZAR}/leases"), &lease);
        let scarce = answer["error_message"].as_str().unwrap_or_default();
        refused += usize::from(status == 500 && scarce.starts_with("Not enough"));
    }
    assert_eq!(refused, 4, "three of four V100 nodes for a day of the last week");
    // Who holds what is seen, but the leases are not ours.
    let (_, leases) = cloud.call("GET", &format!("{BLAZAR}/leases"), &Value::Null);
    assert_eq!(leases, json!({"leases": []}));
    virtual_gpus_are_lent_one_by_one(&mut cloud);
}

fn virtual_gpus_are_lent_one_by_one(cloud: &mut Cloud) {
    let taken = taken(&calendar(cloud, "kvm-tacc"));
    assert!(taken > 100, "{taken} leases of 24 GPUs");
    let flavors = "/kvm-tacc/compute/v2.1/flavors/detail";
    let (_, answer) = cloud.call("GET", flavors, &Value::Null);
    let id = |name: &str| {
        let flavors = answer["flavors"].as_array().expect("a list");
        flavors.iter().find(|one| one["name"] == name).map(|one| one["id"].clone())
    };
    let mut lease = |flavor: Option<Value>, amount: u32| {
        let lease = json!({"name": "lab", "start_date": "2026-03-11 13:00",
            "end_date": "2026-03-11 21:00", "events": [], "reservations": [{
                "resource_type": "flavor:instance", "flavor_id": flavor, "amount": amount,
                "affinity": null}]});
        cloud.call("POST", "/kvm-tacc/reservation/v1/leases", &lease)
    };
    let (status, answer) = lease(id("g1.h100.pci.1"), 12);
    assert_eq!(status, 500, "half of the GPUs in the days before a deadline: {answer}");
    assert_eq!(answer["error_message"], "Not enough hosts available");
    assert_eq!(lease(id("m1.medium"), 500).0, 201, "who needs no GPU finds room");
}

#[test]
fn nothing_is_taken_twice() {
    let mut cloud = loaded(&json!({"seed": 5, "fill": 40}));
    // Ours first, beyond what the load has filled so far.
    let lease = json!({"name": "ours", "start_date": "2026-05-04 13:00",
        "end_date": "2026-05-08 21:00", "events": [], "reservations": [{
            "resource_type": "physical:host", "min": 37, "max": 37, "hypervisor_properties": "",
            "resource_properties": r#"["=", "$node_type", "gpu_rtx_6000"]"#}]});
    let (status, answer) = cloud.call("POST", &format!("{BLAZAR}/leases"), &lease);
    assert_eq!(status, 201, "{answer}");
    let ours = answer["lease"]["id"].clone();
    cloud.advance(50.0 * DAY);
    let mut mine = 0;
    for host in calendar(&mut cloud, "chi-uc") {
        let windows: BTreeMap<&str, &str> = host["reservations"]
            .as_array()
            .expect("a list")
            .iter()
            .inspect(|one| mine += usize::from(one["lease_id"] == ours))
            .filter_map(|one| Some((one["start_date"].as_str()?, one["end_date"].as_str()?)))
            .collect();
        let mut free_from = "";
        for (start, end) in windows {
            assert!(free_from <= start, "{host}");
            free_from = end;
        }
    }
    assert_eq!(mine, 37);
}
