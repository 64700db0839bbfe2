//! What a real OpenStack answered to the calls of a client, asked of the testbed: `tests/data/real/*.json`,
//! recorded from the services of the release 2025.1.
//!
//! A file is a story: each step a call as `METHOD service /path`, with the reply that came. Status, error
//! texts, defaults, the members of objects and the types of values must be the same. What can't be is
//! written so: `$name` is a value kept from an earlier reply, `<id>`, `<time>`, `<mac>`, `<address>` and
//! `<text>` stand for some text. `keep` takes values from replies, `find` one out of a list by its name,
//! `wait` lets the clock run first, `settings` are for the testbed alone. `apart` names members of a reply that differ, each with its reason;
//! `OF_THE_SITE` those of every reply.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cloud::Cloud;

/// The longest that anything in these stories takes in the world's time.
const WAIT_SECONDS: f64 = 300.0;

const SITE: &str = "kvm-tacc";

/// Members that depend on what a site has switched on, or on the services' inner works.
const OF_THE_SITE: &[(&str, &str)] = &[
    ("availability_zones", "the recorded site has no network agents"),
    ("belongs_to_default_sg", "Neutron tells it only where it has it at hand"),
    ("dns_assignment", "the recorded site names its ports"),
    ("dns_domain", "the recorded site names its ports"),
    ("is_default", "an extension that clients of a course never meet"),
    ("l2_adjacency", "the recorded site has no segments"),
    ("segment_id", "the recorded site has no segments"),
    ("mtu", "the size of a packet is each site's own"),
    ("port_forwardings", "the recorded site has no port forwarding"),
    ("qos_policy_id", "the recorded site has no quality of service"),
    ("qos_network_policy_id", "the recorded site has no quality of service"),
    ("dns_publish_fixed_ip", "the recorded site doesn't publish names"),
    ("dns_name", "the recorded site names its ports"),
    ("device", "the hypervisor's own name"),
    ("volume_type", "each site has its own"),
    ("revision_number", "counts what services write behind the scenes, too"),
    ("standard_attr_id", "an inner number that the services let slip"),
    ("router:external", "subnets tell it since a release that the testbed doesn't follow"),
    ("links", "they hold addresses of hosts"),
];

/// Lists whose order means nothing.
const UNORDERED: &[&str] = &["security_group_rules", "security_groups", "tags", "subnets", "ports"];

type Kept = BTreeMap<String, String>;

#[test]
fn the_testbed_answers_as_the_real_services_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real");
    let mut stories: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/data/real exists")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    stories.sort();
    assert!(stories.len() > 4, "the stories are found");
    let differences: Vec<String> = stories.iter().flat_map(|story| play(story)).collect();
    assert!(differences.is_empty(), "\n{}\n{} differ", differences.join("\n"), differences.len());
}

fn play(story: &Path) -> Vec<String> {
    let name = story.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(story).expect("a readable story");
    let steps: Vec<Value> = serde_json::from_str(&text).expect("a story in JSON");
    let mut cloud = Cloud::in_memory(1);
    let mut kept = Kept::new();
    let token = cloud.token(SITE);
    let response = cloud.send(
        ("GET", &format!("/{SITE}/identity/v3/auth/tokens")),
        &[("x-subject-token", &token)],
        "",
    );
    let token: Value = serde_json::from_slice(&response.body).expect("a token");
    keep(&mut kept, "project", &token["token"]["project"]["id"]);
    keep(&mut kept, "user", &token["token"]["user"]["id"]);
    let mut differences = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let mut found = Vec::new();
        take(&mut cloud, step, &mut kept, &mut found);
        let call = step["call"].as_str().unwrap_or_default();
        differences.extend(found.iter().map(|one| format!("{name} {number}: {call}: {one}")));
    }
    differences
}

/// Takes one step and adds what differs.
fn take(cloud: &mut Cloud, step: &Value, kept: &mut Kept, differences: &mut Vec<String>) {
    if let Some(settings) = step.get("settings") {
        let (status, said) = cloud.call("PUT", "/testbed/settings", settings);
        assert_eq!(status, 200, "{said}");
        return;
    }
    if step["wait"] == true {
        cloud.advance(WAIT_SECONDS);
    }
    let (method, path) = address(&fill(step["call"].as_str().expect("a call"), kept), kept);
    let version = step["version"].as_str().map(|version| format!("compute {version}"));
    let accept = ("accept", "application/json");
    let headers: Vec<(&str, &str)> = std::iter::once(accept)
        .chain(version.iter().map(|version| ("openstack-api-version", version.as_str())))
        .collect();
    let body = step.get("body").map(|body| fill(&body.to_string(), kept)).unwrap_or_default();
    let response = cloud.send((&method, &path), &headers, &body);
    let actual: Value = serde_json::from_slice(&response.body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if text.is_empty() { Value::Null } else { Value::String(text) }
    });
    for (name, pointer) in step["keep"].as_object().into_iter().flatten() {
        let value = actual.pointer(pointer.as_str().unwrap_or_default()).cloned();
        keep(kept, name, &value.unwrap_or_default());
    }
    for (name, place) in step["find"].as_object().into_iter().flatten() {
        let (list, wanted) =
            place.as_str().and_then(|place| place.split_once(" name=")).expect("a place");
        let members = actual.pointer(list).and_then(Value::as_array).expect("a list");
        let member = members.iter().find(|member| member["name"] == wanted).expect("a member");
        keep(kept, name, &member["id"]);
    }
    let status = u64::from(response.status.as_u16());
    if step["status"] != status {
        differences.push(format!(
            "{status} instead of {}: {actual} instead of {}",
            step["status"], step["reply"]
        ));
    } else if let Some(reply) = step.get("reply") {
        let mut comparison = Comparison { kept, apart: &step["apart"], differences };
        comparison.compare("", reply, &actual);
    }
}

