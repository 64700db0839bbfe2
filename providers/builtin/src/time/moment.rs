//! An instant as RFC 3339 shows it: to the second, at an offset from UTC.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// An instant and the offset at which it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    unix: i64,
    offset: Offset,
}

/// Characters of date and time: `2026-03-02T09:00:00`.
const CIVIL: usize = 19;

impl Moment {
    /// Reads RFC 3339, as strictly as Go: `T` and `Z` in capitals, an offset, a fraction of a second (dropped).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (civil, rest) = text.split_at_checked(CIVIL).ok_or("it is too short")?;
        if civil.as_bytes().get(10) != Some(&b'T') {
            return Err("date and time must be joined by a T".into());
        }
        let civil: DateTime = civil.parse().map_err(|_| "its date or time does not exist")?;
        let offset = parse_offset(skip_fraction(rest)?)?;
        let at = offset.to_timestamp(civil).map_err(|_| "it is out of range")?;
        Ok(Self { unix: at.as_second(), offset })
    }

    /// Shows an instant in UTC, without its fraction of a second.
    pub(crate) fn at(at: Timestamp) -> Self {
        let nanoseconds = i64::from(at.subsec_nanosecond());
        let unix = if nanoseconds < 0 { at.as_second() - 1 } else { at.as_second() };
        Self { unix, offset: Offset::UTC }
    }

    /// Returns seconds since 1970.
    pub(crate) fn unix(&self) -> i64 {
        self.unix
    }

    /// Returns date and time at its offset.
    pub(crate) fn civil(&self) -> DateTime {
        let at = Timestamp::from_second(self.unix).unwrap_or_default();
        self.offset.to_datetime(at)
    }

    /// Adds seconds; `None` beyond the calendar.
    pub(crate) fn plus_seconds(self, seconds: i64) -> Option<Self> {
        let unix = self.unix.checked_add(seconds)?;
        Timestamp::from_second(unix).ok()?;
        Some(Self { unix, ..self })
    }

    /// Adds months as Go does: 31 January and one month is 3 March (2 March in a leap year).
    pub(crate) fn plus_months(self, months: i64) -> Option<Self> {
        let civil = self.civil();
        let month = i64::from(civil.month()) - 1 + months;
        let year = i64::from(civil.year()).checked_add(month.div_euclid(12))?;
        let first =
            Date::new(i16::try_from(year).ok()?, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1)
                .ok()?;
        let start = self.offset.to_timestamp(first.to_datetime(civil.time())).ok()?;
        Self { unix: start.as_second(), ..self }.plus_seconds((i64::from(civil.day()) - 1) * 86_400)
    }
}

/// Prints RFC 3339 as Go does: `Z` at an offset of zero.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.civil();
        write!(f, "{:04}-{:02}-{:02}T", at.year(), at.month(), at.day())?;
        write!(f, "{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())?;
        let minutes = self.offset.seconds() / 60;
        if minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

fn skip_fraction(rest: &str) -> Result<&str, String> {
    let Some(fraction) = rest.strip_prefix('.') else { return Ok(rest) };
    let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    if after.len() == fraction.len() {
        Err("its fraction of a second has no digits".into())
    } else {
        Ok(after)
    }
}

fn parse_offset(text: &str) -> Result<Offset, String> {
    const WRONG: &str = "it must end in Z or an offset such as -05:00";
    let sign = match text.as_bytes() {
        b"Z" => return Ok(Offset::UTC),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return Err(WRONG.into()),
    };
    let number = |range: std::ops::Range<usize>| -> Option<i32> {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (Some(hours @ 0..=23), Some(minutes @ 0..=59)) = (number(1..3), number(4..6)) else {
        return Err(WRONG.into());
    };
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).map_err(|_| WRONG.into())
}

#[cfg(test)]
mod tests {
    use super::Moment;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn text_and_moment_are_inverse() {
        for text in
            ["2026-03-02T09:00:00Z", "2026-12-31T23:59:59-05:00", "1969-07-20T20:17:40+05:30"]
        {
            assert_eq!(moment(text).to_string(), text);
        }
        assert_eq!(moment("2026-03-02T09:00:00.25Z").to_string(), "2026-03-02T09:00:00Z");
        assert_eq!(moment("2026-03-02T09:00:00+00:00").to_string(), "2026-03-02T09:00:00Z");
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "2026-03-02",
            "2026-03-02 09:00:00Z",
            "2026-02-30T09:00:00Z",
            "2026-03-02T09:00:00",
            "2026-03-02T09:00:00z",
            "2026-03-02T09:00:00.Z",
            "2026-03-02T09:00:00+5:00",
            "2026-03-02T09:00:00+25:00",
            "2026-03-02T09:00:00Zx",
            "2026-03-02T0é:00:00Z",
        ] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn months_overflow_into_days() {
        for (from, months, to) in [
            ("2025-01-31T10:00:00Z", 1, "2025-03-03T10:00:00Z"),
            ("2024-01-31T10:00:00Z", 1, "2024-03-02T10:00:00Z"),
            ("2024-02-29T00:00:00-05:00", 12, "2025-03-01T00:00:00-05:00"),
            ("2025-01-15T10:00:00Z", -1, "2024-12-15T10:00:00Z"),
            ("2025-12-15T10:00:00Z", 13, "2027-01-15T10:00:00Z"),
        ] {
            assert_eq!(moment(from).plus_months(months), Some(moment(to)), "{from} + {months}");
        }
        assert_eq!(moment("2025-01-31T10:00:00Z").plus_months(i64::from(i32::MAX)), None);
        assert_eq!(moment("2025-01-31T10:00:00Z").plus_seconds(i64::MAX), None);
    }
}
