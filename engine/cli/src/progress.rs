//! Takes a run's events and says them: as lines, as JSON, and on a terminal with a status line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use terrarium_address::ResourceAddr;
use terrarium_core::{Event, Progress};

use crate::context::{Context, Speech};
use crate::json::stream;
use crate::output::Output;
use crate::render::progress::line;

/// How often a run says that something is still under way.
const STILL_EVERY: Duration = Duration::from_secs(10);

/// Says a run's events.
pub(crate) struct Teller {
    out: Output,
    speech: Speech,
    bar: Option<ProgressBar>,
    under_way: Mutex<BTreeMap<ResourceAddr, u64>>,
}

impl Teller {
    /// Builds a teller for a command.
    pub(crate) fn new(context: &Context) -> Arc<Self> {
        let speech = context.speech();
        let draws = speech == Speech::Text && context.out.draws();
        let bar = draws.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Arc::new(Self { out: context.out.clone(), speech, bar, under_way: Mutex::default() })
    }

    /// Takes the status line away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Notes that something failed, where somebody else says so.
    pub(crate) fn forget(&self, addr: &ResourceAddr) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(addr);
    }

    /// Notes what is under way; returns whether the event is worth a line.
    fn note(&self, event: &Event) -> bool {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Begun { addr, .. } => {
                under_way.insert(addr.clone(), 0);
            }
            Event::Done { addr, .. } | Event::Failed { addr, .. } => {
                under_way.remove(addr);
            }
            Event::Waiting { addr, elapsed, .. } => {
                let slice = elapsed.as_secs() / STILL_EVERY.as_secs();
                let said = under_way.entry(addr.clone()).or_default();
                let worth = slice > *said;
                *said = slice.max(*said);
                return worth;
            }
            Event::Refreshed { .. } => return self.speech == Speech::Json,
            Event::Refreshing { .. }
            | Event::Reading { .. }
            | Event::Read { .. }
            | Event::Patient(_)
            | Event::Recovering { .. }
            | Event::Recovered { .. } => {}
        }
        true
    }

    fn draw(&self, event: &Event) {
        let Some(bar) = &self.bar else { return };
        let count = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len();
        let status = match event {
            Event::Waiting { addr, status, .. } => format!("{count} under way; {addr}: {status}"),
            Event::Refreshing { .. } | Event::Refreshed { .. } | Event::Reading { .. } => {
                "reading what exists".to_owned()
            }
            Event::Recovering { addr, what, .. } => format!("{addr}: {what}"),
            _ => format!("{count} under way"),
        };
        bar.set_message(self.out.redactor.text(&status).into_owned());
    }
}

impl Progress for Teller {
    fn on(&self, event: Event) {
        let worth = self.note(&event);
        self.draw(&event);
        let text = match self.speech {
            Speech::Json => stream::event(&event),
            Speech::Text => line(&event),
            Speech::Document => return,
        };
        if !worth {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| self.out.line(&text)),
            None => self.out.line(&text),
        }
    }
}
