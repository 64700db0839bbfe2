//! What leases mean for Nova's scheduler.

use serde_json::Value;

use super::{hosts, reaper};
use crate::{
    cloud::Cloud, compute::servers::SERVER, json::Body, reply::Outcome, site::Hardware,
    store::Object,
};

/// Where a new server goes.
pub(crate) enum Verdict {
    /// It fits; the text is the seat that it takes, if seats are counted.
    Seat(Option<String>),
    /// No host takes it; the text is what the scheduler says.
    NoHost(&'static str),
}

/// What the scheduler says where its filters leave no host.
const FILTERED: &str = "No valid host was found. There are not enough hosts available.";
/// What it says where Placement has no room to begin with.
const NO_ROOM: &str = "No valid host was found. ";

/// Decides where a server of `flavor` with these scheduler hints goes.
///
/// On bare metal that is a host of the reservation which the hint names. Elsewhere a reservation's
/// flavor stands for it, and its seats are as many as were reserved.
pub(crate) fn decide(
    cloud: &Cloud<'_>,
    project: &str,
    flavor: &Object,
    hints: &Body,
) -> Outcome<Verdict> {
    let hint = hints.get("reservation").and_then(Value::as_str);
    if cloud.site.hardware == Hardware::BareMetal {
        let seat = match hint {
            Some(hint) => hosts::free_seat(cloud, project, hint)?,
            None => None,
        };
        if let (Some(hint), Some(_)) = (hint, &seat) {
            reaper::note_use(cloud, hint)?;
        }
        return Ok(seat.map_or(Verdict::NoHost(FILTERED), |seat| Verdict::Seat(Some(seat))));
    }
    let reserved = flavor.text("name").starts_with("reservation:");
    let foreign = hint.is_some_and(|hint| !reserved || hint != flavor.id);
    let unleased = cloud.settings.leases_required && !reserved;
    let amount = flavor.body.get("_amount").and_then(Value::as_i64);
    let full = match amount {
        Some(amount) => cloud.count(&SERVER, "_seat", &flavor.id)? >= amount,
        None => false,
    };
    if foreign || unleased {
        return Ok(Verdict::NoHost(FILTERED));
    }
    if full {
        return Ok(Verdict::NoHost(NO_ROOM));
    }
    Ok(Verdict::Seat(amount.map(|_| flavor.id.clone())))
}

/// Returns the availability zone in which a server came up: leased hosts have one of their own.
pub(crate) fn zone(server: &Object) -> String {
    let hint = server.body.get("_hints").and_then(|hints| hints.get("reservation"));
    match hint.and_then(Value::as_str) {
        Some(reservation) if hosts::is_seat(server.text("_seat")) => {
            format!("blazar_{reservation}")
        }
        _ => "nova".to_owned(),
    }
}

/// Tells whether a server's host is of a type that takes up to half an hour to boot.
pub(crate) fn boots_slowly(cloud: &Cloud<'_>, server: &Object) -> bool {
    hosts::of_seat(cloud.site, server.text("_seat"))
        .is_some_and(|host| host.property("node_type") == "compute_gigaio")
}
