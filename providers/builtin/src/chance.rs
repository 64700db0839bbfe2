//! Randomness as an argument: the operating system's, or a seeded one that repeats itself.

use std::sync::{Mutex, PoisonError};

use terrarium_diagnostic::{Diagnostic, Diagnostics};

use crate::codes;

/// Source of random bytes.
pub trait Chance: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoChance>;
}

/// Why no random bytes came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoChance {
    /// The operating system's words.
    pub message: String,
}

/// The operating system's generator, fit for passwords.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsChance;

impl Chance for OsChance {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(buffer).map_err(|error| NoChance { message: error.to_string() })
    }
}

/// A generator that gives the same bytes for the same seed: for simulation, and for `seed` arguments.
#[derive(Debug)]
pub struct SeededChance(Mutex<blake3::OutputReader>);

impl SeededChance {
    /// Starts a sequence.
    pub fn new(seed: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(seed.as_bytes());
        Self(Mutex::new(hasher.finalize_xof()))
    }
}

impl Chance for SeededChance {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoChance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(buffer);
        Ok(())
    }
}

/// Bytes that are asked for at once, so that a text of ordinary length costs one system call.
const BATCH: usize = 256;

/// Draws numbers from a source of chance.
pub(crate) struct Draw<'a> {
    chance: &'a dyn Chance,
    buffer: [u8; BATCH],
    used: usize,
}

impl<'a> Draw<'a> {
    pub(crate) fn new(chance: &'a dyn Chance) -> Self {
        Self { chance, buffer: [0; BATCH], used: BATCH }
    }

    /// Returns random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> Result<[u8; N], Diagnostics> {
        let mut bytes = [0; N];
        self.chance.fill(&mut bytes).map_err(|error| refusal(&error))?;
        Ok(bytes)
    }

    /// Fills a buffer of any length.
    pub(crate) fn fill(&self, buffer: &mut [u8]) -> Result<(), Diagnostics> {
        self.chance.fill(buffer).map_err(|error| refusal(&error))
    }

    /// Returns a number from 0 up to and without `bound`, each with the same likelihood; 0 for 0.
    pub(crate) fn below(&mut self, bound: u64) -> Result<u64, Diagnostics> {
        if bound == 0 {
            return Ok(0);
        }
        // Words beyond the last whole multiple of the bound are drawn again, or low numbers would be likelier.
        let excess = (u64::MAX % bound).wrapping_add(1) % bound;
        loop {
            let word = self.word()?;
            if word <= u64::MAX - excess {
                return Ok(word % bound);
            }
        }
    }

    /// Returns one of the items; `None` where there is none.
    pub(crate) fn pick<'i, T>(&mut self, items: &'i [T]) -> Result<Option<&'i T>, Diagnostics> {
        let at = self.below(items.len() as u64)?;
        Ok(usize::try_from(at).ok().and_then(|at| items.get(at)))
    }

    /// Puts the items into random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) -> Result<(), Diagnostics> {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1)?;
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
        Ok(())
    }

    fn word(&mut self) -> Result<u64, Diagnostics> {
        if self.used + 8 > BATCH {
            self.chance.fill(&mut self.buffer).map_err(|error| refusal(&error))?;
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.buffer[self.used..self.used + 8]);
        self.used += 8;
        Ok(u64::from_le_bytes(word))
    }
}

fn refusal(error: &NoChance) -> Diagnostics {
    Diagnostic::error(codes::CHANCE, "No random numbers")
        .detail(format!("The operating system gave no random bytes: {error}."))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_differs_from_others() {
        let drawn = |seed| Draw::new(&SeededChance::new(seed)).bytes::<16>().unwrap();
        assert_eq!(drawn("a"), drawn("a"));
        assert_ne!(drawn("a"), drawn("b"));
        assert_ne!(
            Draw::new(&OsChance).bytes::<16>().unwrap(),
            Draw::new(&OsChance).bytes::<16>().unwrap()
        );
    }

    #[test]
    fn every_number_below_the_bound_comes_and_none_beyond() {
        let chance = SeededChance::new("dice");
        let mut draw = Draw::new(&chance);
        let mut seen = [0u32; 6];
        for _ in 0..6_000 {
            seen[usize::try_from(draw.below(6).unwrap()).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(draw.below(0).unwrap(), 0);
        assert_eq!(draw.below(1).unwrap(), 0);
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let chance = SeededChance::new("cards");
        let mut cards: Vec<u32> = (0..52).collect();
        Draw::new(&chance).shuffle(&mut cards).unwrap();
        assert_ne!(cards, (0..52).collect::<Vec<_>>());
        cards.sort_unstable();
        assert_eq!(cards, (0..52).collect::<Vec<_>>());
    }
}
