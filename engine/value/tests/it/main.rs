//! Tests of values against what Terraform 1.11.4 was measured to print.

mod convert;
mod json;
mod numbers;
mod sets;
mod snapshot;
mod walk;
