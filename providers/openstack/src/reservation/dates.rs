//! The dates that a configuration declares, and what they mean for a lease that exists or not.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use terrarium_address::AttrPath;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use super::date::{self, Moment};
use crate::codes;
use crate::look::Look;

/// A date of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Not given.
    Unset,
    /// Given by something that is not known yet, or wrong (which is said elsewhere).
    Unknown,
    /// Given.
    At(Moment),
}

/// How the end is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not known yet, or wrong.
    Unknown,
    /// As a date.
    At(Timestamp),
    /// As a duration from the start.
    After(SignedDuration),
}

/// What a configuration says of time.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// Name of the time zone.
    pub(super) zone_name: Option<String>,
    /// The time zone.
    pub(super) zone: Option<TimeZone>,
    /// The start.
    pub(super) start: Given,
    /// The end.
    pub(super) end: End,
    /// When the reminder before the end is due.
    pub(super) before_end: Given,
    /// Dates that were read as UTC because nothing said otherwise, by argument.
    pub(super) zoneless: Vec<(&'static str, Timestamp)>,
}

/// Reads what a configuration says of time; what is wrong with it goes to `diagnostics`.
pub(super) fn declared(config: &Value, diagnostics: &mut Diagnostics) -> Declared {
    let zone_name = config.text("time_zone").map(str::to_owned);
    let zone = zone_name.as_deref().and_then(|name| zone(name, diagnostics));
    let open = config.get("time_zone").is_some_and(|value| !value.is_known())
        || (zone_name.is_some() && zone.is_none());
    let mut zoneless = Vec::new();
    let mut given = |name: &'static str| match config.get(name) {
        Some(value) if !value.is_known() => Given::Unknown,
        _ => match config.text(name) {
            None => Given::Unset,
            Some(text) => match date::parse(text, zone.as_ref()) {
                Ok(written) if written.zoneless && open => Given::Unknown,
                Ok(written) => {
                    if let (true, Moment::At(at)) = (written.zoneless, written.moment) {
                        zoneless.push((name, at));
                    }
                    Given::At(written.moment)
                }
                Err(why) => {
                    diagnostics.push(wrong(name, format!("{name} can't be read"), why));
                    Given::Unknown
                }
            },
        },
    };
    let (start, before_end, end) =
        (given("start_date"), given("before_end_date"), given("end_date"));
    let end = match end {
        Given::At(Moment::At(at)) => End::At(at),
        Given::At(Moment::Now) => {
            let why = "A lease that ends when it is made is none.";
            diagnostics.push(wrong("end_date", "end_date can't be now".into(), why.into()));
            End::Unknown
        }
        Given::Unknown => End::Unknown,
        Given::Unset => length(config, diagnostics),
    };
    Declared { zone_name, zone, start, end, before_end, zoneless }
}

fn length(config: &Value, diagnostics: &mut Diagnostics) -> End {
    match config.text("duration").map(date::duration) {
        Some(Ok(duration)) => End::After(duration),
        Some(Err(why)) => {
            diagnostics.push(wrong("duration", "duration can't be read".into(), why));
            End::Unknown
        }
        None => End::Unknown,
    }
}

fn zone(name: &str, diagnostics: &mut Diagnostics) -> Option<TimeZone> {
    let found = TimeZone::get(name).ok();
    if found.is_none() {
        let why =
            "It must be a name of the IANA database, such as America/New_York or Europe/Berlin.";
        diagnostics.push(wrong("time_zone", format!("There is no time zone {name:?}"), why.into()));
    }
    found
}

fn wrong(name: &str, summary: String, why: String) -> Diagnostic {
    Diagnostic::error(codes::TIME, summary).detail(why).path(AttrPath::attr(name))
}

/// When a lease begins, as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Not known yet.
    Unknown,
    /// When it is made, or changed.
    Now,
    /// At an instant that lies ahead.
    At(Timestamp),
}

impl Start {
    /// Returns the instant; `now` for now.
    pub(super) fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Unknown => None,
            Self::Now => Some(now),
            Self::At(at) => Some(at),
        }
    }
}

/// The dates of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dates {
    /// The start.
    pub(super) start: Start,
    /// The end, as far as it is known.
    pub(super) end: Option<Timestamp>,
    /// Whether the end is the same whenever the start turns out to be.
    pub(super) fixed_end: bool,
    /// Whether the declared start has passed, so that it begins now instead.
    pub(super) late: bool,
}

impl Declared {
    /// Returns the dates of a lease that is to be made.
    pub(super) fn anew(&self, now: Timestamp) -> Dates {
        let (start, late) = match self.start {
            Given::Unknown => (Start::Unknown, false),
            Given::Unset | Given::At(Moment::Now) => (Start::Now, false),
            Given::At(Moment::At(at)) if at <= now => (Start::Now, at < now),
            Given::At(Moment::At(at)) => (Start::At(at), false),
        };
        // A duration counts from the declared start, so that a late lease ends when it was to end.
        let base = match self.start {
            Given::At(Moment::At(at)) => Some(at),
            _ => start.at(now),
        };
        let end = self.end_from(base);
        let fixed_end = matches!(self.end, End::At(_))
            || matches!(self.start, Given::At(Moment::At(_))) && end.is_some();
        Dates { start, end, fixed_end, late }
    }

    /// Returns the end that is wanted of a lease which began, or begins, at `start`.
    pub(super) fn end_of(&self, start: Timestamp) -> Option<Timestamp> {
        self.end_from(Some(match self.start {
            Given::At(Moment::At(at)) => at,
            _ => start,
        }))
    }

    fn end_from(&self, start: Option<Timestamp>) -> Option<Timestamp> {
        match self.end {
            End::Unknown => None,
            End::At(at) => Some(at),
            End::After(length) => start.map(|start| date::later(start, length)),
        }
    }

    /// Returns an instant as the user is shown it.
    pub(super) fn shown(&self, at: Timestamp) -> String {
        date::shown(at, self.zone.as_ref())
    }
}
