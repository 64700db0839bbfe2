//! Terraform's state file, format 4: read and written without loss.
//!
//! What Terraform 1.11.4 wrote comes back byte for byte: values stay JSON text, so numbers keep every
//! digit, and the writer follows Go's `MarshalIndent`. What is ours alone (intents, schedule, what is
//! ended) is not written.

mod json;
mod read;
mod write;

pub use read::{LARGEST_BYTES, V4Error, read, read_within};
pub use write::{TERRAFORM_VERSION, write};
