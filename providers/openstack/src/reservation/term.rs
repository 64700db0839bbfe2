//! What a lease's own words say of its term.

use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_address::Name;
use terrarium_provider::{Standing, Term, Window};

use super::date;
use super::looks::{HELD, number};
use crate::look::{elements, field};

/// How a lease is, beyond its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It has not begun.
    Upcoming,
    /// What it lends can be used.
    Open,
    /// It ended when it was to end.
    Ended,
    /// It ended before its time.
    EndedEarly,
    /// The service could not start, change or end it.
    Failed,
}

/// Returns how a lease is.
pub(super) fn condition(
    status: &str,
    start: Timestamp,
    end: Timestamp,
    now: Timestamp,
) -> Condition {
    match status {
        "ACTIVE" => Condition::Open,
        "ERROR" => Condition::Failed,
        "TERMINATED" | "TERMINATING" if now >= end => Condition::Ended,
        "TERMINATED" => Condition::EndedEarly,
        // Between two states it is what it was.
        "UPDATING" | "TERMINATING" | "DELETING" if now >= start => Condition::Open,
        _ => Condition::Upcoming,
    }
}

/// Returns the dates of a lease as Blazar shows it.
pub(super) fn dates(lease: &Json) -> Option<(Timestamp, Timestamp)> {
    Some((date::read(field(lease, "start_date"))?, date::read(field(lease, "end_date"))?))
}

/// Returns the window of a lease.
pub(super) fn window(lease: &Json) -> Option<Window> {
    let (start, end) = dates(lease)?;
    Window::new(start, Some(end))
}

/// Returns the term of a lease; `None` where it has failed or ended early, which is no term.
pub(super) fn term(lease: &Json, zone: Option<&str>, now: Timestamp) -> Option<Term> {
    let (start, end) = dates(lease)?;
    let standing = match condition(field(lease, "status"), start, end, now) {
        Condition::Upcoming => Standing::Upcoming,
        Condition::Open => Standing::Open,
        Condition::Ended => Standing::Ended(end),
        Condition::EndedEarly | Condition::Failed => return None,
    };
    let window = Window::new(start, Some(end))?;
    Some(Term { window, standing, zone: zone.map(Into::into), lacks: lacks(lease) })
}

/// Returns what a lease lends and that nothing stands behind: what a reservation held failed, and Blazar found no other. Of
/// several the rest is still there, and nobody but the calendar knows how many.
fn lacks(lease: &Json) -> Vec<Name> {
    let lacks = |one: &&Json| {
        let most = number(one, "max").or_else(|| number(one, "amount")).unwrap_or(1);
        let none = number(one, HELD).map_or(most <= 1, |held| held == 0);
        one.get("missing_resources").and_then(Json::as_bool) == Some(true) && none
    };
    let reservations = elements(lease, "reservations").iter().filter(lacks);
    // A reserved flavor goes by its id and by its name.
    let names = |one: &Json| {
        let id = field(one, "id");
        [Name::from(id), Name::from(format!("reservation:{id}"))]
    };
    reservations.flat_map(names).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_the_hour_makes_of_it() {
        use Condition::{Ended, EndedEarly, Failed, Open, Upcoming};
        let at = |second| Timestamp::from_second(second).unwrap();
        for (status, now, expected) in [
            ("PENDING", 5, Upcoming),
            ("PENDING", 15, Upcoming),
            ("STARTING", 10, Upcoming),
            ("ACTIVE", 15, Open),
            ("UPDATING", 5, Upcoming),
            ("UPDATING", 15, Open),
            ("TERMINATED", 15, EndedEarly),
            ("TERMINATED", 20, Ended),
            ("TERMINATING", 15, Open),
            ("ERROR", 15, Failed),
        ] {
            assert_eq!(condition(status, at(10), at(20), at(now)), expected, "{status} at {now}");
        }
    }
}
