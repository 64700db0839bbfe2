//! `run`: stays, and carries out what was approved when its time comes. It never approves, repairs no drift,
//! and holds the lock only while it acts.

mod decide;
mod patience;
mod telling;
mod turn;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use terrarium_address::{Name, ResourceAddr};
use terrarium_core::{Cancel, HeldBack, OutputChange};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::Clock;
use terrarium_state::{State, Store};

use self::patience::Patience;
use self::telling::Teller;
use self::turn::{Came, Gate};
use self::wait::{Pace, Woken};
use super::planning;
use crate::args::{ParallelismArgs, StateFlags, VariableArgs, instant};
use crate::codes;
use crate::context::{Context, Failed, Outcome, fail};
use crate::exit_codes;
use crate::progress::stop_on_signal;
use crate::setup::session::{self, Session, Unlocked, Wish};
use crate::setup::store;
use crate::setup::testbed::{self, Testbed};
use crate::setup::variables::Missing;

/// Flags.
#[expect(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0, all that was due is done; 1, something failed or was missed; 2, with -once: something that \
is due is held back, because the configuration or a variable is not the one that was approved: `terrarium apply` approves \
it."
)]
pub struct Args {
    /// Carry out what is due, and do not stay: for cron and CI
    #[arg(long)]
    pub once: bool,
    /// Stay until this instant at most: 2025-03-01T09:00-05:00, or 2025-03-01 09:00 for local time
    #[arg(long, value_name = "INSTANT", conflicts_with = "once")]
    pub until: Option<String>,
    /// On the embedded testbed: wait for `testbed advance` instead of moving its clock
    #[arg(long)]
    pub no_jump: bool,
    /// Variables.
    #[command(flatten)]
    pub variables: VariableArgs,
    /// Calls and operations.
    #[command(flatten)]
    pub parallelism: ParallelismArgs,
    /// Show only the summaries of warnings that come without errors
    #[arg(long)]
    pub compact_warnings: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// The state's flags.
    #[command(flatten)]
    pub state: StateFlags,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    planning::speak(context, args.json, args.compact_warnings);
    context.block_on(async {
        let until = match args.until.as_deref().map(|text| instant(text, &context.env.time_zone()))
        {
            None => None,
            Some(Ok(at)) => Some(at),
            Some(Err(why)) => {
                return fail(codes::FLAGS, "Invalid instant", format!("-until: {why}."));
            }
        };
        let testbed = testbed::start(context).await?.map(Arc::new);
        let outcome = Watch::new(args, context, testbed.clone(), until)?.stay().await;
        if let Some(testbed) = &testbed {
            testbed.finish(context);
        }
        outcome
    })?
}

/// Carries out what is due by now in a session that is open already: what a saved plan deferred and what has
/// fallen due since.
pub(crate) async fn due_now(context: &Context, session: &mut Session, cancel: &Cancel) -> Outcome {
    let teller = Teller::new(context);
    let mut patience = Patience::default();
    let mut total = Total::default();
    loop {
        let turn = turn::Turning { context, cancel };
        let came = turn.take(session, &mut patience, Some(&teller)).await?;
        total.add(&came, &teller);
        if !came.acted || !came.failed.is_empty() || cancel.is_raised() {
            if total.done != (0, 0, 0) {
                teller.complete(total.done, &total.outputs, false);
            }
            return Ok(total.code(true));
        }
        session.inputs.prior = Arc::new(store::load(&session.store).await?);
    }
}

/// What came of a whole run.
#[derive(Default)]
struct Total {
    done: (usize, usize, usize),
    /// Whether something failed for good, or was missed.
    bad: bool,
    held: BTreeSet<(ResourceAddr, String)>,
    /// What is held back by now.
    holds: Vec<HeldBack>,
    /// Root outputs, as the last action left them.
    outputs: BTreeMap<Name, OutputChange>,
}

impl Total {
    /// Counts what a turn did, and tells what is new about it.
    fn add(&mut self, came: &Came, teller: &Teller<'_>) {
        self.done.0 += came.done.0;
        self.done.1 += came.done.1;
        self.done.2 += came.done.2;
        let new: Vec<&HeldBack> = came
            .held
            .iter()
            .filter(|held| self.held.insert((held.addr.clone(), held.why.clone())))
            .collect();
        teller.held_back(&new);
        self.holds.clone_from(&came.held);
        for missed in &came.missed {
            self.bad = true;
            teller.missed(missed);
        }
        self.bad |= came.interrupted || came.failed.iter().any(|failed| failed.again.is_none());
        if came.acted {
            self.outputs.clone_from(&came.outputs);
        }
    }

    /// Returns the exit code: what is held back counts where nobody stays for it.
    fn code(&self, counts_held: bool) -> u8 {
        if self.bad {
            exit_codes::ERROR
        } else if counts_held && !self.holds.is_empty() {
            exit_codes::CHANGES
        } else {
            exit_codes::SUCCESS
        }
    }
}

/// The first rest after a turn that could not be planned: a lock that somebody else holds, errors of the
/// configuration, a cloud that does not answer. Each further one is twice as long.
const LATER: SignedDuration = SignedDuration::from_secs(30);
/// The longest such rest.
const LATEST: SignedDuration = SignedDuration::from_mins(10);
/// How often a clock that jumps is moved on for it.
const TROUBLES: u32 = 12;

/// A run that stays.
struct Watch<'a> {
    args: &'a Args,
    context: &'a Context,
    testbed: Option<Arc<Testbed>>,
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    pace: Pace,
    until: Option<Timestamp>,
    teller: Teller<'a>,
    patience: Patience,
    total: Total,
    /// How many turns in a row could not be planned.
    troubles: u32,
}

