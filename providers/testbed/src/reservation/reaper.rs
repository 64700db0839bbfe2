//! Chameleon's reaper of idle leases: hosts that nobody uses go back to the others.
//!
//! It looks at a lease 9 hours after its start and deletes it if no server was ever put on its
//! hosts. The mail that warns its owner 3 hours before reaches nobody in this world. It works
//! where the settings say so.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    lease::{self, Lease, LeaseStatus, Reservation},
    leases,
};
use crate::{cloud::Cloud, due::What, reply::Outcome};

/// How long a lease may stand idle (hammers, `unutilized_lease_reaper.py`).
const GRACE: SignedDuration = SignedDuration::from_hours(9);

/// Member of a reservation that tells that a server was put on its hosts.
const USED: &str = "_used";

fn has_hosts(reservation: &Reservation) -> bool {
    reservation.resource_type == "physical:host"
}

/// Puts a lease that starts on the reaper's list, if it has hosts.
pub(super) fn watch(cloud: &Cloud<'_>, lease: &Lease) -> Outcome<()> {
    if !lease.reservations.iter().any(has_hosts) {
        return Ok(());
    }
    let due = lease.start.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
    cloud.at(due.max(cloud.now), What::LeaseIdle, &lease.id)
}

/// Notes that a server was put on a reservation's hosts.
pub(super) fn note_use(cloud: &Cloud<'_>, reservation: &str) -> Outcome<()> {
    let Some(mut lease) = lease::of_reservation(cloud, reservation)? else { return Ok(()) };
    let mine = lease.reservations.iter_mut().find(|one| one.id == reservation);
    let Some(mine) = mine.filter(|one| !one.own.contains_key(USED)) else { return Ok(()) };
    mine.own.insert(USED.to_owned(), json!(true));
    lease::save(cloud, &lease)
}

/// Deletes a lease that runs and whose hosts nobody has used.
pub(crate) fn reap(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    let used = lease.reservations.iter().any(|one| one.own.contains_key(USED));
    if !cloud.settings.idle_reaper || used || lease.status != LeaseStatus::Active {
        return Ok(());
    }
    leases::delete_now(cloud, &mut lease)
}
