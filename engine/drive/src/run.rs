//! The run: stays, and carries out what was approved when its time comes. It never approves, repairs no drift,
//! and holds the lock only while it acts.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use terrarium_core::{Cancel, Held, Inputs};
use terrarium_provider::Clock;
use terrarium_state::Store;

use crate::came::{Came, Gate};
use crate::error::DriveError;
use crate::notice::{Audience, Notice};
use crate::patience::Patience;
use crate::round::Round;
use crate::rules::{Rules, longest_rest};
use crate::seen::LastSeen;
use crate::tally::{Tally, Verdict};
use crate::wait::{Pace, Ring, Waiting};

/// How often a clock that jumps is moved on for rounds that can't be planned.
const TROUBLES: u32 = 12;

/// What a round rests on, with the state's lock.
pub struct Ground {
    /// All that the engine may know.
    pub inputs: Inputs,
    /// The store under its lock.
    pub held: Held,
}

/// Where a run works: brings together what each round rests on.
#[async_trait(?Send)]
pub trait Workplace {
    /// Returns the store, without its lock.
    fn store(&self) -> &Arc<dyn Store>;

    /// Takes the lock and reads configuration, variables and state anew.
    ///
    /// # Cancel safety
    /// Is dropped where somebody says stop: a lock that it took by then must be free again.
    async fn open(&self, seen: &LastSeen) -> Result<Ground, DriveError>;
}

/// How a run goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Whether it takes what is due and does not stay.
    pub once: bool,
    /// Until when it stays at most.
    pub until: Option<Timestamp>,
}

/// What a run is given.
pub struct Runner<'a> {
    /// Where it works.
    pub place: &'a dyn Workplace,
    /// What it decides by.
    pub rules: Rules,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// How time passes while it waits.
    pub pace: &'a dyn Pace,
    /// Who is told.
    pub audience: &'a dyn Audience,
    /// Asks to stop.
    pub cancel: &'a Cancel,
}

/// Takes rounds until nothing is left, or somebody says stop.
///
/// # Errors
/// Says what keeps the first round from being planned; what fails later is told and tried again.
pub async fn run(runner: Runner<'_>, options: RunOptions) -> Result<Verdict, DriveError> {
    let watch = Watch {
        patience: Patience::new(runner.rules, runner.pace.jumps()),
        tally: Tally::default(),
        begun: false,
        troubles: 0,
        runner,
        options,
    };
    watch.stay().await
}

/// Carries out what is due by now under a lock that is held already: what a saved plan deferred and what has fallen
/// due since.
///
/// # Errors
/// Says what keeps a round from being planned.
pub async fn catch_up(
    inputs: &mut Inputs,
    held: &Held,
    (audience, cancel): (&dyn Audience, &Cancel),
) -> Result<Tally, DriveError> {
    let rules = Rules::default();
    let mut patience = Patience::new(rules, false);
    let mut tally = Tally::default();
    loop {
        let patience = &mut patience;
        let came = Round { inputs, held, rules, patience, audience, cancel }.take().await?;
        let goes_on = came.acted && came.failed.is_empty() && !cancel.is_raised();
        tell(&mut tally, came, audience);
        if !goes_on {
            if tally.done != (0, 0, 0) {
                audience.on(Notice::Complete { tally: &tally, at_once: false });
            }
            return Ok(tally);
        }
    }
}

/// Tells what is new about a round, and counts it.
fn tell(tally: &mut Tally, came: Came, audience: &dyn Audience) {
    let new = tally.newly_held(&came);
    if !new.is_empty() {
        audience.on(Notice::HeldBack(&new));
    }
    if !came.missed.is_empty() {
        audience.on(Notice::Missed(&came.missed));
    }
    tally.add(came);
}

/// A run that stays.
struct Watch<'a> {
    runner: Runner<'a>,
    options: RunOptions,
    patience: Patience,
    tally: Tally,
    /// Whether a round could be planned.
    begun: bool,
    /// How many rounds in a row could not be planned.
    troubles: u32,
}

