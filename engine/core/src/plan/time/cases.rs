//! What the tables of cases are written with: days of March 2026, and addresses.

use jiff::{SignedDuration, Timestamp};
use terrarium_address::ResourceAddr;
use terrarium_provider::Window;

/// Returns the beginning of a day.
pub(super) fn day(day: i64) -> Timestamp {
    let first: Timestamp = "2026-03-01T00:00:00Z".parse().expect("an instant");
    first + SignedDuration::from_hours(24 * (day - 1))
}

/// Returns a window of days.
pub(super) fn window(from: i64, until: Option<i64>) -> Option<Window> {
    Window::new(day(from), until.map(day))
}

pub(super) fn addr(text: &str) -> ResourceAddr {
    text.parse().expect("an address")
}
