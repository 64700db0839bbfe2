//! Instants as people read them: the local time of the course first, UTC beside it.
//!
//! The one place that formats them. An instant of another year shows its year; a zone that is UTC anyway
//! is not said twice.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use terrarium_core::Plan;

/// In whose time instants are shown, and which year goes without saying.
#[derive(Clone, Debug)]
pub struct Times {
    zone: TimeZone,
    year: i16,
}

impl Times {
    /// Shows instants in a zone; those of the year of `now` without it.
    pub fn new(zone: TimeZone, now: Timestamp) -> Self {
        let year = zone.to_datetime(now).year();
        Self { zone, year }
    }

    /// Shows the instants of a plan: in the zone that its dates were declared in, else in the user's.
    pub fn of_plan(plan: &Plan, user: &TimeZone) -> Self {
        Self::declared(plan.zone.as_deref(), user, plan.at)
    }

    /// Shows instants in the zone that dates were declared in, where it is known; else in the user's.
    pub fn declared(zone: Option<&str>, user: &TimeZone, now: Timestamp) -> Self {
        let declared = zone.and_then(|name| TimeZone::get(name).ok());
        Self::new(declared.unwrap_or_else(|| user.clone()), now)
    }

    /// Returns the same, for an object whose dates were declared in a zone of their own.
    #[must_use]
    pub fn in_zone(&self, zone: Option<&str>) -> Self {
        match zone.and_then(|name| TimeZone::get(name).ok()) {
            Some(zone) => Self { zone, year: self.year },
            None => self.clone(),
        }
    }

    /// Returns local time and UTC: `8 Mar 09:00 EST (14:00 UTC)`.
    pub fn both(&self, at: Timestamp) -> String {
        let (local, utc) = (self.zoned(at), TimeZone::UTC.to_datetime(at));
        let beside = if self.is_utc(at) {
            String::new()
        } else if local.date() == utc.date() {
            format!(" ({} UTC)", utc.strftime("%H:%M"))
        } else {
            format!(" ({} UTC)", utc.strftime("%-d %b %H:%M"))
        };
        format!("{}{beside}", self.local(at))
    }

    /// Returns local time alone: `8 Mar 09:00 EST`.
    pub fn local(&self, at: Timestamp) -> String {
        let local = self.zoned(at);
        format!("{} {} {}", self.date(at), local.strftime("%H:%M"), self.abbreviation(at))
    }

    /// Returns the local date: `8 Mar`, `8 Mar 2027`.
    pub fn date(&self, at: Timestamp) -> String {
        let local = self.zoned(at);
        let pattern = if local.year() == self.year { "%-d %b" } else { "%-d %b %Y" };
        local.strftime(pattern).to_string()
    }

    /// Returns local date and time without the zone's name: `8 Mar 09:00`.
    pub fn bare(&self, at: Timestamp) -> String {
        format!("{} {}", self.date(at), self.zoned(at).strftime("%H:%M"))
    }

    /// Returns two local times, without saying twice what they share: `8 Mar 09:00 – 17:00 EST`.
    pub fn range(&self, from: Timestamp, until: Timestamp) -> String {
        let same_zone = self.abbreviation(from) == self.abbreviation(until);
        let first = if same_zone { self.bare(from) } else { self.local(from) };
        let last = if same_zone && self.date(from) == self.date(until) {
            let clock = self.zoned(until).strftime("%H:%M").to_string();
            format!("{clock} {}", self.abbreviation(until))
        } else {
            self.local(until)
        };
        format!("{first} – {last}")
    }

    /// Returns UTC alone: `8 Mar 14:00 UTC`.
    pub fn utc(&self, at: Timestamp) -> String {
        Self { zone: TimeZone::UTC, year: self.year }.local(at)
    }

    /// Returns the local date and time.
    pub fn zoned(&self, at: Timestamp) -> ZonedDateTime {
        at.to_zoned_datetime(self.zone.clone())
    }

    /// Returns whether local time is UTC at this instant.
    pub fn is_utc(&self, at: Timestamp) -> bool {
        self.zone.to_offset(at).seconds() == 0 && self.abbreviation(at) == "UTC"
    }

