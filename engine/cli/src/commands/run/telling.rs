//! What a run says: to people in lines, to programs in events.

use std::cell::RefCell;
use std::fmt::Write;

use jiff::Timestamp;
use terrarium_core::HeldBack;
use terrarium_diagnostic::Diagnostic;
use terrarium_state::Scheduled;

use super::turn::{FailedDue, Missed};
use crate::codes;
use crate::context::{Context, Speech};
use crate::json::stream;
use crate::render::instant::{Times, duration};
use crate::render::paint::{bold, green, yellow};
use crate::render::schedule::{lines, verb, waiting};

/// Says what a run does while it stays.
pub(super) struct Teller<'a> {
    context: &'a Context,
    /// What was said last of what it waits for: it is not said twice.
    said: RefCell<String>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, said: RefCell::default() }
    }

    fn times(&self, now: Timestamp) -> Times {
        Times::new(self.context.env.time_zone(), now)
    }

    fn json(&self, line: impl FnOnce() -> String) -> bool {
        if self.context.speech() != Speech::Json {
            return false;
        }
        self.context.out.line(&line());
        true
    }

    /// Says what there is to wait for.
    pub(super) fn begins(&self, entries: &[Scheduled], now: Timestamp) {
        if self.json(|| stream::waiting(entries, "")) {
            return;
        }
        let mut out = format!("{}:\n", bold(&waiting(entries.len())));
        for line in lines(entries, &self.times(now), now) {
            let _infallible = writeln!(out, "  {line}");
        }
        self.context.say(&out);
    }

    /// Says until when it waits.
    pub(super) fn waits(&self, entries: &[Scheduled], next: Option<Timestamp>, now: Timestamp) {
        let times = self.times(now);
        let due: Vec<Scheduled> = entries
            .iter()
            .filter(|entry| entry.schedule.not_before.is_some_and(|at| at <= now))
            .cloned()
            .collect();
        let text = match (next, lines(&due, &times, now).into_iter().next()) {
            (_, Some(first)) => format!("Waiting; asked again every so often. {first}"),
            (Some(at), None) => {
                format!("Waiting until {} ({}).", times.both(at), duration(now, at))
            }
            (None, None) => "Waiting for `terrarium apply`.".to_owned(),
        };
        if *self.said.borrow() == text {
            return;
        }
        if !self.json(|| stream::run_waiting(entries.len(), next, &text)) {
            self.context.say(&text);
        }
        *self.said.borrow_mut() = text;
    }

    /// Says that something due is not what was approved.
    pub(super) fn held_back(&self, held: &HeldBack) {
        let open =
            held.open_until.map(|at| format!(" It can be done until {}.", self.times(at).both(at)));
        let text = format!(
            "{} {}: {}.{}",
            verb(held.action),
            held.addr,
            held.why,
            open.unwrap_or_default()
        );
        if self.json(|| stream::held_back(held)) {
            return;
        }
        let mut warning = Diagnostic::warning(codes::HELD_BACK, "Due work is held back")
            .detail(text)
            .help("`terrarium apply` approves what the configuration says now; `run` never does.");
        warning.origin.addr = Some(held.addr.clone());
        self.context.report(&warning.into());
    }

    /// Says that something can't be carried out any more.
    pub(super) fn missed(&self, missed: &Missed) {
        let closed = self.times(missed.closed).both(missed.closed);
        let mut error = Diagnostic::error(codes::MISSED, "Scheduled work was missed").detail(
            format!("{} {}: its window closed {closed}.", verb(missed.action), missed.addr),
        );
        error.origin.addr = Some(missed.addr.clone());
        self.context.report(&error.into());
    }

    /// Says that something failed, and whether it is tried again.
    pub(super) fn failed(&self, failed: &FailedDue) {
        let Some(again) = failed.again else {
            let mut error = Diagnostic::error(codes::MISSED, "Scheduled work was given up")
                .detail(format!("{}: {}.", failed.addr, failed.why.trim_end_matches('.')))
                .help("It stays scheduled: `terrarium run` tries it again, `terrarium apply` plans it anew.");
            error.origin.addr = Some(failed.addr.clone());
            self.context.report(&error.into());
            return;
        };
        if self.json(|| stream::run_retry(&failed.addr, &failed.why, again)) {
            return;
        }
        let again = self.times(again).both(again);
        self.context.say(&yellow(&format!("{}: tried again {again}", failed.addr)));
    }

    /// Says when a turn that could not be planned is tried again.
    pub(super) fn again(&self, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.context.say(&yellow(&format!("Tried again {}.", self.times(at).both(at))));
        }
    }

    /// Says that nothing is left.
    pub(super) fn complete(
        &self,
        (added, changed, destroyed): (usize, usize, usize),
        at_once: bool,
    ) {
        let text = if at_once {
            "Nothing is scheduled.".to_owned()
        } else {
            format!(
                "Run complete! Resources: {added} added, {changed} changed, {destroyed} destroyed."
            )
        };
        if !self.json(|| stream::run_complete((added, changed, destroyed), &text)) {
            self.context.say(&format!("\n{}", bold(&green(&text))));
        }
    }

    /// Says what still waits at the end.
    pub(super) fn stopped(&self, entries: &[Scheduled], now: Timestamp) {
        if entries.is_empty() {
            return;
        }
        let next = entries
            .iter()
            .filter_map(|entry| entry.schedule.not_before)
            .filter(|at| *at > now)
            .min();
        let next =
            next.map(|at| format!(": next at {}", self.times(now).both(at))).unwrap_or_default();
        let text = format!("{}{next}.", waiting(entries.len()));
        if !self.json(|| stream::waiting(entries, "")) {
            self.context.say(&format!("\n{text}"));
        }
    }
}