impl<'a> Watch<'a> {
    fn new(
        args: &'a Args,
        context: &'a Context,
        testbed: Option<Arc<Testbed>>,
        until: Option<Timestamp>,
    ) -> Result<Self, Failed> {
        let pace = Pace::of(testbed.as_ref(), args.no_jump);
        Ok(Self {
            clock: session::clock(context, testbed.as_deref()),
            pace,
            store: store::open(context)?,
            teller: Teller::new(context),
            patience: Patience::counting(pace == Pace::Jumps),
            total: Total::default(),
            troubles: 0,
            args,
            context,
            testbed,
            until,
        })
    }

    /// Takes turns until nothing is left.
    async fn stay(mut self) -> Outcome {
        let cancel = stop_on_signal(self.context);
        let mut first = true;
        loop {
            let state = store::load(&self.store).await?;
            if state.schedule.is_empty() {
                self.teller.complete(self.total.done, &self.total.outputs, first);
                return Ok(self.total.code(true));
            }
            let now = self.clock.now();
            if self.until.is_some_and(|until| until <= now) {
                self.teller.stopped(&state.schedule, now);
                return Ok(self.total.code(false));
            }
            let begins = std::mem::take(&mut first) && !self.args.once;
            let next = match self.turn(&cancel).await {
                Ok(came) => {
                    if begins {
                        self.teller.begins(&state.schedule, now);
                    }
                    self.troubles = 0;
                    self.teller.is_well();
                    self.total.add(&came, &self.teller);
                    if came.acted && !cancel.is_raised() {
                        continue;
                    }
                    self.next(&came)
                }
                // What is wrong from the beginning is the caller's to mend.
                Err(failed) if begins || self.args.once || self.is_hopeless() => {
                    return Err(failed);
                }
                Err(failed) => self.later(&failed),
            };
            if self.args.once || cancel.is_raised() {
                return Ok(self.leave(&store::load(&self.store).await?));
            }
            if self.rest(next, &cancel).await?.is_break() {
                return Ok(self.leave(&store::load(&self.store).await?));
            }
        }
    }

    /// Plans and acts under the lock.
    async fn turn(&mut self, cancel: &Cancel) -> Result<Came, Failed> {
        let wish = Wish {
            operation: Some("run"),
            unlocked: Unlocked::Refused,
            lock_timeout: self.args.state.lock_timeout,
            parallelism: self.args.parallelism.into(),
            variables: &self.args.variables,
            missing: Missing::Refused,
            needs_configuration: Some("Run"),
        };
        let mut session = Session::open_on(self.context, wish, self.testbed.clone()).await?;
        let turn = turn::Turning { context: self.context, cancel };
        let came = turn.take(&mut session, &mut self.patience, Some(&self.teller)).await;
        session.release().await?;
        came
    }

    /// Chooses when to look again: at the next due time, after a failure's rest, or soon where a gate is closed.
    fn next(&self, came: &Came) -> Option<Timestamp> {
        let now = self.clock.now();
        let poll = came.gate.map(|gate| match gate {
            Gate::Time => SignedDuration::from_secs(10),
            Gate::Unknown => SignedDuration::from_secs(60),
        });
        let poll = poll.and_then(|wait| now.saturating_add(wait).ok());
        [came.next, self.patience.next(now), poll].into_iter().flatten().min()
    }

    /// Returns whether a clock that jumps has run on long enough.
    fn is_hopeless(&self) -> bool {
        self.pace == Pace::Jumps && self.troubles >= TROUBLES
    }

    /// Says what kept a turn from being planned at all, and when it is tried again.
    fn later(&mut self, failed: &Failed) -> Option<Timestamp> {
        let rest = LATER.checked_mul(1 << self.troubles.min(16)).unwrap_or(LATEST).min(LATEST);
        self.troubles += 1;
        let again = self.clock.now().saturating_add(rest).ok();
        self.teller.trouble(failed, again);
        again
    }

    /// Waits; breaks where the run is to end.
    async fn rest(
        &mut self,
        next: Option<Timestamp>,
        cancel: &Cancel,
    ) -> Result<std::ops::ControlFlow<()>, Failed> {
        use std::ops::ControlFlow::{Break, Continue};
        let state = store::load(&self.store).await?;
        if state.schedule.is_empty() {
            return Ok(Continue(()));
        }
        // What is left was given up, or only a person can go on, whom a clock that jumps would never meet.
        if next.is_none() && (self.pace == Pace::Jumps || self.total.holds.is_empty()) {
            return Ok(Break(()));
        }
        self.teller.waits(&state.schedule, next, self.clock.now());
        let at = [next, self.until].into_iter().flatten().min();
        let waiting = wait::Waiting {
            pace: self.pace,
            clock: &*self.clock,
            control: self.testbed.as_ref().map(|testbed| &*testbed.control),
            store: &self.store,
            cancel,
        };
        match waiting.until(at, &state).await? {
            Woken::Stopped => Ok(Break(())),
            Woken::Due | Woken::Changed => Ok(Continue(())),
        }
    }

    /// Says how it ends before everything is done.
    fn leave(&self, state: &State) -> u8 {
        self.teller.stopped(&state.schedule, self.clock.now());
        self.total.code(self.args.once || self.pace == Pace::Jumps)
    }
}

/// Returns the errors alone.
fn errors(diagnostics: &Diagnostics) -> Diagnostics {
    Diagnostics(diagnostics.iter().filter(|one| one.is_error()).cloned().collect())
}
