//! What a run decides by: pure functions. Fault injection replaces one, to see that somebody notices.

use jiff::{SignedDuration, Timestamp};
use terrarium_core::{Plan, Turn};
use terrarium_state::State;

/// The first rest after a failure; each further one is twice as long.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
/// The longest rest: whoever mends a cloud or a quota waits no longer than this to see that it was noticed.
pub const LONGEST_REST: SignedDuration = SignedDuration::from_mins(15);

/// The longest rest by a clock that jumps.
const LONGEST_JUMP: SignedDuration = SignedDuration::from_hours(6);

/// What a run decides by.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Splits a plan into what is due and approved as it is, what is held back, and what still waits.
    pub split: fn(Plan, &State, Timestamp) -> Turn,
    /// Returns for how long somebody rests who failed so often in a row; the second is the longest rest.
    pub rest: fn(u32, SignedDuration) -> SignedDuration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { split: terrarium_core::turn, rest: growing }
    }
}

/// Doubles the rest with each failure.
fn growing(failures: u32, longest: SignedDuration) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.checked_mul(1 << doublings).unwrap_or(longest).min(longest)
}

/// Returns the longest rest: where the clock jumps nobody mends anything meanwhile, and a window of weeks is run
/// through in seconds.
pub(crate) fn longest_rest(jumps: bool) -> SignedDuration {
    if jumps { LONGEST_JUMP } else { LONGEST_REST }
}

#[cfg(test)]
mod tests {
    use super::{growing, longest_rest};

    #[test]
    fn rests_double_up_to_a_quarter_of_an_hour() {
        let rests = |jumps| -> Vec<i64> {
            let failures = (1..=8).chain([1_000_000]);
            failures.map(|n| growing(n, longest_rest(jumps)).as_secs()).collect()
        };
        assert_eq!(rests(false), [30, 60, 120, 240, 480, 900, 900, 900, 900]);
        assert_eq!(rests(true), [30, 60, 120, 240, 480, 960, 1_920, 3_840, 21_600]);
    }
}
