//! Blazar v1 with Chameleon's additions: leases, and what they reserve when.
//!
//! A lease has reservations, one per kind of thing; each kind is a [`Plugin`], a row that says how
//! it is allocated, changed, started and ended. The calendar ([`allocation`]) holds what is taken
//! when. The manager looks for due events every ten seconds of the world's clock ([`ticks`]).
//!
//! Where released Blazar and Chameleon's fork differ, this is the fork: network and device
//! reservations, `authorized_projects`, default filters, errors of updates that leave the lease as
//! it was. KVM@TACC has what released Blazar has for flavors.

pub(crate) mod addresses;
pub(crate) mod allocation;
mod change;
mod counted;
pub(crate) mod course_lease;
mod create;
pub(crate) mod date;
mod devices;
mod diary;
pub(crate) mod enforce;
mod family;
pub(crate) mod filter;
pub(crate) mod hosts;
mod instances;
pub(crate) mod inventory;
pub(crate) mod lease;
mod leases;
pub(crate) mod load;
mod networks;
mod placing;
mod rates;
pub(crate) mod reaper;
pub(crate) mod reserved_flavors;
mod scarcity;
pub(crate) mod scheduling;
mod shares;
pub(crate) mod ticks;

use rusqlite::OptionalExtension;
use serde_json::{Value, json};

use crate::{
    call::Call,
    cloud::Cloud,
    json::Body,
    reply::{Outcome, Refusal, Reply, UNFORESEEN, no},
    site::Site,
};

use allocation::Pool;
use lease::{Lease, Reservation, Window};

/// A kind of thing that can be reserved.
pub(crate) struct Plugin {
    /// `resource_type` in requests and answers.
    pub(crate) resource_type: &'static str,
    /// Tells whether a site lends it.
    pub(crate) offered: fn(&Site) -> bool,
    /// Checks a request's member of `reservations`, takes what it asks for in the lease's window,
    /// and writes what is shown into `own`. The lease has no other reservations saved yet.
    pub(crate) reserve: fn(&Cloud<'_>, &Lease, &mut Reservation, &Body) -> Outcome<()>,
    /// Changes what is asked for and moves it to the new window; the lease is still as it was.
    /// What was refused is undone by the caller.
    pub(crate) update: fn(&Cloud<'_>, &Lease, &mut Reservation, &Change<'_>) -> Outcome<()>,
    /// Hands the things over to the project.
    pub(crate) start: fn(&Cloud<'_>, &Lease, &mut Reservation) -> Outcome<()>,
    /// Takes them back, with everything that stands on them; also what has not been started.
    pub(crate) end: fn(&Cloud<'_>, &Lease, &mut Reservation) -> Outcome<()>,
}

/// What an update asks of a reservation.
pub(crate) struct Change<'u> {
    /// The lease's new window.
    pub(crate) window: Window,
    /// The request's members of the reservation; empty where only dates change.
    pub(crate) given: &'u Body,
}

/// All kinds of things that can be reserved at some site.
const PLUGINS: &[Plugin] = &[
    hosts::HOST,
    instances::FLAVOR,
    instances::INSTANCE,
    addresses::FLOATING_IP,
    networks::SEGMENT,
    devices::DEVICE,
];

/// The one version of the API.
const VERSION: &str = "1.0";

/// What Flask says of a path that leads nowhere.
const NOWHERE: &str = "The requested URL was not found on the server. If you entered the URL \
                       manually please check your spelling and try again.";

/// Answers a body that is no JSON.
pub(crate) fn unreadable() -> Reply {
    flask(
        500,
        "The server encountered an internal error and was unable to complete your request. Either \
         the server is overloaded or there is an error in the application.",
    )
}

/// Answers a method that a path does not have, or a path that leads nowhere.
fn no_route(path: &[&str]) -> Reply {
    match path {
        [] | [_] | [_, "allocation" | "hosts" | "networks" | "devices"] | ["properties", _] => {
            flask(405, "The method is not allowed for the requested URL.")
        }
        _ => flask(404, NOWHERE),
    }
}

/// Answers a call of Blazar.
pub(crate) fn answer(call: &Call<'_>) -> Outcome<Reply> {
    let mut path = call.path.to_vec();
    if let Some(last) = path.last_mut() {
        *last = last.strip_suffix(".json").unwrap_or(last);
    }
    let (version, path) = match path.as_slice() {
        [] | ["versions"] => {
            let version = json!({"id": "v1.0", "status": "CURRENT", "min_version": VERSION,
                "max_version": VERSION,
                "links": [{"href": format!("{}/v1", call.url), "rel": "self"}]});
            return Ok(Reply::json(300, json!({"versions": [version]})));
        }
        ["v1", rest @ ..] => (version(call), rest),
        _ => return Ok(flask(404, NOWHERE)),
    };
    if let Err(refused) = version {
        return Ok(refused);
    }
    let reply = match path {
        ["leases", rest @ ..] => leases::answer(call, rest)?,
        ["os-hosts", rest @ ..] => family::answer(call, Pool::Hosts, rest)?,
        ["networks", rest @ ..] => family::answer(call, Pool::Networks, rest)?,
        ["devices", rest @ ..] => family::answer(call, Pool::Devices, rest)?,
        ["floatingips", rest @ ..] => family::answer(call, Pool::FloatingIps, rest)?,
        _ => flask(404, NOWHERE),
    };
    Ok(reply
        .with("vary", "OpenStack-API-Version")
        .with("openstack-api-version", format!("reservation {VERSION}")))
}

/// Returns the refusal of a call whose header asks for a version that there isn't.
fn version(call: &Call<'_>) -> Result<(), Reply> {
    let asked = call.header("openstack-api-version");
    let asked = asked.and_then(|text| text.trim().strip_prefix("reservation")).map(str::trim);
    match asked {
        None | Some("latest" | VERSION) => Ok(()),
        Some(asked) => {
            let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let formed = asked.split_once('.').is_some_and(|(a, b)| number(a) && number(b));
            Err(if formed {
                flask(
                    406,
                    &format!(
                        "Version {asked} is not supported by the API. Minimum is {VERSION} and \
                         maximum is {VERSION}."
                    ),
                )
            } else {
                flask(
                    400,
                    &format!(
                        "API Version String {asked} is of invalid format. Must be of format \
                         MajorNum.MinorNum."
                    ),
                )
            })
        }
    }
}

/// Returns an error of the web framework, whose form is not that of Blazar's own.
fn flask(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"error": status, "error_message": message}))
}

