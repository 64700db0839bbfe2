//! The voice of the commands that plan, apply and run: what a driver tells, said to people or to programs.

use std::cell::RefCell;
use std::sync::Arc;

use terrarium_core::{Event, Plan, Progress, ProviderSet, RunSummary};
use terrarium_drive::{Audience, Notice, Work};
use terrarium_state::State;

use super::run::telling::RunTeller;
use super::show::schema_of;
use crate::context::Context;
use crate::progress::Teller;
use crate::redact;

/// Says what a driver tells.
pub(crate) struct Voice<'a> {
    context: &'a Context,
    run: RunTeller<'a>,
    /// Says what goes on.
    teller: RefCell<Option<Arc<Teller>>>,
}

impl<'a> Voice<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self { context, run: RunTeller::new(context), teller: RefCell::default() }
    }

    /// Learns the sensitive values that an apply made known: a generated key is in no plan.
    fn learn(
        &self,
        (plan, providers): (&Plan, &ProviderSet),
        summary: &RunSummary,
        state: Option<&State>,
    ) {
        let redactor = self.context.redactor();
        redactor.learn_outputs(&summary.outputs);
        // A state that can't be read is told by whoever needs it.
        if let Some(state) = state.filter(|_| redact::makes_secrets(plan)) {
            redactor.learn_state(state, &|mode, provider, kind| {
                schema_of(providers, mode, provider, kind)
            });
        }
    }
}

impl Audience for Voice<'_> {
    fn on(&self, notice: Notice<'_>) {
        match notice {
            Notice::Planned(plan) => {
                self.context.redactor().learn_plan(plan);
                self.run.speak_in(plan.zone.as_ref());
            }
            Notice::Found(diagnostics) => self.context.report(diagnostics),
            Notice::CarriedOut { plan, providers, summary, state } => {
                self.learn((plan, providers), summary, state);
            }
            Notice::PlansAgain(count) => self.context.say(
                &format!("\nWhat {count} more wait for may be known now: planning again.")
                    .replace("1 more wait ", "1 more waits "),
            ),
            Notice::FellDue => self
                .context
                .say("\nSome of what this plan deferred has fallen due since it was made."),
            of_a_run => self.run.on(&of_a_run),
        }
    }

    fn progress(&self, work: Work) -> Arc<dyn Progress> {
        let teller = Teller::new(self.context);
        *self.teller.borrow_mut() = Some(teller.clone());
        if work == Work::Looking { Arc::new(Quiet(teller)) } else { teller }
    }

    fn finish(&self) {
        if let Some(teller) = self.teller.take() {
            teller.finish();
        }
    }
}

/// Tells only what is recovered: a run that looks every ten seconds says nothing of what it reads.
struct Quiet(Arc<Teller>);

impl Progress for Quiet {
    fn on(&self, event: Event) {
        if matches!(event, Event::Recovering { .. } | Event::Recovered { .. }) {
            self.0.on(event);
        }
    }
}
