//! What a run says: to people in lines, to programs in events.

use std::cell::RefCell;
use std::fmt::Write;

use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_core::{HeldBack, PlannedAction};
use terrarium_diagnostic::Diagnostic;
use terrarium_drive::{DriveError, MissedDue, Notice, Prospect, Setback, Tally};
use terrarium_state::Scheduled;

use crate::codes;
use crate::context::{Context, Speech};
use crate::failures;
use crate::json::stream;
use crate::render::alike::alike;
use crate::render::instant::{Times, duration};
use crate::render::outputs::outputs;
use crate::render::paint::{bold, green, yellow};
use crate::render::schedule::{lines, verb, waiting};

/// How many instances a line names.
const NAMED: usize = 3;

/// Names something, and how many more there are of it.
fn named(what: String, more: usize) -> String {
    if more == 0 { what } else { format!("{what} and {more} more") }
}

/// Says what a run does while it stays.
pub(crate) struct RunTeller<'a> {
    context: &'a Context,
    /// What was said last of what it waits for, and of what kept it from planning: neither is said twice.
    said: RefCell<String>,
    trouble: RefCell<String>,
    /// The zone that the configuration's dates are in, once it was planned.
    zone: RefCell<Option<Name>>,
}

impl<'a> RunTeller<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self {
            context,
            said: RefCell::default(),
            trouble: RefCell::default(),
            zone: RefCell::default(),
        }
    }

    /// Says one notice of a run.
    pub(crate) fn on(&self, notice: &Notice<'_>) {
        match *notice {
            Notice::Begins { schedule, now } => self.begins(schedule, now),
            Notice::Waits { schedule, next, now } => self.waits(schedule, next, now),
            Notice::HeldBack(held) => self.held_back(held),
            Notice::Missed(missed) => self.missed(missed),
            Notice::Failed(failed) => failed.iter().for_each(|failed| self.failed(failed)),
            Notice::Trouble { error, again } => self.trouble(error, again),
            Notice::Well => self.trouble.borrow_mut().clear(),
            Notice::Complete { tally, at_once } => self.complete(tally, at_once),
            Notice::Stopped { schedule, reading, now } => self.stopped(schedule, reading, now),
            Notice::Planned(_)
            | Notice::Found(_)
            | Notice::CarriedOut { .. }
            | Notice::PlansAgain(_)
            | Notice::FellDue => {}
        }
    }

    fn times(&self, now: Timestamp) -> Times {
        Times::declared(self.zone.borrow().as_deref(), &self.context.env.time_zone(), now)
    }

    /// Shows instants in this zone from now on.
    pub(crate) fn speak_in(&self, zone: Option<&Name>) {
        *self.zone.borrow_mut() = zone.cloned();
    }

    fn json(&self, line: impl FnOnce() -> String) -> bool {
        if self.context.speech() != Speech::Json {
            return false;
        }
        self.context.out.line(&line());
        true
    }

    /// Says what there is to wait for.
    fn begins(&self, entries: &[Scheduled], now: Timestamp) {
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
    fn waits(&self, entries: &[Scheduled], next: Option<Timestamp>, now: Timestamp) {
        let times = self.times(now);
        let is_due = |entry: &&Scheduled| entry.schedule.not_before.is_some_and(|at| at <= now);
        let due = entries.iter().filter(is_due).min_by_key(|entry| entry.schedule.not_before);
        let text = match (next, due.and_then(|entry| Some((entry, entry.schedule.not_before?)))) {
            (Some(_), Some((entry, since))) => {
                format!("Waiting for {}, due since {}.", entry.reason, times.both(since))
            }
            (Some(at), None) => {
                format!("Waiting until {} ({}).", times.both(at), duration(now, at))
            }
            (None, _) => "Waiting for `terrarium apply`.".to_owned(),
        };
        if *self.said.borrow() == text {
            return;
        }
        if !self.json(|| stream::run_waiting(entries.len(), next, &text)) {
            self.context.say(&text);
        }
        *self.said.borrow_mut() = text;
    }

    /// Says what is due and not what was approved; instances of one block are said once.
    fn held_back(&self, held: &[&HeldBack]) {
        if self.context.speech() == Speech::Json {
            for held in held {
                self.context.out.line(&stream::held_back(held));
            }
            return;
        }
        let groups = alike(held.iter().copied(), |one| {
            (one.addr.block.clone(), one.action, one.why.clone())
        });
        for (first, more) in groups {
            let open = first
                .open_until
                .map(|at| format!(" It can be done until {}.", self.times(at).both(at)));
            let (verb, why) = (verb(first.action), first.why.trim_end_matches('.'));
            let text = format!(
                "{verb} {}: {why}.{}",
                named(first.addr.to_string(), more.len()),
                open.unwrap_or_default()
            );
            let warning =
                Diagnostic::warning(codes::HELD_BACK, "Due work is held back").detail(text).help(
                    "`terrarium apply` approves what the configuration says now; `run` never does.",
                );
            self.context.report(&warning.into());
        }
    }

    /// Says what can't be carried out any more, and the ways on; instances of one block are said once.
    fn missed(&self, missed: &[MissedDue]) {
        let groups =
            alike(missed, |one| (one.addr.block.clone(), one.action, one.closed, one.since));
        for (first, more) in groups {
            let closed = self.times(first.closed).both(first.closed);
            let due = first
                .since
                .map(|since| format!("due since {}, and ", self.times(first.closed).both(since)));
            let what = named(first.addr.to_string(), more.len());
            let mut error = Diagnostic::error(codes::MISSED, "Scheduled work was missed")
                .detail(format!(
                    "{} {what}: {}its window closed {closed}. Nobody carried it out in time, and it is not scheduled any \
                     more; everything else goes on.",
                    verb(first.action),
                    due.unwrap_or_default(),
                ))
                .help(
                    "give its lease new dates and run `terrarium apply`; or remove its block; or take down what is left: \
                     `terrarium destroy`",
                );
            error.origin.addr = Some(first.addr.clone());
            self.context.report(&error.into());
        }
    }

    /// Says what failed for one cause, and what comes next.
    fn failed(&self, failed: &Setback) {
        let why = self.context.redactor().message(failed.why.trim_end_matches('.'));
        let Some(first) = failed.addrs.first() else { return };
        let names: Vec<String> = failed.addrs.iter().take(NAMED).map(ToString::to_string).collect();
        let names = named(names.join(", "), failed.addrs.len() - names.len());
        let next = match failed.prospect {
            Prospect::Again(at) => format!("tried again {}", self.times(at).both(at)),
            Prospect::Closes(at) => {
                format!("its window closes {}, before another try", self.times(at).both(at))
            }
            Prospect::GivenUp => {
                let mut error = Diagnostic::error(codes::MISSED, "Scheduled work was given up")
                    .detail(format!("{names}: {why}."))
                    .help(
                        "It stays scheduled, and is left alone: `terrarium apply` plans it anew.",
                    );
                error.origin.addr = Some(first.clone());
                return self.context.report(&error.into());
            }
        };
        let text = format!("{names}: {why}; {next}");
        if !self.json(|| stream::run_retry(&failed.addrs, &why, failed.prospect, &text)) {
            self.context.say(&yellow(&text));
        }
    }

    /// Says why a round could not be planned, whole once for the same cause and in a line after that, and when it is
    /// tried again.
    fn trouble(&self, error: &DriveError, again: Option<Timestamp>) {
        let failed = failures::of_drive(error);
        let cause = error.cause();
        let is_new = *self.trouble.borrow() != cause;
        if is_new {
            *self.trouble.borrow_mut() = cause;
            self.context.report(&failed.0);
        }
        let first = failed.0.iter().find(|one| one.is_error()).filter(|_| !is_new);
        let why = first.map(|one| format!(": {}", self.context.redactor().message(&one.summary)));
        if let Some(at) = again {
            let at = self.times(at).both(at);
            self.context.say(&yellow(&format!("Tried again {at}{}.", why.unwrap_or_default())));
        }
    }

    /// Says that nothing is left.
    fn complete(&self, tally: &Tally, at_once: bool) {
        let (added, changed, destroyed) = tally.done;
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
        let kept =
            tally.outputs.iter().filter(|(_, output)| output.action != PlannedAction::Delete);
        let known = kept.filter(|(_, output)| output.after.is_wholly_known());
        let shown =
            outputs(known.map(|(name, output)| (&**name, output.after.clone(), output.sensitive)));
        if !shown.is_empty() {
            self.context.say(&format!("\nOutputs:\n\n{}", shown.trim_end()));
        }
    }

    /// Says what still waits at the end.
    fn stopped(&self, entries: &[Scheduled], reading: Option<Timestamp>, now: Timestamp) {
        if entries.is_empty() {
            if let Some(at) = reading {
                let text =
                    format!("What is read then waits: next at {}.", self.times(now).both(at));
                if !self.json(|| stream::run_waiting(0, Some(at), &text)) {
                    self.context.say(&format!("\n{text}"));
                }
            }
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