/// Returns the row of a resource type that the site lends.
fn plugin(site: &Site, resource_type: &str) -> Outcome<&'static Plugin> {
    PLUGINS
        .iter()
        .find(|plugin| plugin.resource_type == resource_type && (plugin.offered)(site))
        .ok_or_else(|| no(500, format!("The {resource_type} resource type is not supported")))
}

/// Returns the refusal of a request that lacks a member.
pub(crate) fn missing(parameter: &str) -> Refusal {
    no(400, format!("Missing parameter {parameter}"))
}

/// Returns the refusal of a member that can't be read.
pub(crate) fn malformed(parameter: &str) -> Refusal {
    no(400, format!("Malformed parameter {parameter}"))
}

/// Returns the refusal of what only its owner or the operators may do.
fn forbidden(action: &str) -> Refusal {
    no(403, format!("Policy doesn't allow blazar:{action} to be performed"))
}

/// Returns the refusal of what Blazar did not foresee.
fn unforeseen() -> Refusal {
    no(500, UNFORESEEN)
}

/// Returns the refusal of an id that nobody has.
fn not_found(key: &str, id: &str) -> Refusal {
    no(404, format!("Object with {{'{key}': '{id}'}} not found"))
}

/// Carries out what a change of the world's settings means for leases.
pub(crate) fn settings_changed(cloud: &Cloud<'_>) -> Outcome<()> {
    hosts::heal(cloud)?;
    load::settle(cloud)
}

/// Returns the name of an account.
fn user_name(cloud: &Cloud<'_>, id: &str) -> Outcome<String> {
    let name: Option<String> = cloud
        .conn
        .prepare_cached("SELECT name FROM account WHERE id = ?")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_else(|| id.to_owned()))
}

/// Returns the request's body, or what Blazar answers where it is no object.
fn given(call: &Call<'_>) -> Outcome<Body> {
    match &call.body {
        Value::Object(members) => Ok(members.clone()),
        Value::Null => Ok(Body::new()),
        _ => Err(unforeseen()),
    }
}
