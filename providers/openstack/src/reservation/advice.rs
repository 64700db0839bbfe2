//! What a testbed frowns upon without refusing it: leases that nobody uses, and a project that holds most
//! of a type.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::Claim;

use super::calendar::{Calendar, Pool, Thing};
use super::part::PartKind;
use super::plan::{Course, Sketch};
use super::rules::{self, Rules};
use super::{claims, date, filter, room};
use crate::client::Service;
use crate::codes;
use crate::look::field;
use crate::verbs::Scope;

/// Adds warnings to one planned lease.
pub(super) async fn add(
    scope: &Scope<'_>,
    (sketch, claims): (&mut Sketch<'_>, &[Claim]),
    now: Timestamp,
) {
    let region = room::region_of(scope.session, sketch);
    let Some(rules) = rules::of(&region) else { return };
    if !sketch.parts.iter().any(|part| part.kind == PartKind::Host) {
        return;
    }
    match sketch.course {
        Course::Create => stacking(scope, rules, &region, (sketch, claims)).await,
        Course::Keep { start, begun: true, .. } => idle(scope, rules, sketch, (start, now)).await,
        _ => {}
    }
}

/// Warns of a lease whose nodes nobody has used since it began.
async fn idle(
    scope: &Scope<'_>,
    rules: &Rules,
    sketch: &mut Sketch<'_>,
    (start, now): (Timestamp, Timestamp),
) {
    let idle = &rules.idle_hours;
    if now.duration_since(start) < SignedDuration::from_hours(idle.look) {
        return;
    }
    let call = scope.get(Service::Compute, "/servers/detail");
    let Ok(servers) = scope.session.shared_list(&call, "servers").await else { return };
    let since = |server: &serde_json::Value| {
        date::read(field(server, "created")).is_none_or(|at| at >= start)
    };
    if servers.iter().any(since) {
        return;
    }
    let at =
        |hours: i64| sketch.declared.shown(date::later(start, SignedDuration::from_hours(hours)));
    let detail = format!(
        "Since {}, when it began, the project has made no server. The testbed warns at {}, and ends such a lease at {}.",
        sketch.declared.shown(start),
        at(idle.warned),
        at(idle.ended)
    );
    sketch.draft.diagnostics.push(
        Diagnostic::warning(codes::RULE, "Nobody uses the lease")
            .detail(detail)
            .help("make a server on it, or remove it: others wait for such nodes")
            .path(AttrPath::attr("status")),
    );
}

/// Warns where the project would hold most of a type, or nearly all of a node's time.
async fn stacking(
    scope: &Scope<'_>,
    rules: &Rules,
    region: &str,
    (sketch, claims): (&mut Sketch<'_>, &[Claim]),
) {
    let Some((start, end)) = sketch.window.and_then(|w| Some((w.from(), w.until()?))) else {
        return;
    };
    let Ok(mut calendar) = Calendar::read(scope.session, region, Pool::Hosts).await else { return };
    let mut own = room::own_leases(scope.session, region).await;
    let things = claims::pool(scope.session, region, Pool::Hosts);
    own.extend(claims::count(claims, &things, &mut calendar));
    let limits = &rules.stacking;
    let types: BTreeSet<String> = sketch
        .parts
        .iter()
        .filter(|part| part.kind == PartKind::Host)
        .filter_map(|part| filter::parse(part.text("resource_properties")?).ok())
        .filter_map(|conditions| filter::demanded(&conditions, "node_type").map(str::to_owned))
        .collect();
    let span = SignedDuration::from_hours(24 * limits.days);
    for kind in types {
        let things: Vec<&Thing> =
            calendar.things.iter().filter(|thing| thing.property("node_type") == kind).collect();
        let at_once = things
            .iter()
            .filter(|thing| held(thing, &own, (start, end)) > SignedDuration::ZERO)
            .count();
        if things.len() > limits.type_larger_than
            && at_once * 100 > limits.percent_of_type * things.len()
        {
            sketch.draft.diagnostics.push(stacked(format!(
                "With it, the project holds {at_once} of the site's {} nodes of type {kind} at the same time.",
                things.len()
            )));
        }
        let nearly = span * i32::try_from(limits.percent_of_node).unwrap_or(100) / 100;
        let full: Vec<&str> = things
            .iter()
            .filter(|thing| held(thing, &own, (date::earlier(end, span), end)) >= nearly)
            .map(|thing| thing.name.as_str())
            .collect();
        if !full.is_empty() {
            sketch.draft.diagnostics.push(stacked(format!(
                "With it, the project holds {} for nearly all of {} days.",
                full.join(", "),
                limits.days
            )));
        }
    }
}

fn stacked(detail: String) -> Diagnostic {
    Diagnostic::warning(codes::RULE, "The project holds much of what others want")
        .detail(detail)
        .help(
            "the testbed's staff write to projects that stack leases: leave gaps, or tell them why",
        )
}

/// Returns how long of a window a thing is held by one of these leases.
fn held(
    thing: &Thing,
    own: &BTreeSet<String>,
    (from, until): (Timestamp, Timestamp),
) -> SignedDuration {
    let spans = thing.taken.iter().filter(|taken| own.contains(&taken.lease));
    spans
        .map(|taken| taken.until.min(until).duration_since(taken.from.max(from)))
        .filter(SignedDuration::is_positive)
        .sum()
}
