//! Chameleon's rules, as data.

use jiff::tz::TimeZone;

/// Returns the time zone of the testbed's own sites.
pub(super) fn home() -> Option<TimeZone> {
    TimeZone::get("America/Chicago").ok()
}
