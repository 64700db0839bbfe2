//! Cinder v3: volumes, their types and quotas.

pub(crate) mod kinds;
pub(crate) mod life;
mod quota;
mod view;
pub(crate) mod volumes;

use serde_json::{Value, json};

use crate::{
    call::{self, Call, Microversion},
    json,
    reply::{Outcome, Refusal, Reply, no},
};

const BASE: Microversion = (3, 0);
/// The newest microversion: that of OpenStack 2024.1.
const MAX: Microversion = (3, 71);

/// Answers a call of Cinder.
pub(crate) fn answer(call: &Call<'_>) -> Outcome<Reply> {
    match call.path {
        [] => return Ok(Reply::json(300, json!({"versions": [document(&call.url)]}))),
        ["v3"] => return Ok(Reply::json(200, json!({"versions": [document(&call.url)]}))),
        _ => {}
    }
    let legacy = "x-openstack-volume-api-version";
    let version = call::microversion(call.headers, ("volume", legacy), BASE, MAX);
    let version = version.map_err(|asked| {
        no(
            406,
            format!(
                "Version {asked} is not supported by the API. Minimum is 3.0 and maximum is {}.{}.",
                MAX.0, MAX.1
            ),
        )
    })?;
    let ["v3", project, path @ ..] = call.path else { return Err(not_found()) };
    if *project != call.who.project {
        return Err(no(400, "Malformed request url"));
    }
    let reply = route(call, version, path)?;
    Ok(reply
        .with("openstack-api-version", format!("volume {}.{}", version.0, version.1))
        .with("vary", "OpenStack-API-Version"))
}

fn route(call: &Call<'_>, version: Microversion, path: &[&str]) -> Outcome<Reply> {
    let empty = |key: &str| Ok(Reply::json(200, json!({key: []})));
    match (call.method.as_str(), path) {
        (_, ["volumes", rest @ ..]) => volumes::answer(call, version, rest),
        (_, ["types", rest @ ..]) => kinds::answer(call, rest),
        (_, ["os-quota-sets", rest @ ..]) => quota::sets(call, rest),
        ("GET", ["limits"]) => quota::limits(call),
        ("GET", ["snapshots"] | ["snapshots", "detail"]) => empty("snapshots"),
        ("GET", ["snapshots", id]) => Err(no(404, format!("Snapshot {id} could not be found."))),
        ("GET", ["backups"] | ["backups", "detail"]) => empty("backups"),
        ("GET", ["attachments"] | ["attachments", "detail" | "summary"]) => attachments(call),
        ("GET", ["extensions"]) => empty("extensions"),
        ("GET", ["os-availability-zone"]) => Ok(Reply::json(
            200,
            json!({"availabilityZoneInfo": [
                {"zoneName": "nova", "zoneState": {"available": true}}]}),
        )),
        _ => Err(not_found()),
    }
}

fn attachments(call: &Call<'_>) -> Outcome<Reply> {
    let mut shown: Vec<Value> = Vec::new();
    for volume in volumes::of_project(call)? {
        for held in volume.list("attachments") {
            shown.push(json!({
                "id": held["attachment_id"], "volume_id": volume.id, "instance": held["server_id"],
                "status": if volume.text("status") == "in-use" { "attached" } else { "attaching" },
            }));
        }
    }
    Ok(Reply::json(200, json!({"attachments": shown})))
}

fn document(url: &str) -> Value {
    json!({
        "id": "v3.0", "status": "CURRENT", "version": format!("{}.{}", MAX.0, MAX.1),
        "min_version": "3.0", "updated": "2018-07-17T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{url}/v3/")}],
        "media-types": [{"base": "application/json",
            "type": "application/vnd.openstack.volume+json;version=3"}],
    })
}

fn not_found() -> Refusal {
    no(404, "The resource could not be found.")
}

/// Returns Cinder's refusal of malformed input.
fn invalid(reason: impl std::fmt::Display) -> Refusal {
    no(400, format!("Invalid input received: {reason}"))
}

/// Returns the members of the body's envelope.
fn given(call: &Call<'_>, envelope: &str) -> Outcome<json::Body> {
    call.enveloped(envelope).map_err(|_| {
        no(
            400,
            format!(
                "Invalid input for field/attribute {envelope}. '{envelope}' is a required property"
            ),
        )
    })
}
