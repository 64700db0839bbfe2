//! What leases mean for Nova's scheduler.

use serde_json::Value;

use super::hosts;
use crate::{
    cloud::Cloud, compute::servers::SERVER, json::Body, reply::Outcome, site::Hardware,
    store::Object,
};

/// Where a new server goes.
pub(crate) enum Verdict {
    /// It fits; the text is the seat that it takes, if seats are counted.
    Seat(Option<String>),
    /// No host takes it.
    NoHost,
}

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
        return Ok(seat.map_or(Verdict::NoHost, |seat| Verdict::Seat(Some(seat))));
    }
    let reserved = flavor.text("name").starts_with("reservation:");
    let foreign = hint.is_some_and(|hint| !reserved || hint != flavor.id);
    let unleased = cloud.settings.leases_required && !reserved;
    let amount = flavor.body.get("_amount").and_then(Value::as_i64);
    let full = match amount {
        Some(amount) => cloud.count(&SERVER, "_seat", &flavor.id)? >= amount,
        None => false,
    };
    if foreign || unleased || full {
        return Ok(Verdict::NoHost);
    }
    Ok(Verdict::Seat(amount.map(|_| flavor.id.clone())))
}
