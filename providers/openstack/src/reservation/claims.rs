//! What planned leases take from calendars and from the allocation: names of things, as the engine carries
//! them from one question to the next.

use std::collections::BTreeSet;

use terrarium_address::{AttrPath, Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{Claim, PlanRequest, PlannedFact, Window};

use super::calendar::{Calendar, Pool, Taken};
use crate::client::Session;
use crate::codes;
use crate::look::Look;
use crate::quota::first_beyond;

/// Returns the name of a pool's things: `https://identity CHI@UC hosts `, before the id of one.
pub(super) fn pool(session: &Session, region: &str, pool: Pool) -> String {
    format!("{} {region} {} ", session.place(), pool.things())
}

/// Returns the name of the service units of an allocation.
pub(super) fn units(session: &Session) -> Name {
    format!("{} service units", session.place()).into()
}

/// Returns what a plan claims beside a batch: what its own instances were to take counts no more.
pub(super) fn of_others(requests: &[PlanRequest]) -> Vec<Claim> {
    let asked: BTreeSet<&ResourceAddr> = requests.iter().map(|request| &request.addr).collect();
    let claims = requests.first().map(|request| &*request.claims).unwrap_or_default();
    claims.iter().filter(|claim| !asked.contains(&claim.by)).cloned().collect()
}

/// Counts claims of things in the calendar of their pool; returns what they are called there.
pub(super) fn count(claims: &[Claim], things: &str, calendar: &mut Calendar) -> BTreeSet<String> {
    let mut leases = BTreeSet::new();
    for claim in claims {
        if let Some(thing) = claim.resource.strip_prefix(things) {
            take(calendar, thing, &claim.by, claim.window);
            leases.insert(format!("plan:{}", claim.by));
        }
    }
    leases
}

/// Counts one thing as taken by an instance of this plan.
pub(super) fn take(calendar: &mut Calendar, id: &str, by: &ResourceAddr, window: Window) {
    let Some(thing) = calendar.things.iter_mut().find(|thing| thing.id == id) else { return };
    let Some(until) = window.until() else { return };
    thing.taken.push(Taken {
        from: window.from(),
        until,
        lease: format!("plan:{by}"),
        reservation: String::new(),
        user: format!("{by} in this plan"),
    });
    thing.taken.sort_by_key(|taken| taken.from);
}

/// Judges what all leases of a plan spend together against the units that are left, as clouds.yaml says.
pub(crate) fn check_units(session: &Session, facts: &[PlannedFact]) -> Diagnostics {
    let Some(left) = session.account().service_units_milli else { return Diagnostics::new() };
    let name = units(session);
    let mut spent: Vec<(&PlannedFact, &Claim)> = facts
        .iter()
        .flat_map(|fact| fact.claims.iter().map(move |claim| (fact, claim)))
        .filter(|(_, claim)| claim.resource == name)
        .collect();
    spent.sort_by_key(|(fact, claim)| (claim.window.from(), &fact.addr));
    let total: u64 = spent.iter().map(|(_, claim)| claim.amount).sum();
    // The lease with which the units run out, in the order of their starts.
    let last = first_beyond(&spent, |(_, claim)| claim.amount, left);
    let Some((fact, claim)) = last else { return Diagnostics::new() };
    let shown = |milli: u64| format!("{}.{:02}", milli / 1_000, milli % 1_000 / 10);
    let end = if fact.planned.has("duration") { "duration" } else { "end_date" };
    Diagnostic::error(codes::RULE, "The service units do not suffice")
        .detail(format!(
            "The plan would spend {} SU, {} of them here, where they run out; {} are left, as clouds.yaml says.",
            shown(total),
            shown(claim.amount),
            shown(left)
        ))
        .help("lease less or for a shorter time, or ask for more units and correct service_units")
        .path(AttrPath::attr(end))
        .about(fact.addr.clone())
        .into()
}
