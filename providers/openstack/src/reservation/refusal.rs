//! What is said when a lease can't be had.

use serde_json::Value as Json;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use super::part::Part;
use super::{date, errors, looks};
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
    let _ = (planned, parts, own);
    let summary = format!("Error creating {}: {}", scope.row.name, error.message());
    error.diagnostic(summary).help(errors::help(error).unwrap_or_default()).into()
}
