//! How often a due action that fails is tried again, and when it is given up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use terrarium_address::ResourceAddr;
use terrarium_state::{Scheduled, Trials};

use crate::came::Prospect;
use crate::rules::{Rules, longest_rest};

/// Most attempts where a clock jumps and no window ends the matter: nobody is met who would say stop.
const ATTEMPTS: u32 = 12;
/// How often what an action left broken may be deleted and made anew.
const RECREATIONS: u32 = 3;

/// What is known of the actions that failed. The store keeps it with the schedule: a process forgets.
#[derive(Debug)]
pub(crate) struct Patience {
    rules: Rules,
    trials: BTreeMap<ResourceAddr, Trials>,
    /// What this process gives up although the store would go on: nothing ends it, and nobody is met.
    given_up: BTreeSet<ResourceAddr>,
    /// Whether the clock jumps.
    jumps: bool,
}

impl Patience {
    pub(crate) fn new(rules: Rules, jumps: bool) -> Self {
        Self { rules, trials: BTreeMap::new(), given_up: BTreeSet::new(), jumps }
    }

    /// Takes over what the store knows; what was approved anew is as if it had never failed.
    pub(crate) fn learn(&mut self, schedule: &[Scheduled]) {
        let tried = schedule.iter().filter(|entry| entry.trials != Trials::default());
        self.trials = tried.map(|entry| (entry.addr.clone(), entry.trials)).collect();
        self.given_up.retain(|addr| self.trials.contains_key(addr));
    }

    /// Lists the entries of which more is known than the store has, as it is to have them.
    pub(crate) fn news(&self, schedule: &[Scheduled]) -> Vec<Scheduled> {
        let news = schedule.iter().filter_map(|entry| {
            let trials = self.trials.get(&entry.addr).copied().unwrap_or_default();
            (trials != entry.trials).then(|| Scheduled { trials, ..entry.clone() })
        });
        news.collect()
    }

    /// Notes a failure; returns what comes next. Tries go on until the window closes.
    pub(crate) fn failed(
        &mut self,
        addr: &ResourceAddr,
        now: Timestamp,
        open_until: Option<Timestamp>,
    ) -> Prospect {
        let trials = self.trials.entry(addr.clone()).or_default();
        trials.failures = trials.failures.saturating_add(1);
        let rest = (self.rules.rest)(trials.failures, longest_rest(self.jumps));
        let again = now.saturating_add(rest).unwrap_or(Timestamp::MAX);
        let prospect = match open_until {
            // What closes is looked at once more, so that it is told what was missed.
            Some(until) if until <= again => Prospect::Closes(until),
            None if self.jumps && trials.failures >= ATTEMPTS => Prospect::GivenUp,
            _ => Prospect::Again(again),
        };
        trials.again = match prospect {
            Prospect::Again(at) | Prospect::Closes(at) => Some(at),
            Prospect::GivenUp => None,
        };
        if prospect == Prospect::GivenUp {
            self.given_up.insert(addr.clone());
        }
        prospect
    }

    /// Notes that a broken object is deleted and made anew; returns whether that is still allowed.
    pub(crate) fn recreates(&mut self, addr: &ResourceAddr) -> bool {
        let trials = self.trials.entry(addr.clone()).or_default();
        trials.recreations = trials.recreations.saturating_add(1).min(RECREATIONS + 1);
        trials.recreations <= RECREATIONS
    }

    /// Forgets an action that was carried out.
    pub(crate) fn done(&mut self, addr: &ResourceAddr) {
        self.trials.remove(addr);
        self.given_up.remove(addr);
    }

    /// Returns whether an action is left alone until somebody approves it anew, or its window closes.
    pub(crate) fn is_given_up(&self, addr: &ResourceAddr) -> bool {
        let broken = |trials: &Trials| trials.recreations > RECREATIONS;
        self.given_up.contains(addr) || self.trials.get(addr).is_some_and(broken)
    }

    /// Returns whether a scheduled action is left alone now: until it is tried again, or until it can't be any more.
    pub(crate) fn rests(&self, entry: &Scheduled, now: Timestamp) -> bool {
        if self.is_given_up(&entry.addr) {
            return entry.schedule.not_after.is_none_or(|closes| now < closes);
        }
        let again = self.trials.get(&entry.addr).and_then(|trials| trials.again);
        again.is_some_and(|again| now < again)
    }

    /// Returns when the next action may be tried again.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let trials = self.trials.iter().filter(|(addr, _)| !self.is_given_up(addr));
        trials.filter_map(|(_, trials)| trials.again).filter(|again| *again > now).min()
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
            trials: Trials::default(),
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

    /// What the store was told is known to the next process, and forgotten with the entry, or where somebody approved
    /// it anew.
    #[test]
    fn patience_outlives_the_process() {
        let mut schedule = vec![entry(Some(at(10_000)))];
        for round in 1..=5 {
            let mut process = patience(false);
            process.learn(&schedule);
            assert_eq!(process.recreates(&schedule[0].addr), round <= 3);
            process.failed(&schedule[0].addr.clone(), at(0), Some(at(10_000)));
            schedule = process.news(&schedule);
            assert_eq!((schedule.len(), schedule[0].trials.failures), (1, round));
        }
        let mut process = patience(false);
        process.learn(&schedule);
        assert!(process.rests(&schedule[0], at(9_000)) && process.next(at(0)).is_none());
        assert!(process.news(&schedule).is_empty());
        process.learn(&[entry(Some(at(10_000)))]);
        assert!(!process.rests(&schedule[0], at(0)));
        process.learn(&[]);
        assert!(process.trials.is_empty());
    }
}
