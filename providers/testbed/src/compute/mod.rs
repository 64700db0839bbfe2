//! Nova 2.1 and its microversions: servers and what belongs to them.

mod actions;
mod attachments;
pub(crate) mod build;
mod devices;
pub(crate) mod flavors;
pub(crate) mod groups;
mod interfaces;
mod keypairs;
mod launch;
mod metadata;
mod nics;
mod quota;
pub(crate) mod servers;
mod view;

use serde_json::{Value, json};

use crate::{
    call::{self, Call, Microversion},
    json::{self, Body},
    reply::{Outcome, Refusal, Reply, no},
};

pub(crate) use devices::forget as forget_volume;

const BASE: Microversion = (2, 1);
/// The newest microversion: that of OpenStack 2024.1.
const MAX: Microversion = (2, 96);

/// A call of Nova with its microversion.
pub(crate) struct Nova<'c, 'a> {
    pub(crate) call: &'c Call<'a>,
    pub(crate) version: Microversion,
}

impl<'a> std::ops::Deref for Nova<'_, 'a> {
    type Target = Call<'a>;

    fn deref(&self) -> &Call<'a> {
        self.call
    }
}

impl Nova<'_, '_> {
    /// Tells whether the call asks for microversion 2.`minor` or later.
    pub(crate) fn since(&self, minor: u32) -> bool {
        self.version >= (2, minor)
    }

    /// Returns the two links that Nova adds to each thing.
    pub(crate) fn links(&self, path: &str) -> Value {
        json!([
            {"rel": "self", "href": format!("{}/v2.1/{path}", self.url)},
            {"rel": "bookmark", "href": format!("{}/{path}", self.url)},
        ])
    }

    /// Returns the body's envelope, with the schema's words where it is missing.
    fn given(&self, envelope: &str) -> Outcome<Body> {
        self.enveloped(envelope).map_err(|_| {
            no(400, format!("Invalid input for field/attribute {envelope}. '{envelope}' is a required property"))
        })
    }
}

/// Answers a call of Nova.
pub(crate) fn answer(call: &Call<'_>) -> Outcome<Reply> {
    match call.path {
        [] => return Ok(Reply::json(300, json!({"versions": [document(&call.url)]}))),
        ["v2.1" | "v2"] => return Ok(Reply::json(200, json!({"version": document(&call.url)}))),
        _ => {}
    }
    let legacy = "x-openstack-nova-api-version";
    let version = call::microversion(call.headers, ("compute", legacy), BASE, MAX);
    let version = version.map_err(|asked| {
        no(
            406,
            format!(
                "Version {asked} is not supported by the API. Minimum is 2.1 and maximum is {}.{}.",
                MAX.0, MAX.1
            ),
        )
    })?;
    let ["v2.1" | "v2", path @ ..] = call.path else { return Err(not_found()) };
    let reply = route(&Nova { call, version }, path)?;
    let shown = format!("{}.{}", version.0, version.1);
    Ok(reply
        .with("openstack-api-version", format!("compute {shown}"))
        .with(legacy, shown)
        .with("vary", "OpenStack-API-Version, X-OpenStack-Nova-API-Version"))
}

fn route(nova: &Nova<'_, '_>, path: &[&str]) -> Outcome<Reply> {
    match path {
        ["servers", rest @ ..] => servers::answer(nova, rest),
        ["flavors", rest @ ..] => flavors::answer(nova, rest),
        ["os-keypairs", rest @ ..] => keypairs::answer(nova, rest),
        ["os-server-groups", rest @ ..] => groups::answer(nova, rest),
        ["os-quota-sets", rest @ ..] => quota::sets(nova, rest),
        ["limits"] => quota::limits(nova),
        ["extensions"] => Ok(Reply::json(200, json!({"extensions": []}))),
        ["os-availability-zone", "detail"] => Err(no(
            403,
            "Policy doesn't allow os_compute_api:os-availability-zone:detail to be performed.",
        )),
        ["os-availability-zone"] => Ok(Reply::json(
            200,
            json!({"availabilityZoneInfo": [
                {"zoneName": "nova", "zoneState": {"available": true}, "hosts": null}]}),
        )),
        _ => Err(not_found()),
    }
}

fn document(url: &str) -> Value {
    json!({
        "id": "v2.1", "status": "CURRENT", "version": format!("{}.{}", MAX.0, MAX.1),
        "min_version": "2.1", "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": format!("{url}/v2.1/")}],
        "media-types": [{"base": "application/json",
            "type": "application/vnd.openstack.compute+json;version=2.1"}],
    })
}

fn not_found() -> Refusal {
    no(404, "The resource could not be found.")
}

/// Refuses members that the schema of the caller's microversion doesn't know.
fn known(
    nova: &Nova<'_, '_>,
    envelope: &str,
    given: &Body,
    members: &[(&str, std::ops::Range<u32>)],
) -> Outcome<()> {
    let (_, minor) = nova.version;
    let unexpected = given.keys().find(|key| {
        !members.iter().any(|(name, versions)| name == key && versions.contains(&minor))
    });
    match unexpected {
        None => Ok(()),
        Some(key) => Err(no(
            400,
            format!(
                "Invalid input for field/attribute {envelope}. Value: {}. Additional properties \
                 are not allowed ('{key}' was unexpected)",
                json::python(&Value::Object(given.clone()))
            ),
        )),
    }
}

/// Versions of a member that has always been known.
const ALWAYS: std::ops::Range<u32> = since(0);

/// Versions of a member that is known since 2.`minor`.
const fn since(minor: u32) -> std::ops::Range<u32> {
    minor..u32::MAX
}

/// Returns the text of a required member, with the schema's words where it is missing or empty.
fn required<'b>(given: &'b Body, envelope: &str, key: &str) -> Outcome<&'b str> {
    match json::text(given, key) {
        "" if !given.contains_key(key) => Err(no(
            400,
            format!(
                "Invalid input for field/attribute {envelope}. Value: {}. '{key}' is a required \
             property",
                json::python(&Value::Object(given.clone()))
            ),
        )),
        "" => Err(no(
            400,
            format!("Invalid input for field/attribute {key}. Value: . '' should be non-empty"),
        )),
        text => Ok(text),
    }
}
