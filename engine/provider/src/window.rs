//! Windows of time, and schedules of actions.

use jiff::Timestamp;

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
