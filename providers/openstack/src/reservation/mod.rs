//! Blazar: leases, and what they reserve.
//!
//! A reservation can't be added to a lease or taken from it, so the lease is what is made and removed,
//! and reservations are its blocks; a convenience type is a lease with one block. Start at `rows.rs`,
//! then `plan.rs` (dates and what they mean) and `apply.rs` (what is sent).

mod advice;
mod apply;
mod arguments;
mod availability;
mod body;
mod calendar;
mod check;
mod claims;
mod data;
mod date;
mod dates;
mod errors;
mod filter;
mod lease;
mod lenders;
mod limits;
mod looks;
mod part;
mod plan;
mod recover;
mod refusal;
mod room;
mod rows;
mod rules;
mod shortage;
mod term;

pub(crate) use availability::AVAILABILITY_DATA;
pub(crate) use claims::check_units;
pub(crate) use data::{ALLOCATIONS_DATA, DEVICES_DATA, HOSTS_DATA, LEASE_DATA, NETWORKS_DATA};
pub(crate) use lenders::lenders;
pub(crate) use rows::{
    LEASE, ONLY_DEVICE, ONLY_FLAVOR, ONLY_FLOATINGIP, ONLY_HOST, ONLY_INSTANCE, ONLY_NETWORK,
};
