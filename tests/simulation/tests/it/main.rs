//! Seeds: each is a world in which much goes wrong, and which must be in order afterwards.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod seeds;
mod semesters;
