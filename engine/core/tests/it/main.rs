//! The engine from text to text, over a scripted provider, a cloud in memory and a store in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod cases;
mod chains;
mod counts;
mod crash;
mod edits;
mod failures;
mod fake;
mod keep;
mod scene;
mod semester;
mod show;
mod whole;
