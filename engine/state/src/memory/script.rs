//! The script of a simulated disk: what happens to each commit, drawn or listed.

use std::collections::VecDeque;

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is written and acknowledged.
    Written,
    /// It is written, and the acknowledgement is lost.
    HalfAcknowledged,
    /// It is not written, and nobody knows.
    Vanished,
    /// There is no room.
    Full,
    /// Another holder took the lock.
    Lost,
}

/// Decides the fate of each commit in turn.
#[derive(Clone, Debug)]
pub enum Script {
    /// All are written.
    Calm,
    /// These fates, in turn; all later commits are written.
    Listed(VecDeque<Fate>),
    /// Drawn from a seed: on average one in `one_in` commits goes wrong.
    Seeded {
        /// Where the generator stands.
        state: u64,
        /// How rare trouble is.
        one_in: u64,
    },
}

impl Script {
    pub(super) fn next(&mut self) -> Fate {
        match self {
            Self::Calm => Fate::Written,
            Self::Listed(fates) => fates.pop_front().unwrap_or(Fate::Written),
            Self::Seeded { state, one_in } => {
                if !draw(state).is_multiple_of((*one_in).max(1)) {
                    return Fate::Written;
                }
                match draw(state) % 4 {
                    0 => Fate::HalfAcknowledged,
                    1 => Fate::Vanished,
                    2 => Fate::Full,
                    _ => Fate::Lost,
                }
            }
        }
    }
}

/// `SplitMix64`: small, and good enough to choose faults.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
