//! Sources, spans and diagnostics: what is wrong, where, why, and what to do.
//!
//! Diagnostics are data. Nothing here renders; `engine/cli` turns them into text and JSON.

mod codes;
mod diagnostic;
mod source;

pub use codes::{Code, CodeRow};
pub use diagnostic::{Diagnostic, Diagnostics, Label, Origin, Severity, nearest};
pub use source::{FileId, Source, Sources, Span};