impl Watch<'_> {
    async fn stay(mut self) -> Result<Verdict, DriveError> {
        let mut seen = LastSeen::read(self.store()).await?;
        let mut first = true;
        loop {
            let now = self.runner.clock.now();
            if seen.state.schedule.is_empty() {
                self.tell(Notice::Complete { tally: &self.tally, at_once: first });
                return Ok(self.verdict(true));
            }
            if self.options.until.is_some_and(|until| until <= now) {
                return Ok(self.leave(&seen, false));
            }
            first = false;
            let next = match self.round(&mut seen).await {
                Ok((true, _)) if !self.runner.cancel.is_raised() => continue,
                Ok((_, next)) => next,
                // Who stops in the middle of a plan has nothing to say about it.
                Err(_) if self.begun && self.runner.cancel.is_raised() => None,
                Err(error) if self.is_the_end(&error) => return Err(error),
                Err(error) => {
                    let again = self.later(&error);
                    // The lock that it took is no change: it would look again at once, for ever.
                    seen = seen.again(self.store()).await;
                    again
                }
            };
            if self.options.once
                || self.runner.cancel.is_raised()
                || self.rest(next, &mut seen).await.is_break()
            {
                return Ok(self.leave(&seen, self.runner.pace.jumps()));
            }
        }
    }

    fn store(&self) -> &dyn Store {
        &**self.runner.place.store()
    }

    fn tell(&self, notice: Notice<'_>) {
        self.runner.audience.on(notice);
    }

    /// Takes a round; returns whether more may be possible now, and when to look again.
    async fn round(
        &mut self,
        seen: &mut LastSeen,
    ) -> Result<(bool, Option<Timestamp>), DriveError> {
        let opened = tokio::select! {
            biased;
            () = self.runner.cancel.raised() => return Ok((false, None)),
            opened = self.runner.place.open(seen) => opened,
        };
        let Ground { mut inputs, held } = opened?;
        let (prior, now) = (inputs.prior.clone(), inputs.clock.now());
        let Runner { rules, audience, cancel, .. } = self.runner;
        let patience = &mut self.patience;
        let round = Round { inputs: &mut inputs, held: &held, rules, patience, audience, cancel };
        let came = round.take().await;
        // Nobody else has written while the lock was held.
        let head = held.store.head().await;
        held.store.unlock(held.fence).await?;
        // What could not be written or read may be otherwise than the round believes.
        if came.as_ref().is_ok() || matches!(came, Err(DriveError::Found(_))) {
            *seen = LastSeen { head: head?, state: inputs.prior };
        }
        let came = came?;
        if !std::mem::replace(&mut self.begun, true) && !self.options.once {
            self.tell(Notice::Begins { schedule: &prior.schedule, now });
        }
        self.troubles = 0;
        self.tell(Notice::Well);
        let (acted, next) = (came.acted, self.next(&came));
        tell(&mut self.tally, came, audience);
        Ok((acted, next))
    }

    /// Chooses when to look again: at the next due time, after a failure's rest, or soon where a gate is closed.
    fn next(&self, came: &Came) -> Option<Timestamp> {
        let now = self.runner.clock.now();
        let poll = came.gate.map(|gate| match gate {
            Gate::Time => SignedDuration::from_secs(10),
            Gate::Unknown => SignedDuration::from_secs(60),
        });
        let poll = poll.and_then(|wait| now.saturating_add(wait).ok());
        [came.next, self.patience.next(now), poll].into_iter().flatten().min()
    }

    /// Returns whether a round that could not be planned ends the run. What is wrong from the beginning is the caller's
    /// to mend, unless it is a service that is away: a machine that starts again in the night can't know.
    fn is_the_end(&self, error: &DriveError) -> bool {
        let hopeless = self.runner.pace.jumps() && self.troubles >= TROUBLES;
        self.options.once || hopeless || !(self.begun || error.is_an_absence())
    }

    /// Says what kept a round from being planned at all, and when it is tried again: a lock that somebody else holds,
    /// errors of the configuration, a cloud that does not answer.
    fn later(&mut self, error: &DriveError) -> Option<Timestamp> {
        self.troubles = self.troubles.saturating_add(1);
        let longest = longest_rest(self.runner.pace.jumps());
        let rest = (self.runner.rules.rest)(self.troubles, longest);
        let again = self.runner.clock.now().saturating_add(rest).ok();
        self.tell(Notice::Trouble { error, again });
        again
    }

    /// Waits, and reads the state where somebody wrote it meanwhile; breaks where the run is to end.
    async fn rest(&mut self, next: Option<Timestamp>, seen: &mut LastSeen) -> ControlFlow<()> {
        let state = seen.state.clone();
        if state.schedule.is_empty() {
            return ControlFlow::Continue(());
        }
        let Runner { clock, pace, cancel, .. } = self.runner;
        // What is left was given up, or only a person can go on, whom a clock that jumps would never meet.
        if next.is_none() && pace.jumps() {
            return ControlFlow::Break(());
        }
        let now = clock.now();
        self.tell(Notice::Waits { schedule: &state.schedule, next, now });
        let closing = state.schedule.iter().filter_map(|entry| entry.schedule.not_after);
        let closing = closing.filter(|at| *at > now).min();
        let at = [next.or(closing), self.options.until].into_iter().flatten().min();
        let waiting = Waiting { pace, clock, store: self.store(), cancel };
        match waiting.until(at, seen).await {
            Ok(Ring::Stopped) => ControlFlow::Break(()),
            Ok(Ring::Due) => ControlFlow::Continue(()),
            Ok(Ring::Changed) => {
                *seen = seen.clone().again(self.store()).await;
                ControlFlow::Continue(())
            }
            // A disk that is away for a while is no reason to leave: the next round says whether it is back.
            Err(error) => {
                let again = self.later(&error);
                self.pause(again).await
            }
        }
    }

    /// Lets time pass without a look at the store.
    async fn pause(&self, until: Option<Timestamp>) -> ControlFlow<()> {
        let Runner { clock, pace, cancel, .. } = self.runner;
        while until.is_some_and(|until| clock.now() < until) {
            tokio::select! {
                biased;
                () = pace.pass(until) => {}
                () = cancel.raised() => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Says how it ends before everything is done.
    fn leave(&self, seen: &LastSeen, counts_held: bool) -> Verdict {
        let now = self.runner.clock.now();
        self.tell(Notice::Stopped { schedule: &seen.state.schedule, now });
        self.verdict(counts_held)
    }

    fn verdict(&self, counts_held: bool) -> Verdict {
        if self.options.once {
            self.tally.verdict_of_one_look()
        } else {
            self.tally.verdict(counts_held)
        }
    }
}
