//! Whole cycles on the testbed, SIGKILLs in the middle of them, and the rules of the house.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that can't go on has failed, and figures of a test are for its reader"
)]

mod addresses;
mod busy;
mod circles;
mod cycle;
mod elsewhere;
mod failing;
mod fence;
mod first_slice;
mod kills;
mod leases;
mod limits;
mod lost;
mod order;
mod readme;
mod realms;
mod reference;
mod refused;
mod rehearsal;
mod rules;
mod signals;
mod tidy;
mod unlocked;
mod windows;
