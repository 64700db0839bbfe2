//! Chance: one generator from which all faults of a world are drawn.

/// Draws numbers; the same ones for the same seed.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts a sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// Draws a number (`SplitMix64`).
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number below `bound`; 0 for 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound.max(1)
    }

    /// Draws an index below `len`; 0 for 0.
    pub fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or_default()
    }

    /// Returns whether something rare happens; never for 0.
    pub fn one_in(&mut self, rare: u64) -> bool {
        rare > 0 && self.below(rare) == 0
    }

    /// Draws one of several; `None` where there is none.
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = self.index(all.len());
        all.get(at).cloned()
    }
}
