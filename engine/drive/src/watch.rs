//! The loop of a run: round after round, and what lies between them.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use terrarium_state::Store;

use crate::came::{Came, Gate};
use crate::cause::condensed;
use crate::error::DriveError;
use crate::notice::Notice;
use crate::patience::Patience;
use crate::place::{Ground, RunOptions, Runner};
use crate::round::{Round, tell};
use crate::rules::longest_rest;
use crate::seen::LastSeen;
use crate::tally::{Tally, Verdict};
use crate::wait::{Ring, Waiting};

/// How often a clock that jumps is moved on for rounds that can't be planned.
const TROUBLES: u32 = 12;

/// A run that stays.
pub(crate) struct Watch<'a> {
    runner: Runner<'a>,
    options: RunOptions,
    patience: Patience,
    tally: Tally,
    /// Whether a round could be planned.
    begun: bool,
    /// Whether there was anything to wait for.
    waited: bool,
    /// When the first output or data source can be read that waits.
    reading: Option<Timestamp>,
    /// How many rounds in a row it was late.
    late: u32,
    /// Whether no round could be planned since somebody may wait to be read.
    unsure: bool,
    /// How many rounds in a row could not be planned.
    troubles: u32,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(runner: Runner<'a>, options: RunOptions) -> Self {
        Self {
            patience: Patience::new(runner.rules, runner.pace.jumps()),
            tally: Tally::default(),
            begun: false,
            waited: false,
            reading: None,
            late: 0,
            unsure: false,
            troubles: 0,
            runner,
            options,
        }
    }

    /// Takes rounds until nothing is left, or somebody says stop.
    pub(crate) async fn stay(mut self) -> Result<Verdict, DriveError> {
        let mut seen = LastSeen::read(self.store()).await?;
        let mut first = true;
        loop {
            let now = self.runner.clock.now();
            if !first && self.is_idle(&seen) {
                return Ok(self.complete());
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
                    self.unsure = true;
                    // The lock that it took is no change: it would look again at once, for ever.
                    seen = seen.again(self.store()).await;
                    again
                }
            };
            if self.is_idle(&seen) && !self.runner.cancel.is_raised() {
                return Ok(self.complete());
            }
            if self.options.once
                || self.runner.cancel.is_raised()
                || self.rest(next, &mut seen).await.is_break()
            {
                return Ok(self.leave(&seen, self.runner.pace.jumps()));
            }
        }
    }

    /// Returns whether there is nothing to wait for, as far as is known.
    fn is_idle(&self, seen: &LastSeen) -> bool {
        seen.state.schedule.is_empty() && self.reading.is_none() && !self.unsure
    }

    /// Says that nothing is left.
    fn complete(&self) -> Verdict {
        self.tell(Notice::Complete { tally: &self.tally, at_once: !self.waited });
        self.verdict(true)
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
        let Ground { mut inputs, held } = match opened {
            // Who has nothing to do has nothing to say about what would keep it from doing it.
            Err(_) if self.is_idle(seen) => return Ok((false, None)),
            opened => opened?,
        };
        let (prior, now) = (inputs.prior.clone(), inputs.clock.now());
        let Runner { rules, audience, cancel, .. } = self.runner;
        let patience = &mut self.patience;
        let awaits = self.reading.is_some();
        let idle = prior.schedule.is_empty() && !awaits && !inputs.has_unread();
        let inputs_of = &mut inputs;
        let round =
            Round { inputs: inputs_of, held: &held, rules, awaits, patience, audience, cancel };
        let came = if idle { Ok(Came::default()) } else { round.take().await };
        // Nobody else has written while the lock was held.
        let head = held.store.head().await;
        held.store.unlock(held.fence).await?;
        // What could not be written or read may be otherwise than the round believes.
        if came.as_ref().is_ok() || matches!(came, Err(DriveError::Found(_))) {
            *seen = LastSeen { head: head?, state: inputs.prior };
        }
        let came = came?;
        self.waited |=
            !prior.schedule.is_empty() || came.reading.is_some() || came.outputs.is_some();
        let begins = !std::mem::replace(&mut self.begun, true) && !prior.schedule.is_empty();
        if begins && !self.options.once {
            self.tell(Notice::Begins { schedule: &prior.schedule, now });
        }
        self.troubles = 0;
        self.tell(Notice::Well);
        self.unsure = false;
        self.reading = came.reading;
        let (acted, next) = (came.acted, self.next(&came));
        tell(&mut self.tally, came, audience);
        Ok((acted, next))
    }

    /// Chooses when to look again: at the next due time, after a failure's rest, or soon where a gate is closed.
    fn next(&mut self, came: &Came) -> Option<Timestamp> {
        let now = self.runner.clock.now();
        let poll = came.gate.map(|gate| match gate {
            Gate::Time => SignedDuration::from_secs(10),
            Gate::Unknown => SignedDuration::from_secs(60),
        });
        let poll = poll.and_then(|wait| now.saturating_add(wait).ok());
        [came.next, self.patience.next(now), poll, self.next_reading(now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Chooses when to look again for what is only read: when it can be, then less and less often where the lease is
    /// late. A clock that jumps would never meet whoever mends it.
    fn next_reading(&mut self, now: Timestamp) -> Option<Timestamp> {
        let at = self.reading?;
        if at > now {
            self.late = 0;
            return Some(at);
        }
        self.late = self.late.saturating_add(1);
        if self.runner.pace.jumps() && self.late > TROUBLES {
            return None;
        }
        let longest = longest_rest(self.runner.pace.jumps());
        now.saturating_add((self.runner.rules.rest)(self.late, longest)).ok()
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
        let condensed = match error {
            DriveError::Found(found) => Some(DriveError::Found(condensed(found))),
            DriveError::Store(_) | DriveError::Lock(_) | DriveError::Commit(_) => None,
        };
        self.tell(Notice::Trouble { error: condensed.as_ref().unwrap_or(error), again });
        again
    }

    /// Waits, and reads the state where somebody wrote it meanwhile; breaks where the run is to end.
    async fn rest(&mut self, next: Option<Timestamp>, seen: &mut LastSeen) -> ControlFlow<()> {
        let state = seen.state.clone();
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
        self.tell(Notice::Stopped { schedule: &seen.state.schedule, reading: self.reading, now });
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
