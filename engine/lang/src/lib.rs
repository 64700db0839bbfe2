//! The language: source text to syntax to configuration, expressions and their evaluation, `fmt`.
//!
//! No syntax tree leaves this crate: a [`Configuration`] holds plain data, [`Expr`] and [`Body`] are
//! compiled and opaque. Read in this order: [`config`] (what a configuration is), [`expr`] (what an
//! expression may refer to, and how it is evaluated).

pub mod config;
pub mod expr;
pub mod tfvars;

mod block_ref;
mod codes;
mod files;
mod fmt;
mod functions;
mod origin;
mod syntax;
mod unexpected;

pub use codes::CODES;
pub use config::Configuration;
pub use expr::{Body, Expr, Scope};
pub use files::{SourcesWithin, StdFiles, StdStreams};
pub use fmt::fmt;
pub use functions::{Function, Param, all as functions};
