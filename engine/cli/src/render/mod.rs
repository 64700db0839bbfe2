//! Data to text for people: plans, states, outputs, diagnostics, progress.

pub(crate) mod alike;
pub mod diagnostics;
pub(crate) mod diff;
pub(crate) mod excerpt;
pub mod instant;
pub mod outputs;
pub(crate) mod paint;
pub mod plan;
pub mod progress;
pub mod reference;
pub(crate) mod schedule;
pub(crate) mod slices;
pub mod summary;
pub(crate) mod text;
pub mod timeline;
pub mod wrap;

pub use paint::plain;
