//! Integration tests of the language, one binary.

mod config;
mod expectations;
