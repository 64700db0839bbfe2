//! Integration tests of the language, one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod body;
mod config;
mod conformance;
mod constraints;
mod expectations;
mod expressions;
mod fmt;
mod laws;
mod tfvars;
mod tokens;
