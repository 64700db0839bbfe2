//! A degraded lease: Blazar's monitor found that something reserved had failed, and took another one, or found none.

use terrarium_address::{AttrPath, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_value::Value;

use crate::codes;
use crate::reservation::looks;
use crate::reservation::part::{self, Part, PartKind};

/// Tells what is wrong with a lease, for each of its reservations.
pub(super) fn told(
    only: Option<PartKind>,
    prior: &Value,
    (addr, begun): (&ResourceAddr, bool),
) -> Vec<Diagnostic> {
    if !looks::is_degraded(prior) {
        return Vec::new();
    }
    let is = |part: &Part, name: &str| part.get(name).and_then(Value::as_bool) == Some(true);
    let parts = part::parts(only, prior);
    let mut told: Vec<Diagnostic> = Vec::new();
    for part in &parts {
        if is(part, "missing_resources") {
            told.push(missing(only, part, (addr, begun)));
        } else if is(part, "resources_changed") {
            told.push(changed(only, part));
        }
    }
    if told.is_empty() {
        let warning = Diagnostic::warning(codes::FAILED, "The lease is degraded")
            .detail("Blazar says so, and of none of its reservations what it lacks.")
            .path(AttrPath::attr("degraded"));
        told.push(warning);
    }
    told
}

/// What a reservation holds, of which there may be several.
fn things(part: &Part) -> (&'static str, bool) {
    let things = match part.kind {
        PartKind::Host => "node",
        PartKind::Device => "device",
        PartKind::FloatingIp => "address",
        PartKind::Network => "network",
        PartKind::Instance | PartKind::Flavor | PartKind::Other => "place",
    };
    (things, part.amount().1 > 1)
}

fn missing(
    only: Option<PartKind>,
    part: &Part,
    (addr, begun): (&ResourceAddr, bool),
) -> Diagnostic {
    let (thing, several) = things(part);
    let (summary, rest) = if several {
        (
            format!("The lease misses a {thing}"),
            "It has only the rest of what it reserved.".to_owned(),
        )
    } else {
        let summary = format!("The lease has no {thing}");
        (
            summary,
            format!("What sits on it can't be made until it has one: it waits for that {thing}."),
        )
    };
    let when = if begun { "while the lease runs" } else { "before the lease begins" };
    let known = part.text("id").map(|id| format!(" ({id})")).unwrap_or_default();
    // A lease that has not begun takes what another filter names in place; one that runs swaps nothing.
    let other = if begun { "ask for another type with it" } else { "name another in its filter" };
    let help = format!(
        "-replace='{addr}' takes another {thing} if one fits that is free; or {other}, move the dates, remove it, or \
         wait for the operators"
    );
    Diagnostic::warning(codes::FAILED, summary)
        .detail(format!(
            "The {thing} of its reservation {}{known} failed {when}, and Blazar found no other. {rest}",
            part.key()
        ))
        .help(help)
        .path(part::path(only, part, "missing_resources"))
}

fn changed(only: Option<PartKind>, part: &Part) -> Diagnostic {
    let (thing, _) = things(part);
    Diagnostic::warning(codes::FAILED, format!("A {thing} of the lease is another one by now"))
        .detail(format!(
            "What its reservation {} had failed, and Blazar took another {thing} in its place: what stood on the old one is \
             gone, and what fits the filter is there again.",
            part.key()
        ))
        .path(part::path(only, part, "resources_changed"))
}
