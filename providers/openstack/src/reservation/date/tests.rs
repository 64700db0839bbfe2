//! Dates and durations, in tables and as laws.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

#[test]
fn dates_are_read_in_their_zone() {
    let york = zone("America/New_York");
    for (text, in_zone, expected) in [
        ("2026-03-02 09:00", true, "2026-03-02T14:00:00Z"),
        ("2026-03-02 09:00", false, "2026-03-02T09:00:00Z"),
        ("2026-03-02T09:00:59", true, "2026-03-02T14:00:00Z"),
        ("2026-03-02T09:00-05:00", false, "2026-03-02T14:00:00Z"),
        ("2026-03-02T14:00Z", true, "2026-03-02T14:00:00Z"),
        ("2026-07-02 09:00", true, "2026-07-02T13:00:00Z"),
    ] {
        let written = parse(text, in_zone.then_some(&york)).unwrap();
        assert_eq!(written.moment, Moment::At(at(expected)), "{text}");
    }
    assert_eq!(parse("now", None).unwrap().moment, Moment::Now);
    for text in ["2026-03-02", "tomorrow", "", "2026-13-01 09:00", "09:00"] {
        assert!(parse(text, None).is_err(), "{text}");
    }
}

#[test]
fn what_does_not_exist_or_exists_twice_is_named_twice() {
    let york = zone("America/New_York");
    for (text, expected) in [
        (
            "2026-03-08 02:30",
            "2026-03-08 02:30 does not exist: clocks are put forward over it in America/New_York. Write \
             2026-03-08T01:30-05:00 or 2026-03-08T03:30-04:00.",
        ),
        (
            "2026-11-01 01:30",
            "2026-11-01 01:30 exists twice: clocks are put back over it in America/New_York. Write \
             2026-11-01T01:30-04:00 or 2026-11-01T01:30-05:00.",
        ),
    ] {
        assert_eq!(parse(text, Some(&york)).unwrap_err(), expected);
    }
}

#[test]
fn durations_are_whole_minutes() {
    for (text, hours) in [("6h", 6), ("7d", 168), ("2w", 336), ("90m30m", 2), ("3600s", 1)] {
        assert_eq!(duration(text), Ok(SignedDuration::from_hours(hours)), "{text}");
    }
    for text in ["", "h", "6", "1.5h", "90s", "-1h", "6 h", "99999999999999999999h", "999w", "0h"] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn local_time_stands_beside_utc() {
    let york = zone("America/New_York");
    let shown = |text: &str, zone: Option<&TimeZone>| super::shown(at(text), zone);
    assert_eq!(shown("2026-03-02T14:00Z", Some(&york)), "2026-03-02 09:00 EST (14:00 UTC)");
    assert_eq!(
        shown("2026-03-03T02:00Z", Some(&york)),
        "2026-03-02 21:00 EST (2026-03-03 02:00 UTC)"
    );
    assert_eq!(shown("2026-03-02T14:00Z", None), "2026-03-02 14:00 UTC");
    assert_eq!(read("2026-03-02T14:00:00.000000"), Some(at("2026-03-02T14:00Z")));
    assert_eq!(blazar(at("2026-03-02T14:00Z")), "2026-03-02 14:00");
}

const ZONES: &[&str] = &[
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];

proptest! {
    /// A local time is read as the one instant that shows it, or refused where there is none or two.
    #[test]
    fn a_local_time_means_the_instant_that_shows_it(
        minute in 0i64..20 * 366 * 24 * 60,
        name in prop::sample::select(ZONES),
    ) {
        let zone = zone(name);
        let base: DateTime = "2016-01-01T00:00".parse().unwrap();
        let local = base.checked_add(SignedDuration::from_mins(minute)).unwrap();
        let text = local.strftime("%Y-%m-%d %H:%M").to_string();
        // All instants around it, asked one by one: the slow way to know.
        let around = TimeZone::UTC.to_timestamp(local).unwrap();
        let shows: Vec<Timestamp> = (-15 * 4..=15 * 4)
            .map(|quarter| later(around, SignedDuration::from_mins(quarter * 15)))
            .filter(|at| at.to_zoned_datetime(zone.clone()).datetime() == local)
            .collect();
        match (parse(&text, Some(&zone)), shows.as_slice()) {
            (Ok(written), [one]) => prop_assert_eq!(written.moment, Moment::At(*one)),
            (Err(why), []) => prop_assert!(why.contains("does not exist"), "{why}"),
            (Err(why), [_, _]) => prop_assert!(why.contains("exists twice"), "{why}"),
            (read, shows) => prop_assert!(false, "{text} in {name}: {read:?}, {shows:?}"),
        }
    }

    /// An instant written with its offset, or in UTC, is read back as itself in any zone.
    #[test]
    fn what_has_an_offset_is_the_same_everywhere(
        second in 1_000_000_000i64..3_000_000_000,
        name in prop::sample::select(ZONES),
    ) {
        let at = minute(Timestamp::from_second(second).unwrap());
        let zone = zone(name);
        for text in [stored(at), with_offset(at, &zone)] {
            prop_assert_eq!(parse(&text, Some(&zone)).unwrap().moment, Moment::At(at));
        }
        prop_assert_eq!(read(&stored(at)), Some(at));
    }
}
