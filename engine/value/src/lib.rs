//! Terraform's types and values: unknowns with their causes, typed nulls, marks, conversion, codecs.
//!
//! A [`Value`] is shared and immutable, so it is cheap to clone. The semantics are those of cty as
//! Terraform 1.11 uses it; where Terraform shows text (console, `jsonencode`), the text is the same.

mod console;
mod convert;
mod entries;
mod equal;
mod float;
pub mod json;
mod marks;
mod number;
mod order;
mod shortest;
mod snapshot;
mod ty;
mod unify;
mod unknown;
mod value;
mod walk;

pub use console::{render, type_text};
pub use convert::{ConvertError, convert};
pub use entries::{Entries, Pairs, Parts};
pub use marks::Marks;
pub use number::{Number, NumberError};
pub use order::{compare, sorted_set};
pub use snapshot::{SnapshotError, from_snapshot, to_snapshot};
pub use ty::{ObjectType, Type};
pub use unify::{unify, unify_unsafe};
pub use unknown::{Cause, Causes, Refinements, Unknown, When};
pub use value::{Kind, Map, Value};
