//! What the calendar has instead of what was asked: who has it until when, when it is free, and what else
//! is free.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use terrarium_diagnostic::{Diagnostic, Severity};

use super::calendar::{Ask, Calendar, Taken, Thing};
use super::{date, filter};
use crate::codes;

/// Most things that a message names.
const NAMED: usize = 6;

/// Something that the calendar lacks.
#[derive(Clone, Debug)]
pub(super) struct Shortage {
    /// How many are wanted.
    pub(super) wanted: usize,
    /// When.
    pub(super) window: (Timestamp, Timestamp),
    /// For a lease that has begun: the ids of what it holds and others have next.
    pub(super) extended: Option<Vec<String>>,
}

impl Shortage {
    /// Says it, with what is there instead. Where only the project's own leases are in the way it is a
    /// warning: this very plan may remove them.
    pub(super) fn told(
        &self,
        calendar: &Calendar,
        ask: &Ask<'_>,
        (own, zone): (&BTreeSet<String>, Option<&TimeZone>),
        now: Timestamp,
    ) -> Diagnostic {
        let words = Words { calendar, ask, zone };
        let things = calendar.pool.words();
        if let Some(blocked) = &self.extended {
            return self.extension(&words, blocked);
        }
        let free = calendar.free(ask, self.window).len();
        let (from, until) = self.window;
        let next =
            calendar.next_window(ask, (self.wanted, until.duration_since(from)), from.max(now));
        let fitting = calendar.fitting(ask);
        let mut sentences = if fitting.len() < self.wanted {
            vec![format!("The site has only {} {things} that fit, whenever it is.", fitting.len())]
        } else {
            let (from, until) = (date::shown(from, zone), date::shown(until, zone));
            let taken = words.who_has(&fitting, self.window);
            vec![format!("From {from} to {until}, {taken}."), words.next(next)]
        };
        let others = words.others(self.wanted, self.window);
        if !others.is_empty() {
            sentences.push(format!("Free in this window: {others}."));
        }
        let bare = Ask { cleaning: SignedDuration::ZERO, ..ask.clone() };
        if calendar.free(&bare, self.window).len() >= self.wanted {
            sentences.push(format!(
                "Only the {} for cleaning before and after each lease are missing.",
                date::span(ask.cleaning)
            ));
        }
        let summary = format!("Not enough {things}: {} wanted, {free} free", self.wanted);
        let mut diagnostic = Diagnostic::error(codes::NO_ROOM, summary);
        let mut without = ask.clone();
        without.except.extend(own.iter().cloned());
        if calendar.free(&without, self.window).len() >= self.wanted {
            diagnostic.severity = Severity::Warning;
            sentences.push(
                "The project's own leases have them: it fits if those end or go first.".into(),
            );
        }
        let help = match next {
            Some((from, _)) => {
                format!("move it to {}, or ask for what is free", date::written(from, zone))
            }
            None if calendar.pool.type_property().is_empty() => "ask for fewer".to_owned(),
            None => "ask for fewer, or for another type".to_owned(),
        };
        diagnostic.detail(sentences.join(" ")).help(help)
    }

    fn extension(&self, words: &Words<'_>, blocked: &[String]) -> Diagnostic {
        let (from, until) = self.window;
        let all = &words.calendar.things;
        let things: Vec<&Thing> = all.iter().filter(|thing| blocked.contains(&thing.id)).collect();
        let detail = format!(
            "To last until {}, it would have to keep what it holds; {}.",
            date::shown(until, words.zone),
            words.who_has(&things, self.window)
        );
        let latest = free_until(&things, words.ask, from).filter(|latest| *latest > from);
        let help = match latest {
            Some(latest) => format!("extend it to {} at most", date::written(latest, words.zone)),
            None => "it can't be extended: plan another lease, and move to it".to_owned(),
        };
        Diagnostic::error(
            codes::NO_ROOM,
            "The lease can't be extended so far: others have what it holds next",
        )
        .detail(detail)
        .help(help)
    }
}

/// Puts a calendar into words.
struct Words<'a> {
    calendar: &'a Calendar,
    ask: &'a Ask<'a>,
    zone: Option<&'a TimeZone>,
}

impl Words<'_> {
    /// Says when there is room, where there ever is.
    fn next(&self, next: Option<(Timestamp, Timestamp)>) -> String {
        match next {
            Some((from, until)) => format!(
                "The next window as long ({}) with enough of them begins {} and ends {}.",
                date::span(until.duration_since(from)),
                date::shown(from, self.zone),
                date::shown(until, self.zone)
            ),
            None => "No later window has enough of them.".to_owned(),
        }
    }

    /// Says who has which of the things until when.
    fn who_has(&self, things: &[&Thing], window: (Timestamp, Timestamp)) -> String {
        let taken: Vec<String> = things
            .iter()
            .filter_map(|thing| Some(self.taken(thing, thing.taken_in(self.ask, window).last()?)))
            .collect();
        if taken.is_empty() {
            return format!("there are {} of them", things.len());
        }
        let more = taken.len().saturating_sub(NAMED);
        let mut named = taken;
        named.truncate(NAMED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        format!("{}{more}", named.join(", "))
    }

    fn taken(&self, thing: &Thing, taken: &Taken) -> String {
        let by = if taken.user.is_empty() { String::new() } else { format!(" by {}", taken.user) };
        format!("{} is taken until {}{by}", thing.name, date::shown(taken.until, self.zone))
    }

    /// Says which other types have as many free; those like the one that was asked for.
    fn others(&self, count: usize, window: (Timestamp, Timestamp)) -> String {
        let kind = self.calendar.pool.type_property();
        let asked = filter::demanded(self.ask.conditions, kind);
        let fitting = self.calendar.fitting(self.ask);
        let with_gpu = !fitting.is_empty() && fitting.iter().all(|thing| has_gpu(thing));
        let types = self.calendar.by_type(self.ask, window);
        let others = types.into_iter().filter(|(name, free)| {
            Some(*name) != asked
                && free.len() >= count
                && (!with_gpu || free.iter().all(|thing| has_gpu(thing)))
        });
        let mut others: Vec<String> =
            others.map(|(name, free)| format!("{name} ({})", free.len())).collect();
        others.truncate(NAMED);
        others.join(", ")
    }
}

fn has_gpu(thing: &Thing) -> bool {
    thing.property("gpu.gpu") == "True" || thing.property("node_type").starts_with("gpu_")
}

/// Returns until when a lease could last at most: what it holds is free until then.
fn free_until(things: &[&Thing], ask: &Ask<'_>, from: Timestamp) -> Option<Timestamp> {
    let taken = things.iter().flat_map(|thing| thing.taken.iter());
    let next = taken.filter(|taken| taken.from >= from && !ask.except.contains(&taken.lease));
    next.map(|taken| date::earlier(taken.from, ask.cleaning)).min()
}
