//! What a real OpenStack answered to the calls of a client, asked of the testbed: `tests/data/real/*.json`,
//! recorded from the services of the release 2025.1.
//!
//! A file is a story: each step a call as `METHOD service /path`, with the reply that came. Status, error
//! texts, defaults, the members of objects and the types of values must be the same. What can't be is
//! written so: `$name` is a value kept from an earlier reply, `<id>`, `<time>`, `<mac>`, `<address>` and
//! `<text>` stand for some text, `<+90>` for the minute an hour and a half after the story's beginning.
//! `keep` takes values from replies, `find` one out of a list, `wait` lets the clock run first
//! (by so many seconds), `settings` are for the testbed alone, `site` is where the story plays, `as` the
//! project that calls. `apart` names members of a reply that differ, each with its reason;
//! `OF_THE_SITE` those of every reply; `/host/*` lets an object have more. `among` names a list that may
//! hold more.
//!
//! Blazar was recorded from upstream. Where the testbed follows Chameleon's fork instead, a step says in
//! `fork` what that answers, and `why`: this is then what the testbed is held to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::cloud::{Cloud, START};
use crate::comparison::Comparison;

/// The longest that anything takes in the world's time where a step does not say it.
const WAIT_SECONDS: f64 = 300.0;

/// The site of a story that names none.
const SITE: &str = "kvm-tacc";

/// How dates stand in requests to Blazar, and in its replies.
const ASKED: &str = "%Y-%m-%d %H:%M";
const SHOWN: &str = "%Y-%m-%dT%H:%M:00.000000";

/// Values by the names under which they were kept.
pub(crate) type Kept = BTreeMap<String, String>;

/// Where a story plays.
struct Stage {
    cloud: Cloud,
    site: String,
    kept: Kept,
}

#[test]
fn the_testbed_answers_as_the_real_services_do() {
    let stories = stories(|name| !name.starts_with("reservation"));
    assert!(stories.len() > 4, "the stories are found");
    hold(&stories);
}

#[test]
fn the_testbed_answers_as_blazar_does() {
    let stories = stories(|name| name.starts_with("reservation"));
    assert!(stories.len() > 4, "the stories are found");
    hold(&stories);
}

fn stories(wanted: fn(&str) -> bool) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real");
    let mut stories: Vec<_> = std::fs::read_dir(&folder)
        .expect("tests/data/real exists")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| wanted(&path.file_stem().unwrap_or_default().to_string_lossy()))
        .collect();
    stories.sort();
    stories
}

fn hold(stories: &[PathBuf]) {
    let differences: Vec<String> = stories.iter().flat_map(|story| play(story)).collect();
    assert!(differences.is_empty(), "\n{}\n{} differ", differences.join("\n"), differences.len());
}

fn play(story: &Path) -> Vec<String> {
    let name = story.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(story).expect("a readable story");
    let steps: Vec<Value> = serde_json::from_str(&text).expect("a story in JSON");
    let site = steps.iter().find_map(|step| step["site"].as_str()).unwrap_or(SITE).to_owned();
    let mut cloud = Cloud::in_memory(1);
    let mut kept = Kept::new();
    let token = cloud.token(&site);
    let response = cloud.send(
        ("GET", &format!("/{site}/identity/v3/auth/tokens")),
        &[("x-subject-token", &token)],
        "",
    );
    let token: Value = serde_json::from_slice(&response.body).expect("a token");
    keep(&mut kept, "project", &token["token"]["project"]["id"]);
    keep(&mut kept, "user", &token["token"]["user"]["id"]);
    let mut stage = Stage { cloud, site, kept };
    let mut differences = Vec::new();
    for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.get("site").is_none()) {
        let mut found = Vec::new();
        take(&mut stage, step, &mut found);
        let call = step["call"].as_str().unwrap_or_default();
        differences.extend(found.iter().map(|one| format!("{name} {number}: {call}: {one}")));
    }
    differences
}

/// Takes one step and adds what differs.
fn take(stage: &mut Stage, step: &Value, differences: &mut Vec<String>) {
    if let Some(settings) = step.get("settings") {
        let (status, said) = stage.cloud.call("PUT", "/testbed/settings", settings);
        assert_eq!(status, 200, "{said}");
        return;
    }
    match &step["wait"] {
        Value::Bool(true) => stage.cloud.advance(WAIT_SECONDS),
        wait => wait.as_f64().into_iter().for_each(|seconds| stage.cloud.advance(seconds)),
    }
    let (status, actual) = send(stage, step);
    let kept = &mut stage.kept;
    for (name, pointer) in step["keep"].as_object().into_iter().flatten() {
        let value = actual.pointer(pointer.as_str().unwrap_or_default()).cloned();
        keep(kept, name, &value.unwrap_or_default());
    }
    for (name, place) in step["find"].as_object().into_iter().flatten() {
        let place = fill(place.as_str().expect("a place"), kept);
        keep(kept, name, find(&actual, &place).expect("a member"));
    }
    let said = step.get("fork").unwrap_or(step);
    if said["status"] != status {
        differences.push(format!(
            "{status} instead of {}: {actual} instead of {}",
            said["status"], said["reply"]
        ));
    } else if let Some(reply) = said.get("reply") {
        let reply = dated(reply, SHOWN);
        let apart = &step["apart"];
        let mut comparison = Comparison { kept, apart, among: step["among"].as_str(), differences };
        comparison.compare("", &reply, &actual);
    }
}

