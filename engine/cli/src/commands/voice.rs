//! The voice of the commands that plan, apply and run: what a driver tells, said to people or to programs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use terrarium_address::ResourceAddr;
use terrarium_core::{Event, Plan, Progress, ProviderSet, RunSummary};
use terrarium_drive::{Audience, Notice, Work};
use terrarium_state::State;

use super::run::telling::RunTeller;
use super::show::schema_of;
use crate::context::{Context, Speech};
use crate::progress::Teller;
use crate::redact;

/// Says what a driver tells.
pub(crate) struct Voice<'a> {
    context: &'a Context,
    run: RunTeller<'a>,
    /// Says what goes on.
    teller: RefCell<Option<Arc<Teller>>>,
    /// What failed since a round acted last.
    failed: RefCell<BTreeSet<ResourceAddr>>,
}

impl<'a> Voice<'a> {
    pub(crate) fn new(context: &'a Context) -> Self {
        Self {
            context,
            run: RunTeller::new(context),
            teller: RefCell::default(),
            failed: RefCell::default(),
        }
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
            of_a_run => {
                if let Notice::Failed(failed) = of_a_run {
                    let addrs = failed.iter().flat_map(|one| &one.addrs);
                    self.failed.borrow_mut().extend(addrs.cloned());
                }
                self.run.on(&of_a_run);
            }
        }
    }

    fn progress(&self, work: Work) -> Arc<dyn Progress> {
        let teller = Teller::new(self.context);
        *self.teller.borrow_mut() = Some(teller.clone());
        match work {
            Work::Planning | Work::Applying => teller,
            Work::Looking => Arc::new(Quiet(teller)),
            // Programs are told all of it.
            Work::Acting if self.context.speech() == Speech::Json => teller,
            Work::Acting => Arc::new(Reluctant {
                teller,
                failed_before: self.failed.take(),
                begun: Mutex::default(),
            }),
        }
    }

    fn finish(&self) {
        if let Some(teller) = self.teller.take() {
            teller.finish();
        }
    }
}

/// Tells of a round of a run what its line a cause does not: that something failed is told there, and that something
/// which failed before begins again is told once anything comes of it.
struct Reluctant {
    teller: Arc<Teller>,
    failed_before: BTreeSet<ResourceAddr>,
    /// What began and was not told yet.
    begun: Mutex<BTreeMap<ResourceAddr, Event>>,
}

impl Progress for Reluctant {
    fn on(&self, event: Event) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match &event {
            Event::Begun { addr, .. } if self.failed_before.contains(addr) => {
                begun.insert(addr.clone(), event);
            }
            Event::Failed { addr, .. } => {
                begun.remove(addr);
                self.teller.forget(addr);
            }
            Event::Waiting { addr, .. } | Event::Done { addr, .. } => {
                if let Some(begun) = begun.remove(addr) {
                    self.teller.on(begun);
                }
                self.teller.on(event);
            }
            _ => self.teller.on(event),
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
