//! What programs read: twins of the engine's types, with a version, converted by hand.
//!
//! Renaming a field inside must never break somebody's script, so nothing inside derives
//! `Serialize` for output.

pub mod diagnostic;
mod indent;
pub mod outputs;
pub mod plan;
mod resource;
pub mod schema;
pub mod state;
pub mod stream;
pub(crate) mod time;
pub mod timeline;
mod value;

pub use indent::indent;
pub(crate) use resource::provider_name;
pub use value::{Secrets, sensitive_shape, text, unknown_shape};

use serde::Serialize;
use serde_json::value::RawValue;

/// The Terraform version whose JSON this is, and whose language is implemented.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// Wraps JSON text; null where it is none.
pub(crate) fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Returns a document on one line.
pub(crate) fn compact(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_else(|error| {
        debug_assert!(false, "a twin can always be written: {error}");
        "null".to_owned()
    })
}

/// Returns a document over several lines, indented by two.
pub(crate) fn pretty(document: &impl Serialize) -> String {
    indent(&compact(document))
}
