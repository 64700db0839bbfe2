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

/// The calendar of the site's hosts: who has them when.
fn calendar(cloud: &mut Cloud) -> Vec<Value> {
    let path = format!("{BLAZAR}/os-hosts/allocations");
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
    let first = calendar(&mut jumping);
    assert_eq!(first, calendar(&mut stepping));
    assert!(taken(&first) > 200, "{} leases", taken(&first));
    jumping.advance(30.0 * DAY);
    for _ in 0..45 {
        stepping.advance(DAY / 1.5);
    }
    let later = calendar(&mut jumping);
    assert_eq!(later, calendar(&mut stepping));
    assert!(taken(&later) > 200, "the calendar is filled as time goes by: {}", taken(&later));
    assert_ne!(first, later);
}

#[test]
fn another_seed_fills_another_calendar_and_none_empties_it() {
    let mut cloud = loaded(&json!({"seed": 5, "fill": 60}));
    let mut other = loaded(&json!({"seed": 6, "fill": 60}));
    assert_ne!(calendar(&mut cloud), calendar(&mut other));
    cloud.call("PUT", "/testbed/settings", &json!({"load": null}));
    assert_eq!(taken(&calendar(&mut cloud)), 0);
    cloud.advance(30.0 * DAY);
    assert_eq!(taken(&calendar(&mut cloud)), 0);
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
    for host in calendar(&mut cloud) {
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