fn keep(kept: &mut Kept, name: &str, value: &Value) {
    kept.insert(name.to_owned(), value.as_str().unwrap_or("missing").to_owned());
}

fn address(call: &str, kept: &Kept) -> (String, String) {
    let mut parts = call.splitn(3, ' ');
    let mut part = || parts.next().expect("a method, a service and a path");
    let (method, service, path) = (part(), part(), part());
    let base = match service {
        "network" => "network/v2.0".to_owned(),
        "compute" => "compute/v2.1".to_owned(),
        "image" => "image/v2".to_owned(),
        "volume" => format!("volume/v3/{}", kept["project"]),
        other => panic!("no service {other}"),
    };
    (method.to_owned(), format!("/{SITE}/{base}{path}"))
}

/// Replaces each `$name` by what is kept under it, the longest name first.
fn fill(text: &str, kept: &Kept) -> String {
    let mut names: Vec<&String> = kept.keys().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.iter().fold(text.to_owned(), |text, name| text.replace(&format!("${name}"), &kept[*name]))
}

struct Comparison<'a> {
    kept: &'a Kept,
    /// Members that differ, with the reason of each.
    apart: &'a Value,
    differences: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, at: &str, expected: &Value, actual: &Value) {
        let name = at.rsplit('/').next().unwrap_or_default();
        if self.apart.get(at).is_some() {
            return;
        }
        let (expected, actual) = if UNORDERED.contains(&name) {
            (&self.sorted(expected), &self.sorted(actual))
        } else {
            (expected, actual)
        };
        match (expected, actual) {
            (Value::Object(expected), Value::Object(actual)) => self.members(at, expected, actual),
            (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
                for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                    self.compare(&format!("{at}/{index}"), expected, actual);
                }
            }
            (Value::String(expected), Value::String(actual)) => {
                if !fits(&fill(expected, self.kept), actual) {
                    self.differs(
                        at,
                        &format!("{actual:?} instead of {:?}", fill(expected, self.kept)),
                    );
                }
            }
            (expected, actual) if expected == actual => {}
            (expected, actual) => self.differs(at, &format!("{actual} instead of {expected}")),
        }
    }

    fn members(
        &mut self,
        at: &str,
        expected: &serde_json::Map<String, Value>,
        actual: &serde_json::Map<String, Value>,
    ) {
        for (key, value) in expected {
            let inner = format!("{at}/{key}");
            if OF_THE_SITE.iter().any(|(name, _)| name == key) {
                continue;
            }
            match actual.get(&fill(key, self.kept)) {
                Some(actual) => self.compare(&inner, value, actual),
                None if self.apart.get(&inner).is_some() => {}
                None => self.differs(&inner, &format!("missing, should be {value}")),
            }
        }
        for (key, value) in actual {
            let inner = format!("{at}/{key}");
            let of_the_site = OF_THE_SITE.iter().any(|(name, _)| name == key);
            let known = of_the_site || expected.keys().any(|name| fill(name, self.kept) == *key);
            if !known && self.apart.get(&inner).is_none() {
                self.differs(&inner, &format!("should be missing, is {value}"));
            }
        }
    }

    /// Returns a list in an order of its elements' own: by what they say apart from ids and times.
    fn sorted(&self, list: &Value) -> Value {
        const TELLING: [&str; 8] = [
            "direction",
            "ethertype",
            "protocol",
            "port_range_min",
            "remote_ip_prefix",
            "name",
            "device_owner",
            "fixed_ips",
        ];
        let Value::Array(elements) = list else { return list.clone() };
        let mut elements = elements.clone();
        elements.sort_by_key(|element| match element {
            Value::String(text) => fill(text, self.kept),
            other => TELLING.map(|key| fill(&other[key].to_string(), self.kept)).join(" "),
        });
        elements.into()
    }

    fn differs(&mut self, at: &str, what: &str) {
        self.differences.push(format!("{at}: {what}"));
    }
}

/// Returns whether a text is the expected one, in which `<…>` stands for some text.
fn fits(expected: &str, actual: &str) -> bool {
    const STAND_INS: [&str; 7] =
        ["<id>", "<time>", "<mac>", "<address>", "<text>", "<url>", "<request>"];
    let next = STAND_INS.iter().filter_map(|one| Some((expected.find(one)?, one.len()))).min();
    let Some((before, length)) = next else { return expected == actual };
    let (Some(head), Some(tail)) = (expected.get(..before), expected.get(before + length..)) else {
        return false;
    };
    let Some(rest) = actual.strip_prefix(head) else { return false };
    (1..=rest.len()).filter_map(|end| rest.get(end..)).any(|rest| fits(tail, rest))
}
