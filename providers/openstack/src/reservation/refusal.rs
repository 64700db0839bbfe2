//! What is said when a lease can't be had.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use super::calendar::{Ask, Calendar, Pool};
use super::part::Part;
use super::shortage::Shortage;
use super::{date, looks, room, rules};
use crate::client::ApiError;
use crate::codes;
use crate::look::{Look, field};
use crate::verbs::Scope;

/// Returns the time zone of a lease's values.
pub(super) fn zone(values: &Value) -> Option<TimeZone> {
    values.text("time_zone").and_then(|name| TimeZone::get(name).ok())
}

/// Says that a lease's start has passed since it was planned.
pub(super) fn started(planned: &Value, start: Timestamp) -> Diagnostic {
    let when = date::shown(start, zone(planned).as_ref());
    Diagnostic::error(codes::TIME, "The start of the lease has passed since it was planned")
        .detail(format!("It was to begin at {when}. Nothing was made."))
        .help("plan again: where the end still lies ahead, the lease begins at once")
}

/// Says that a lease failed, and what its parts say.
pub(super) fn failed(scope: &Scope<'_>, lease: &Json) -> Diagnostic {
    let (id, status) = (field(lease, "id"), field(lease, "status"));
    let why = looks::fault(lease).map(|why| format!("{why}.")).unwrap_or_default();
    Diagnostic::error(codes::FAILED, format!("{} {id} is in state {status}", scope.row.name))
        .detail(why)
        .help("plan again: a new lease takes its place; if it fails again, the site's operators can tell why")
}

/// Says that the calendar has no room, and what it has instead.
pub(super) async fn full(
    scope: &Scope<'_>,
    planned: &Value,
    parts: &[Part],
    own: Option<&str>,
    error: &ApiError,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let region = if scope.region.is_empty() { scope.session.region() } else { &scope.region };
    let now = date::minute(scope.session.clock().now());
    for part in parts {
        if let Some(window) = window(planned, now) {
            diagnostics.0.extend(lacking(scope, (region, now), (planned, part, own), window).await);
        }
    }
    if let Some(first) = diagnostics.0.first_mut() {
        first.detail = format!("{} {error}.", first.detail);
        return diagnostics;
    }
    let summary = format!("{}: {}", scope.row.name, error.message());
    Diagnostic::error(codes::NO_ROOM, summary)
        .detail(error.to_string())
        .help(
            "somebody else may have taken it a moment ago: plan again, which looks at the calendar",
        )
        .into()
}

fn window(planned: &Value, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let start = planned.text("start_date").and_then(date::read).unwrap_or(now);
    let end = planned
        .text("end_date")
        .and_then(date::read)
        .or_else(|| Some(date::later(start, date::duration(planned.text("duration")?).ok()?)));
    Some((start, end?))
}

async fn lacking(
    scope: &Scope<'_>,
    (region, now): (&str, Timestamp),
    (planned, part, own): (&Value, &Part, Option<&str>),
    window: (Timestamp, Timestamp),
) -> Option<Diagnostic> {
    let calendar = Calendar::read(scope.session, region, Pool::of(part.kind)?).await.ok()?;
    let conditions = room::conditions(part)?;
    let project = scope.session.who().await.ok().and_then(|(project, _)| project);
    let ask = Ask {
        conditions: &conditions,
        cleaning: rules::of(region).map_or(SignedDuration::ZERO, rules::Rules::cleaning),
        except: own.into_iter().map(str::to_owned).collect(),
        project: project.as_deref(),
    };
    if let Some(own) = own {
        let held = calendar.held_by(own);
        let blocked = held.iter().filter(|thing| thing.taken_in(&ask, window).next().is_some());
        let blocked: Vec<String> = blocked.map(|thing| thing.id.clone()).collect();
        let shortage = Shortage { wanted: blocked.len(), window, extended: Some(blocked) };
        return (shortage.wanted > 0).then(|| {
            shortage.told(&calendar, &ask, (&BTreeSet::new(), zone(planned).as_ref()), now)
        });
    }
    let wanted = usize::try_from(part.amount().0).unwrap_or(1);
    if calendar.free(&ask, window).len() >= wanted {
        return None;
    }
    let shortage = Shortage { wanted, window, extended: None };
    // Nothing was made: it is an error, whoever is in the way.
    let none = BTreeSet::new();
    Some(shortage.told(&calendar, &ask, (&none, zone(planned).as_ref()), now))
}
