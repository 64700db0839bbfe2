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

/// The steps that people count in, with their length in hours, roughly, and the letters of their labels.
const STEPS: [(Step, f64, f64); 15] = [
    (Step::Hours(1), 1.0, 5.0),
    (Step::Hours(3), 3.0, 5.0),
    (Step::Hours(6), 6.0, 6.0),
    (Step::Hours(12), 12.0, 6.0),
    (Step::Days(1), 24.0, 6.0),
    (Step::Days(2), 48.0, 6.0),
    (Step::Weeks(1), 168.0, 6.0),
    (Step::Weeks(2), 336.0, 6.0),
    (Step::Months(1), 730.5, 6.0),
    (Step::Months(2), 1461.0, 6.0),
    (Step::Months(3), 2191.5, 6.0),
    (Step::Months(6), 4383.0, 8.0),
    (Step::Years(1), 8766.0, 4.0),
    (Step::Years(2), 17_532.0, 4.0),
    (Step::Years(5), 43_830.0, 4.0),
];

impl Axis {
    /// Lays out what a timeline tells of, over the room of so many letters; `None` where it tells of no
    /// instant.
    pub(super) fn new(timeline: &Timeline, times: &Times, letters: f64) -> Option<Self> {
        let (first, last) = timeline.span()?;
        // A little air at both ends, and an hour at least, so that a single instant has a place.
        let minutes = last.duration_since(first).as_mins().max(60);
        let air = SignedDuration::from_mins((minutes / 30).max(15));
        let from = first.saturating_sub(air).unwrap_or(first);
        let until = last.saturating_add(air).unwrap_or(last);
        let mut axis = Self { from, until, ticks: Vec::new() };
        axis.ticks = axis.ticks_of(axis.step(letters), times);
        Some(axis)
    }

    /// Returns its first and its last instant.
    pub(super) fn ends(&self) -> (Timestamp, Timestamp) {
        (self.from, self.until)
    }

    /// Returns where an instant stands, from 0 to 1; what lies outside stands at the end.
    pub(super) fn place(&self, at: Timestamp) -> f64 {
        let whole = self.until.duration_since(self.from).as_secs_f64();
        let part = at.duration_since(self.from).as_secs_f64();
        if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the smallest step whose labels have room between them.
    fn step(&self, letters: f64) -> Step {
        let hours = self.until.duration_since(self.from).as_secs_f64() / 3600.0;
        let fits = |of_step: f64, label: f64| of_step / hours * letters >= label + 1.0;
        let found = STEPS.iter().find(|(_, of_step, label)| fits(*of_step, *label));
        found.map_or(Step::Years(10), |(step, ..)| *step)
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
                found.push(Tick { at: self.place(at), label: label(step, at, times) });
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

/// Writes what stands at a tick: a midnight is a date, another hour is an hour, January is a year.
fn label(step: Step, at: Timestamp, times: &Times) -> String {
    let local = times.zoned(at);
    match step {
        Step::Hours(_) if local.hour() != 0 => local.strftime("%H:%M").to_string(),
        Step::Hours(_) | Step::Days(_) | Step::Weeks(_) => local.strftime("%-d %b").to_string(),
        Step::Months(_) if local.month() == 1 => local.strftime("%b %Y").to_string(),
        Step::Months(_) => local.strftime("%b").to_string(),
        Step::Years(_) => local.strftime("%Y").to_string(),
    }
}
