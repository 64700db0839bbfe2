//! The stores, Terraform's state files, adoption and editing, through the crate's own door.

mod adopt;
mod damage;
mod edit;
mod kill;
mod lock;
mod sample;
mod suite;
mod v4;
mod workspace;