/// Sends a step's request and returns status and body.
fn send(stage: &mut Stage, step: &Value) -> (u64, Value) {
    let (method, path) = address(stage, step["call"].as_str().expect("a call"));
    let service = path.split('/').nth(2).unwrap_or_default();
    let version = step["version"].as_str().map(|version| format!("{service} {version}"));
    let token = step["as"].as_str().map(|project| other(stage, project));
    let accept = ("accept", "application/json");
    let headers: Vec<(&str, &str)> = std::iter::once(accept)
        .chain(version.iter().map(|version| ("openstack-api-version", version.as_str())))
        .chain(token.iter().map(|token| ("x-auth-token", token.as_str())))
        .collect();
    let body = match (step.get("body"), step["raw"].as_str()) {
        (Some(body), _) => fill(&dated(body, ASKED).to_string(), &stage.kept),
        (None, raw) => raw.unwrap_or_default().to_owned(),
    };
    let response = stage.cloud.send((&method, &path), &headers, &body);
    let actual = serde_json::from_slice(&response.body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if text.is_empty() { Value::Null } else { Value::String(text) }
    });
    (u64::from(response.status.as_u16()), actual)
}

/// Returns a token of another project.
fn other(stage: &mut Stage, project: &str) -> String {
    let auth = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": project, "password": "x"}}},
        "scope": {"project": {"name": project, "domain": {"name": "Default"}}},
    }});
    let path = format!("/{}/identity/v3/auth/tokens", stage.site);
    let response = stage.cloud.send(("POST", &path), &[], &auth.to_string());
    let token = response.headers.get("x-subject-token").expect("a token");
    token.to_str().expect("a token is ASCII").to_owned()
}

/// Finds a member of a list by what stands somewhere in it (`/flavors name=m1.small`), and returns
/// its id, or what else is named (`/allocations reservations/0/lease_id=$lease resource_id`).
fn find<'v>(reply: &'v Value, place: &str) -> Option<&'v Value> {
    let mut words = place.split(' ');
    let (list, test) = (words.next()?, words.next()?);
    let (at, wanted) = test.split_once('=')?;
    let members = reply.pointer(list)?.as_array()?;
    let mut fitting =
        members.iter().filter(|one| one.pointer(&format!("/{at}")) == Some(&wanted.into()));
    fitting.next()?.get(words.next().unwrap_or("id"))
}

fn keep(kept: &mut Kept, name: &str, value: &Value) {
    kept.insert(name.to_owned(), value.as_str().unwrap_or("missing").to_owned());
}

fn address(stage: &Stage, call: &str) -> (String, String) {
    let call = fill(call, &stage.kept);
    let mut parts = call.splitn(3, ' ');
    let mut part = || parts.next().expect("a method, a service and a path");
    let (method, service, path) = (part(), part(), part());
    let base = match service {
        "network" => "network/v2.0".to_owned(),
        "compute" => "compute/v2.1".to_owned(),
        "image" => "image/v2".to_owned(),
        "reservation" => "reservation/v1".to_owned(),
        "volume" => format!("volume/v3/{}", stage.kept["project"]),
        other => panic!("no service {other}"),
    };
    (method.to_owned(), format!("/{}/{base}{path}", stage.site))
}

/// Replaces each text `<+90>` by the minute that it stands for.
fn dated(value: &Value, format: &str) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), dated(value, format)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(elements) => elements.iter().map(|one| dated(one, format)).collect(),
        Value::String(text) => minutes(text).map_or_else(
            || value.clone(),
            |minutes| {
                let start: Timestamp = START.parse().expect("a valid instant");
                let at = start.checked_add(minutes.minutes()).expect("a date of our time");
                at.strftime(format).to_string().into()
            },
        ),
        other => other.clone(),
    }
}

fn minutes(text: &str) -> Option<i64> {
    let number = text.strip_prefix('<')?.strip_suffix('>')?;
    number.starts_with(['+', '-']).then_some(number)?.parse().ok()
}

/// Replaces each `$name` by what is kept under it.
pub(crate) fn fill(text: &str, kept: &Kept) -> String {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let beyond = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let (name, rest) = part.split_at(part.find(beyond).unwrap_or(part.len()));
        match kept.get(name) {
            Some(value) => filled.push_str(value),
            None => filled.extend(["$", name]),
        }
        filled.push_str(rest);
    }
    filled
}