    /// Returns what the zone calls its time: `EST`; `UTC-3` where it has no name for it.
    pub fn abbreviation(&self, at: Timestamp) -> String {
        let info = self.zone.to_offset_info(at);
        let name = info.abbreviation();
        match name.strip_prefix(['+', '-']) {
            None => name.to_owned(),
            Some(digits) => {
                let sign = &name[..1];
                let digits = digits.strip_prefix('0').unwrap_or(digits);
                format!("UTC{sign}{digits}")
            }
        }
    }

    /// Returns the zone's IANA name, where it has one.
    pub fn zone_name(&self) -> Option<&str> {
        self.zone.iana_name()
    }
}

/// Returns how long something takes, in at most two units: `7 d`, `2 d 4 h`, `3 h 20 min`.
pub fn duration(from: Timestamp, until: Timestamp) -> String {
    let minutes = until.duration_since(from).as_mins().max(0);
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        (0, 0, rest) => format!("{rest} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, rest) => format!("{hours} h {rest} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn times(zone: &str) -> Times {
        Times::new(TimeZone::get(zone).unwrap(), at("2025-03-01T12:00:00Z"))
    }

    #[test]
    fn local_time_stands_before_utc() {
        for (zone, instant, both) in [
            ("America/New_York", "2025-03-08T14:00:00Z", "8 Mar 09:00 EST (14:00 UTC)"),
            ("America/New_York", "2025-03-09T13:00:00Z", "9 Mar 09:00 EDT (13:00 UTC)"),
            ("America/New_York", "2025-03-09T02:30:00Z", "8 Mar 21:30 EST (9 Mar 02:30 UTC)"),
            ("America/New_York", "2026-01-08T14:00:00Z", "8 Jan 2026 09:00 EST (14:00 UTC)"),
            ("America/Sao_Paulo", "2025-03-08T14:00:00Z", "8 Mar 11:00 UTC-3 (14:00 UTC)"),
            ("Asia/Kolkata", "2025-03-08T14:00:00Z", "8 Mar 19:30 IST (14:00 UTC)"),
            ("Europe/London", "2025-03-08T14:00:00Z", "8 Mar 14:00 GMT (14:00 UTC)"),
            ("UTC", "2025-03-08T14:00:00Z", "8 Mar 14:00 UTC"),
        ] {
            assert_eq!(times(zone).both(at(instant)), both, "{zone} {instant}");
        }
    }

    #[test]
    fn the_declared_zone_wins_over_the_users() {
        let user = TimeZone::get("Europe/Berlin").unwrap();
        let now = at("2025-03-01T12:00:00Z");
        let start = at("2025-03-08T14:00:00Z");
        let declared = Times::declared(Some("America/Chicago"), &user, now);
        assert_eq!(declared.local(start), "8 Mar 08:00 CST");
        assert_eq!(Times::declared(None, &user, now).local(start), "8 Mar 15:00 CET");
        assert_eq!(Times::declared(Some("Nowhere"), &user, now).local(start), "8 Mar 15:00 CET");
    }

    #[test]
    fn a_range_says_nothing_twice() {
        let range = |from, until| times("America/New_York").range(at(from), at(until));
        let start = "2025-03-08T14:00:00Z";
        assert_eq!(range(start, "2025-03-08T22:00:00Z"), "8 Mar 09:00 – 17:00 EST");
        assert_eq!(range(start, "2025-03-09T06:30:00Z"), "8 Mar 09:00 – 9 Mar 01:30 EST");
        assert_eq!(range(start, "2025-03-15T13:00:00Z"), "8 Mar 09:00 EST – 15 Mar 09:00 EDT");
    }

    #[test]
    fn durations_take_two_units_at_most() {
        for (until, text) in [
            ("2025-03-01T00:20:00Z", "20 min"),
            ("2025-03-01T03:00:00Z", "3 h"),
            ("2025-03-01T03:20:00Z", "3 h 20 min"),
            ("2025-03-08T00:00:00Z", "7 d"),
            ("2025-03-03T04:59:00Z", "2 d 4 h"),
        ] {
            assert_eq!(duration(at("2025-03-01T00:00:00Z"), at(until)), text);
        }
    }
}
