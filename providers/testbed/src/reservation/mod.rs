//! Blazar v1 with Chameleon's additions: leases, and what they reserve when.
//!
//! A lease has reservations, one per kind of thing; each kind is a [`Plugin`], a row that says how
//! it is allocated, changed, started and ended. The calendar ([`allocation`]) holds what is taken
//! when. The manager looks for due events every ten seconds of the world's clock.

pub(crate) mod allocation;
pub(crate) mod date;
pub(crate) mod enforce;
pub(crate) mod filter;
pub(crate) mod inventory;
pub(crate) mod lease;

use crate::{cloud::Cloud, json::Body, reply::Outcome, site::Site};

use lease::{Lease, Reservation, Window};

/// A kind of thing that can be reserved.
pub(crate) struct Plugin {
    /// `resource_type` in requests and answers.
    pub(crate) resource_type: &'static str,
    /// Tells whether a site lends it.
    pub(crate) offered: fn(&Site) -> bool,
    /// Checks a request's member of `reservations`, takes what it asks for in the lease's window,
    /// and writes what is shown into `own`. The lease has no other reservations saved yet.
    pub(crate) reserve: fn(&Cloud<'_>, &Lease, &mut Reservation, &Body) -> Outcome<()>,
    /// Changes what is asked for (the members of `given`) and moves it to `window`; the lease is
    /// still as it was. What was refused is undone by the caller.
    pub(crate) update: fn(&Cloud<'_>, &Lease, &mut Reservation, &Change<'_>) -> Outcome<()>,
    /// Hands the things over to the project.
    pub(crate) start: fn(&Cloud<'_>, &Lease, &mut Reservation) -> Outcome<()>,
    /// Takes them back, with everything that stands on them; also what has not been started.
    pub(crate) end: fn(&Cloud<'_>, &Lease, &mut Reservation) -> Outcome<()>,
}

/// What an update asks of a reservation.
pub(crate) struct Change<'u> {
    /// The lease's new window.
    pub(crate) window: Window,
    /// The request's members of the reservation; empty where only dates change.
    pub(crate) given: &'u Body,
}
