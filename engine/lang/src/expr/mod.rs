//! Expressions: compiled once, evaluated per instance.

mod reference;
mod scope;

pub use reference::{KeyRef, Reference, Subject};
pub use scope::{EachPart, Environment, Files, PathPart, Scope, ScopeResult, TerraformPart};
