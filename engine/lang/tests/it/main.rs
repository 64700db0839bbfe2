//! Integration tests of the language, one binary.

mod config;
mod conformance;
mod expectations;
mod fmt;
