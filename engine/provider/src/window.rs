//! Windows of time, and schedules of actions.

use jiff::Timestamp;
use terrarium_address::Name;

/// `[from, until)` in UTC. Invariant: `from < until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Window {
    /// Builds a window; `None` where it would be empty.
    pub fn new(from: Timestamp, until: Option<Timestamp>) -> Option<Self> {
        if until.is_some_and(|until| until <= from) { None } else { Some(Self { from, until }) }
    }

    /// Returns the first instant.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Returns the first instant after it; `None` for a window without an end.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Returns whether the instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Returns the part that lies in both; `None` where they never overlap.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self::new(self.from.max(other.from), until)
    }
}

/// How an object stands in its window, as its service says: the time is an estimate, this is the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// What it lends can be used.
    #[default]
    Open,
    /// It exists at its service, but what it lends can't be used yet.
    Upcoming,
    /// It ended as was expected, at this instant; what sat on it ended with it.
    Ended(Timestamp),
}

/// The term of an object: its window, how it stands, and in whose time it was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// When it exists, or lends what it lends.
    pub window: Window,
    /// How it stands.
    pub standing: Standing,
    /// IANA name of the time zone that its dates were declared in; `None`: UTC.
    pub zone: Option<Name>,
    /// Values that it lends and that nothing stands behind: what was reserved failed, and nothing took its place.
    pub lacks: Vec<Name>,
}

/// What something costs at a testbed, in thousandths of its unit (Chameleon's service unit: `SU`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// For the whole window.
    pub total_milli: u64,
    /// For each hour.
    pub hourly_milli: u64,
    /// The unit's name: `SU`.
    pub unit: Name,
}

/// Something outside the configuration that lends what a value names: a lease whose reservation id was
/// pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lender {
    /// In words: `the lease "course-vms" (b3f5c1de-…)`.
    pub label: String,
    /// Its term.
    pub term: Term,
}

/// When an action may be carried out; without bounds: now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Not before this instant.
    pub not_before: Option<Timestamp>,
    /// Not at or after this instant.
    pub not_after: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, until: Option<i64>) -> Option<Window> {
        let at = |second| Timestamp::from_second(second).unwrap();
        Window::new(at(from), until.map(at))
    }

    #[test]
    fn windows_are_half_open_and_never_empty() {
        assert_eq!(window(5, Some(5)), None);
        let one = window(0, Some(10)).unwrap();
        assert!(one.contains(one.from()) && !one.contains(one.until().unwrap()));
        assert_eq!(one.intersect(&window(10, None).unwrap()), None);
        assert_eq!(one.intersect(&window(3, None).unwrap()), window(3, Some(10)));
    }
}
