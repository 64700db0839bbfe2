//! Expressions: compiled once, evaluated per instance.
//!
//! `compile` makes nodes of the parser's syntax tree and notes what they refer to; `eval` walks the nodes
//! over the values of a [`Scope`]. What a result inherits from its operands (marks, causes of unknown
//! values) is united in `eval::Heritage` alone.

mod body;
mod codes;
mod compile;
mod constraint;
mod eval;
mod expression;
pub(crate) mod frame;
mod index_step;
pub(crate) mod limits;
mod node;
mod parts;
mod reference;
pub(crate) mod scope;

pub use crate::origin::Origin;
pub use body::Body;
pub(crate) use body::Place;
pub use codes::CODES;
pub(crate) use compile::{compile, compile_template};
pub use constraint::Defaults;
pub(crate) use constraint::parse_type;
pub(crate) use eval::Evaluator;
pub use expression::Expr;
pub use frame::{Binding, Frame};
pub use limits::{LIMITS_VARIABLE, Limits};
pub use parts::{EachPart, PathPart, TerraformPart};
pub use reference::{KeyRef, Reference, Subject};
pub use scope::{Environment, Files, Freed, Scope, ScopeResult};
