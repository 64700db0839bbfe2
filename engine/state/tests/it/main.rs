//! The stores, Terraform's state files, adoption and editing, through the crate's own door.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod adopt;
mod damage;
mod edit;
mod format;
mod kill;
mod lock;
mod property;
mod sample;
mod suite;
mod trust;
mod v4;
mod workspace;
