//! How often a due action that fails is tried again, and when it is given up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_state::Scheduled;

use crate::came::Prospect;
use crate::rules::{Rules, longest_rest};

/// Most attempts where a clock jumps and no window ends the matter: nobody is met who would say stop.
const ATTEMPTS: u32 = 12;
/// How often what an action left broken may be deleted and made anew.
const RECREATIONS: u32 = 3;

/// What is known of the actions that failed.
#[derive(Debug)]
pub(crate) struct Patience {
    rules: Rules,
    trials: BTreeMap<ResourceAddr, Trial>,
    /// Whether nobody is met meanwhile, so that what nothing ends is given up.
    jumps: bool,
}

#[derive(Debug, Default)]
struct Trial {
    failures: u32,
    recreations: u32,
    /// When it is looked at again; `None`: it is given up.
    again: Option<Timestamp>,
}

impl Patience {
    pub(crate) fn new(rules: Rules, jumps: bool) -> Self {
        Self { rules, trials: BTreeMap::new(), jumps }
    }

    /// Notes a failure; returns what comes next. Tries go on until the window closes.
    pub(crate) fn failed(
        &mut self,
        addr: &ResourceAddr,
        now: Timestamp,
        open_until: Option<Timestamp>,
    ) -> Prospect {
        let trial = self.trials.entry(addr.clone()).or_default();
        trial.failures = trial.failures.saturating_add(1);
        let rest = (self.rules.rest)(trial.failures, longest_rest(self.jumps));
        let again = now.saturating_add(rest).unwrap_or(Timestamp::MAX);
        let prospect = match open_until {
            Some(until) if until <= again => Prospect::Closes(until),
            None if self.jumps && trial.failures >= ATTEMPTS => Prospect::GivenUp,
            _ => Prospect::Again(again),
        };
        trial.again = match prospect {
            // What closes is looked at once more, so that it is told what was missed.
            Prospect::Again(at) | Prospect::Closes(at) => Some(at),
            Prospect::GivenUp => None,
        };
        prospect
    }

    /// Notes that a broken object is deleted and made anew; returns whether that is still allowed.
    pub(crate) fn recreates(&mut self, addr: &ResourceAddr) -> bool {
        let trial = self
            .trials
            .entry(addr.clone())
            .or_insert_with(|| Trial { again: Some(Timestamp::MIN), ..Trial::default() });
        trial.recreations = trial.recreations.saturating_add(1);
        if trial.recreations > RECREATIONS {
            trial.again = None;
        }
        trial.recreations <= RECREATIONS
    }

    /// Forgets an action that was carried out.
    pub(crate) fn done(&mut self, addr: &ResourceAddr) {
        self.trials.remove(addr);
    }

    /// Forgets all that is not scheduled any more.
    pub(crate) fn keep(&mut self, scheduled: &BTreeSet<&ResourceAddr>) {
        self.trials.retain(|addr, _| scheduled.contains(addr));
    }

    /// Returns whether a scheduled action is left alone now: until it is tried again, or until it can't be any more.
    pub(crate) fn rests(&self, entry: &Scheduled, now: Timestamp) -> bool {
        let closes = entry.schedule.not_after;
        self.trials
            .get(&entry.addr)
            .is_some_and(|trial| trial.again.or(closes).is_none_or(|again| now < again))
    }

    /// Returns when the next action may be tried again.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.trials.values().filter_map(|trial| trial.again).filter(|again| *again > now).min()
    }
}

#[cfg(test)]
mod tests {
    use terrarium_provider::{Action, Schedule};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn patience(jumps: bool) -> Patience {
        Patience::new(Rules::default(), jumps)
    }

    fn entry(not_after: Option<Timestamp>) -> Scheduled {
        Scheduled {
            addr: "lab_server.gpu".parse().unwrap(),
            deposed: None,
            action: Action::Create,
            schedule: Schedule { not_before: None, not_after },
            reason: String::new(),
            approval: None,
            inputs: BTreeMap::new(),
        }
    }

    #[test]
    fn tries_go_on_with_growing_rests_until_the_window_closes() {
        let until = at(14 * 86_400);
        let entry = entry(Some(until));
        for jumps in [false, true] {
            let mut patience = patience(jumps);
            let (mut now, mut tries) = (at(0), 0);
            while let Prospect::Again(again) = patience.failed(&entry.addr, now, Some(until)) {
                let rest = again.duration_since(now).as_secs();
                let longest = longest_rest(jumps).as_secs();
                assert!((30..=longest).contains(&rest), "{rest}");
                assert!(patience.rests(&entry, now) && !patience.rests(&entry, again));
                assert_eq!(patience.next(now), Some(again));
                (now, tries) = (again, tries + 1);
            }
            let (left, many) = (until.duration_since(now), if jumps { 60 } else { 1_300 });
            assert!(left <= longest_rest(jumps) && tries > many, "{tries}, {now}");
            // It is looked at once more, to tell that it was missed.
            assert_eq!(patience.next(now), Some(until));
            assert!(patience.rests(&entry, now) && !patience.rests(&entry, until));
            patience.done(&entry.addr);
            assert!(!patience.rests(&entry, at(0)));
        }
    }

    #[test]
    fn without_a_window_only_a_clock_that_jumps_ends_it() {
        let entry = entry(None);
        let tries = |mut patience: Patience| {
            let mut tries = 0..5_000;
            tries.position(|_| patience.failed(&entry.addr, at(0), None) == Prospect::GivenUp)
        };
        assert_eq!(tries(patience(true)), Some(11));
        assert_eq!(tries(patience(false)), None);
    }

    #[test]
    fn what_is_broken_is_made_anew_three_times() {
        let (open, closing) = (entry(None), entry(Some(at(100))));
        let mut patience = patience(false);
        let allowed: Vec<bool> = (0..4).map(|_| patience.recreates(&open.addr)).collect();
        assert_eq!(allowed, [true, true, true, false]);
        assert!(patience.rests(&open, at(99_999)), "what is given up is left alone");
        assert!(patience.rests(&closing, at(99)) && !patience.rests(&closing, at(100)));
    }

    #[test]
    fn what_is_not_scheduled_any_more_is_forgotten() {
        let entry = entry(None);
        let mut patience = patience(false);
        patience.failed(&entry.addr, at(0), None);
        patience.keep(&[&entry.addr].into());
        assert!(patience.rests(&entry, at(0)));
        patience.keep(&BTreeSet::new());
        assert!(!patience.rests(&entry, at(0)));
    }
}
