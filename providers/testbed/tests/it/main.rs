//! The testbed from outside: cases as text, and laws that hold for every world.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it needs and fails where that is missing"
)]

mod cases;
mod cloud;
mod comparison;
mod killed;
mod laws;
mod leases;
mod load;
mod real;
mod served;
