//! Dates of leases: as users write them, as Blazar does, as the state keeps them, and as everybody is
//! shown them.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Seconds of a minute: Blazar knows nothing finer.
const MINUTE: i64 = 60;

/// Longest duration that is read: ten years, so that no sum overflows.
const LONGEST_S: i64 = 10 * 366 * 86_400;

/// A date as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// `now`: when the lease is made.
    Now,
    /// An instant, cut to its minute.
    At(Timestamp),
}

/// What was read of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The moment.
    pub(super) moment: Moment,
    /// Whether nothing said its time zone, so that it was read as UTC.
    pub(super) zoneless: bool,
}

/// Reads a date: `now`, RFC 3339 with an offset, or a local time in `zone`; errors are sentences.
pub(super) fn parse(text: &str, zone: Option<&TimeZone>) -> Result<Written, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Ok(Written { moment: Moment::Now, zoneless: false });
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Written { moment: Moment::At(minute(at)), zoneless: false });
    }
    let local = text.parse::<DateTime>().ok().filter(|_| text.contains(':'));
    let local = local.ok_or_else(|| {
        format!(
            "{text:?} is no date: write \"now\", \"2026-03-02 09:00\", or RFC 3339 with an offset such as \
             \"2026-03-02T09:00-05:00\"."
        )
    })?;
    let at = match zone {
        Some(zone) => instant(local, zone)?,
        None => TimeZone::UTC.to_timestamp(local).map_err(|error| format!("{text:?}: {error}."))?,
    };
    Ok(Written { moment: Moment::At(minute(at)), zoneless: zone.is_none() })
}

/// Returns the instant of a local time; one that does not exist, or exists twice, is an error that
/// names both instants it could be.
fn instant(local: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let (before, after, what) = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => {
            return ambiguous.compatible().map_err(|error| format!("{local}: {error}."));
        }
        AmbiguousOffset::Gap { before, after } => {
            (before, after, "does not exist: clocks are put forward over it")
        }
        AmbiguousOffset::Fold { before, after } => {
            (before, after, "exists twice: clocks are put back over it")
        }
    };
    let mut both: Vec<Timestamp> =
        [before, after].iter().filter_map(|offset| offset.to_timestamp(local).ok()).collect();
    both.sort();
    let both: Vec<String> = both.iter().map(|at| with_offset(*at, zone)).collect();
    let named = zone.iana_name().unwrap_or("this time zone");
    let local = local.strftime("%Y-%m-%d %H:%M");
    Err(format!("{local} {what} in {named}. Write {}.", both.join(" or ")))
}

/// Returns an instant as it can be written into a configuration, whatever its time zone: local, with the
/// offset.
pub(super) fn written(at: Timestamp, zone: Option<&TimeZone>) -> String {
    zone.map_or_else(|| stored(at), |zone| with_offset(at, zone))
}

fn with_offset(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string()
}

/// Reads a duration: whole numbers of `w`, `d`, `h`, `m` and `s`, biggest first or not: `7d`, `1h30m`.
/// A day is 24 h.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let bad = || format!("{text:?} is no duration: write \"6h\", \"1h30m\", \"7d\" or \"2w\".");
    let mut total: i64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (digits, after) = rest.split_at(end);
        let number: i64 = digits.parse().map_err(|_| bad())?;
        let mut chars = after.chars();
        let unit = match chars.next() {
            Some('s') => 1,
            Some('m') => MINUTE,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            _ => return Err(bad()),
        };
        total = number.checked_mul(unit).and_then(|s| total.checked_add(s)).ok_or_else(bad)?;
        rest = chars.as_str();
    }
    if total > LONGEST_S {
        return Err(format!("{text:?} is longer than ten years."));
    }
    if total < MINUTE || total % MINUTE != 0 {
        return Err(format!("{text:?} is not a positive number of whole minutes."));
    }
    Ok(SignedDuration::from_secs(total))
}

/// Cuts an instant to its minute.
pub(super) fn minute(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(MINUTE)).unwrap_or(at)
}

/// Returns an instant later by a duration; the end of time where there is none.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Returns an instant earlier by a duration.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// Returns an instant as the state keeps it: RFC 3339 in UTC.
pub(super) fn stored(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns an instant as Blazar's requests have it: UTC, without saying so.
pub(super) fn blazar(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Reads a date of the state or of a reply of Blazar, which means UTC and does not say so.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<DateTime>().ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// Returns an instant as everybody is shown it: local time beside UTC.
pub(super) fn shown(at: Timestamp, zone: Option<&TimeZone>) -> String {
    let utc = at.to_zoned_datetime(TimeZone::UTC);
    let Some(zone) = zone.filter(|zone| **zone != TimeZone::UTC) else {
        return utc.strftime("%Y-%m-%d %H:%M UTC").to_string();
    };
    let local = at.to_zoned_datetime(zone.clone());
    let same_day = local.date() == utc.date();
    let utc = utc.strftime(if same_day { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" });
    format!("{} ({utc})", local.strftime("%Y-%m-%d %H:%M %Z"))
}

/// Returns a duration in words: `2 d 3 h`, `45 min`.
pub(super) fn span(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    let parts = [(minutes / 1_440, "d"), (minutes / 60 % 24, "h"), (minutes % 60, "min")];
    let words: Vec<String> =
        parts.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if words.is_empty() { "less than a minute".into() } else { words.join(" ") }
}

#[cfg(test)]
mod tests;
