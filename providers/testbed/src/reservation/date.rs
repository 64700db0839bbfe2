//! Dates as Blazar reads and writes them: UTC, without saying so.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use crate::reply::{Outcome, no};

const FORMAT: &str = "%Y-%m-%d %H:%M";

/// Reads the date of a request: a minute in UTC, or `now`, which is the present minute.
pub(crate) fn read(text: &str, now: Timestamp) -> Outcome<Timestamp> {
    if text == "now" {
        return Ok(minute(now));
    }
    let parsed = DateTime::strptime(FORMAT, text).ok();
    let instant = parsed.and_then(|at| TimeZone::UTC.to_timestamp(at).ok());
    instant.ok_or_else(|| no(400, format!("{text} is an invalid date. Required format: {FORMAT}")))
}

/// Returns the beginning of an instant's minute.
pub(crate) fn minute(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(at)
}

/// Returns an instant as dates of leases and events show it.
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000000").to_string()
}

/// Returns an instant as `created_at` and `updated_at` show it.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns what may not have happened yet, as `updated_at` shows it.
pub(crate) fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(stamp(at)))
}
