//! How often a due action that fails is tried again, and when it is given up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use terrarium_address::ResourceAddr;

/// The first rest after a failure; each further one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
/// The longest rest.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// Most attempts where no window ends the matter: about an hour.
const ATTEMPTS: u32 = 12;
/// How often what an action left broken may be deleted and made anew.
const RECREATIONS: u32 = 3;

/// What is known of the actions that failed.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    trials: BTreeMap<ResourceAddr, Trial>,
    /// Whether attempts are counted although a window is open: a clock that jumps runs through a week of them
    /// in no time.
    counts: bool,
}

#[derive(Debug, Default)]
struct Trial {
    failures: u32,
    recreations: u32,
    /// When it may be tried again; `None`: it is given up.
    again: Option<Timestamp>,
}

impl Patience {
    /// Builds a patience that counts attempts even inside a window.
    pub(crate) fn counting(counts: bool) -> Self {
        Self { counts, ..Self::default() }
    }

    /// Notes a failure; returns when to try again, or `None` where it is given up.
    pub(crate) fn failed(
        &mut self,
        addr: &ResourceAddr,
        now: Timestamp,
        open_until: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let counts = self.counts;
        let trial = self.trials.entry(addr.clone()).or_default();
        trial.failures += 1;
        let doublings = (trial.failures - 1).min(16);
        let rest = FIRST.checked_mul(1 << doublings).unwrap_or(LONGEST).min(LONGEST);
        let again = now.saturating_add(rest).ok();
        let fits = |at: &Timestamp| match open_until {
            Some(until) if !counts => *at < until,
            Some(until) => *at < until && trial.failures < ATTEMPTS,
            None => trial.failures < ATTEMPTS,
        };
        trial.again = again.filter(fits);
        trial.again
    }

    /// Notes that a broken object is deleted and made anew; returns whether that is still allowed.
    pub(crate) fn recreates(&mut self, addr: &ResourceAddr) -> bool {
        let trial = self
            .trials
            .entry(addr.clone())
            .or_insert_with(|| Trial { again: Some(Timestamp::MIN), ..Trial::default() });
        trial.recreations += 1;
        if trial.recreations > RECREATIONS {
            trial.again = None;
        }
        trial.recreations <= RECREATIONS
    }

    /// Forgets an action that was carried out.
    pub(crate) fn done(&mut self, addr: &ResourceAddr) {
        self.trials.remove(addr);
    }

    /// Returns whether an action is left alone now.
    pub(crate) fn rests(&self, addr: &ResourceAddr, now: Timestamp) -> bool {
        self.trials.get(addr).is_some_and(|trial| trial.again.is_none_or(|again| now < again))
    }

    /// Returns when the next action may be tried again.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.trials.values().filter_map(|trial| trial.again).filter(|again| *again > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn rests_double_up_to_ten_minutes_and_end_with_the_window() {
        let addr: ResourceAddr = "lab_server.gpu".parse().unwrap();
        let mut patience = Patience::default();
        for rest in [30, 60, 120, 240, 480, 600, 600] {
            assert_eq!(patience.failed(&addr, at(0), Some(at(10_000))), Some(at(rest)));
        }
        assert!(patience.rests(&addr, at(599)) && !patience.rests(&addr, at(600)));
        assert_eq!(patience.next(at(0)), Some(at(600)));
        assert_eq!(patience.failed(&addr, at(9_500), Some(at(10_000))), None);
        assert!(patience.rests(&addr, at(99_999)), "what is given up is left alone");
        patience.done(&addr);
        assert!(!patience.rests(&addr, at(0)));
    }

    #[test]
    fn without_a_window_attempts_are_counted() {
        let addr: ResourceAddr = "lab_server.gpu".parse().unwrap();
        let mut patience = Patience::default();
        let tries = (0..50).take_while(|_| patience.failed(&addr, at(0), None).is_some()).count();
        assert_eq!(tries, 11);
    }

    #[test]
    fn what_is_broken_is_made_anew_three_times() {
        let addr: ResourceAddr = "lab_server.gpu".parse().unwrap();
        let mut patience = Patience::default();
        let allowed: Vec<bool> = (0..4).map(|_| patience.recreates(&addr)).collect();
        assert_eq!(allowed, [true, true, true, false]);
        assert!(patience.rests(&addr, at(0)));
    }
}
