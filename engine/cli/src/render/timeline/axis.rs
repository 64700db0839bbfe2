//! The axis of time: which part of it is shown, and where its ticks stand.
//!
//! Ticks stand at local hours, midnights, Mondays and first days of a month, never at multiples of
//! seconds: a day in which the clocks change has 23 or 25 hours, and its midnights stay midnights.

use jiff::civil::{Date, Time, Weekday};
use jiff::{SignedDuration, Span, Timestamp};
use terrarium_core::Timeline;

use crate::render::instant::Times;

/// A part of time, laid out from 0 to 1.
pub(super) struct Axis {
    from: Timestamp,
    until: Timestamp,
    /// The ticks, in order.
    pub(super) ticks: Vec<Tick>,
}

/// A tick of the axis.
pub(super) struct Tick {
    /// Where it stands, from 0 to 1.
    pub(super) at: f64,
    /// What is written there.
    pub(super) label: String,
}

/// How far ticks are apart.
#[derive(Clone, Copy)]
enum Step {
    Hours(i8),
    Days(i16),
    Weeks(i16),
    Months(i8),
    Years(i16),
}

/// The steps that people count in, with their length in hours, roughly.
const STEPS: [(Step, i64); 15] = [
    (Step::Hours(1), 1),
    (Step::Hours(3), 3),
    (Step::Hours(6), 6),
    (Step::Hours(12), 12),
    (Step::Days(1), 24),
    (Step::Days(2), 48),
    (Step::Weeks(1), 168),
    (Step::Weeks(2), 336),
    (Step::Months(1), 730),
    (Step::Months(2), 1461),
    (Step::Months(3), 2191),
    (Step::Months(6), 4382),
    (Step::Years(1), 8766),
    (Step::Years(2), 17_532),
    (Step::Years(5), 43_830),
];

impl Axis {
    /// Lays out what a timeline tells of, with at most so many ticks; `None` where it tells of no instant.
    pub(super) fn new(timeline: &Timeline, times: &Times, most: usize) -> Option<Self> {
        let (first, last) = timeline.span()?;
        // A little air at both ends, and an hour at least, so that a single instant has a place.
        let minutes = last.duration_since(first).as_mins().max(60);
        let air = SignedDuration::from_mins((minutes / 30).max(15));
        let from = first.saturating_sub(air).unwrap_or(first);
        let until = last.saturating_add(air).unwrap_or(last);
        let mut axis = Self { from, until, ticks: Vec::new() };
        axis.ticks = axis.ticks_of(axis.step(most), times);
        Some(axis)
    }

    /// Returns where an instant stands, from 0 to 1; what lies outside stands at the end.
    pub(super) fn place(&self, at: Timestamp) -> f64 {
        let whole = self.until.duration_since(self.from).as_secs_f64();
        let part = at.duration_since(self.from).as_secs_f64();
        if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the smallest step that gives no more ticks than fit.
    fn step(&self, most: usize) -> Step {
        let hours = self.until.duration_since(self.from).as_hours();
        let most = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
        let fits = |hours_of_step: i64| hours / hours_of_step < most;
        let found = STEPS.iter().find(|(_, of_step)| fits(*of_step));
        found.map_or(Step::Years(10), |(step, _)| *step)
    }

    fn ticks_of(&self, step: Step, times: &Times) -> Vec<Tick> {
        let dates = dates(step, times.zoned(self.from).date(), times.zoned(self.until).date());
        let hours: Vec<i8> = match step {
            Step::Hours(step) => (0..24).step_by(usize::from(step.unsigned_abs())).collect(),
            _ => vec![0],
        };
        let zone = times.zoned(self.from).time_zone().clone();
        let mut found: Vec<Tick> = Vec::new();
        let mut last = None;
        for date in dates {
            for hour in &hours {
                let local = date.to_datetime(Time::constant(*hour, 0, 0, 0));
                let Ok(at) = zone.to_timestamp(local) else { continue };
                if at <= self.from || at >= self.until || last.is_some_and(|last| at <= last) {
                    continue;
                }
                last = Some(at);
                let first = found.is_empty();
                found.push(Tick { at: self.place(at), label: label(step, at, times, first) });
            }
        }
        found
    }
}

/// Lists the local dates on which ticks of a step may stand.
fn dates(step: Step, from: Date, until: Date) -> Vec<Date> {
    let (first, span) = match step {
        Step::Hours(_) => (from, Span::new().days(1)),
        // Counted from the first of the month, so that ticks stay where they are from day to day.
        Step::Days(days) => (from.first_of_month(), Span::new().days(days)),
        Step::Weeks(weeks) => {
            let back = from.weekday().since(Weekday::Monday);
            let monday = from.saturating_sub(Span::new().days(back));
            (monday, Span::new().weeks(weeks))
        }
        Step::Months(months) => (from.first_of_year(), Span::new().months(months)),
        Step::Years(years) => {
            let first = from.first_of_year();
            let back = first.year().rem_euclid(years);
            (first.saturating_sub(Span::new().years(back)), Span::new().years(years))
        }
    };
    first.series(span).take_while(|date| *date <= until).collect()
}

/// Writes what stands at a tick: a midnight is a date, another hour is an hour; the first one tells both.
fn label(step: Step, at: Timestamp, times: &Times, first: bool) -> String {
    let local = times.zoned(at);
    match step {
        Step::Hours(_) if local.hour() == 0 => times.date(at),
        Step::Hours(_) if first => times.bare(at),
        Step::Hours(_) => local.strftime("%H:%M").to_string(),
        Step::Days(_) | Step::Weeks(_) => times.date(at),
        Step::Months(_) if local.month() == 1 || first => local.strftime("%b %Y").to_string(),
        Step::Months(_) => local.strftime("%b").to_string(),
        Step::Years(_) => local.strftime("%Y").to_string(),
    }
}
