//! What is found for a lost create decides, and what it decides is a pure function.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use terrarium_provider::Candidate;

/// How long a request may still be on its way: only then does "not found" count.
const HORIZON: Duration = Duration::from_mins(1);

/// How long after its intent a request may still leave: a service may have had no time for it, and
/// said when to come again.
const LATEST_DEPARTURE: Duration = Duration::from_mins(10);

/// How exactly services tell when they made something: in seconds, by clocks that are nearly the same.
const GRAIN: SignedDuration = SignedDuration::from_secs(2);

/// What is to be done about an open create.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It made this object; the others (by index) are doubles of it.
    Adopt { index: usize, doubles: Vec<usize> },
    /// It never happened.
    NeverHappened,
    /// It is too early to tell; look again then.
    LookAgain(Timestamp),
}

/// When what is asked about happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When the create was recorded, by the engine's clock.
    pub(crate) recorded_at: Timestamp,
    /// The same by the service's clock, where that is known.
    pub(crate) cloud_at: Option<Timestamp>,
    /// When recovery began, or the reply was lost: whoever sent the request was gone by then.
    pub(crate) began: Timestamp,
}

/// Decides what candidates mean for a create.
pub(crate) fn decide(candidates: &[Candidate], times: Times, now: Timestamp) -> Verdict {
    let cloud_at = times.cloud_at;
    let marked: Vec<usize> = (0..candidates.len()).filter(|at| candidates[*at].marked).collect();
    // What is not marked and may have been there before is somebody's own.
    let aged = |at: &usize| {
        let made = candidates[*at].created_at.and_then(|made| made.checked_add(GRAIN).ok());
        made.is_some_and(|made| cloud_at.is_none_or(|intent| made >= intent))
    };
    let pool: Vec<usize> = if marked.is_empty() {
        (0..candidates.len()).filter(aged).collect()
    } else {
        marked.clone()
    };
    if let Some(oldest) = pool.iter().copied().min_by_key(|at| (candidates[*at].created_at, *at)) {
        // Only what carries the marker is certainly ours to remove.
        let doubles = marked.into_iter().filter(|at| *at != oldest).collect();
        return Verdict::Adopt { index: oldest, doubles };
    }
    let horizon = horizon(times);
    if now < horizon { Verdict::LookAgain(horizon) } else { Verdict::NeverHappened }
}

/// Returns until when a request may still arrive: only then does it count that nothing is found.
pub(crate) fn horizon(times: Times) -> Timestamp {
    let Times { recorded_at, began, .. } = times;
    let latest = recorded_at.saturating_add(LATEST_DEPARTURE).unwrap_or(began).min(began);
    latest.saturating_add(HORIZON).unwrap_or(latest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrarium_value::{Type, Value};

    fn candidate(marked: bool, created: impl Into<Option<i64>>) -> Candidate {
        Candidate {
            id: "x".into(),
            marked,
            created_at: created.into().and_then(|second| Timestamp::from_second(second).ok()),
            state: Value::null(Type::Dynamic),
            private: None,
            pending: None,
            lacks: None,
        }
    }

    fn times(recorded: i64, began: i64) -> Times {
        let at = |second| Timestamp::from_second(second).unwrap();
        Times { recorded_at: at(recorded), cloud_at: None, began: at(began) }
    }

    #[test]
    fn an_age_counts_by_the_clock_of_the_cloud() {
        let at = |second| Timestamp::from_second(second).unwrap();
        // The engine's clock is 300 s ahead of the cloud's.
        let times = Times { cloud_at: Some(at(700)), ..times(1_000, 1_000) };
        for (created, marked, adopted) in
            [(701, false, true), (698, false, true), (697, false, false), (1, true, true)]
        {
            let verdict = decide(&[candidate(marked, created)], times, at(1_001));
            let taken = matches!(verdict, Verdict::Adopt { .. });
            assert_eq!(taken, adopted, "{created} {marked}");
        }
    }

    #[test]
    fn what_is_found_decides_and_nothing_counts_only_after_the_horizon() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let adopt = |index, doubles: &[usize]| Verdict::Adopt { index, doubles: doubles.to_vec() };
        for (candidates, now, expected) in [
            (vec![], 10, Verdict::LookAgain(at(60))),
            (vec![], 60, Verdict::NeverHappened),
            (vec![candidate(true, 5)], 10, adopt(0, &[])),
            (vec![candidate(true, 9), candidate(true, 5)], 10, adopt(1, &[0])),
            // Without a marker nothing is removed: it may be somebody else's.
            (vec![candidate(false, 9), candidate(false, 5)], 10, adopt(1, &[])),
            (vec![candidate(false, 1), candidate(true, 5)], 10, adopt(1, &[])),
            // No age, no adoption; a marker needs none.
            (vec![candidate(false, None)], 10, Verdict::LookAgain(at(60))),
            (vec![candidate(false, None)], 60, Verdict::NeverHappened),
            (vec![candidate(false, None), candidate(false, 5)], 10, adopt(1, &[])),
            (vec![candidate(true, None)], 10, adopt(0, &[])),
        ] {
            assert_eq!(decide(&candidates, times(0, 0), at(now)), expected, "{candidates:?}");
        }
    }

    #[test]
    fn a_request_may_have_left_long_after_its_intent() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (began, now, expected) in [
            (200, 200, Verdict::LookAgain(at(260))),
            (200, 260, Verdict::NeverHappened),
            (9_000, 9_000, Verdict::NeverHappened),
        ] {
            assert_eq!(decide(&[], times(0, began), at(now)), expected);
        }
    }
}
