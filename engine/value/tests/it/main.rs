//! Tests of values against what Terraform 1.11.4 was measured to print.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod convert;
mod json;
mod numbers;
mod sets;
mod snapshot;
mod walk;
