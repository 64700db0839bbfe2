//! `physical:host`: whole nodes, and what becomes of their servers.

use serde_json::json;
use uuid::Uuid;

use super::{
    Change, Plugin,
    allocation::{self, Pool},
    counted::{self, Counted},
    inventory::{self, Resource},
    lease::{self, Lease, Reservation, ReservationStatus},
    malformed,
};
use crate::{
    cloud::Cloud,
    compute,
    json::Body,
    reply::Outcome,
    site::{Hardware, Site},
};

pub(super) const HOST: Plugin =
    Plugin { resource_type: "physical:host", offered, reserve, update, start, end };

const HOSTS: Counted = Counted {
    pool: Pool::Hosts,
    filters: &["hypervisor_properties", "resource_properties"],
    before_end: &["", "default", "email", "snapshot"],
    // chi-in-a-box, `kolla/defaults.yml`.
    default: Some(("node_type", "compute_skylake")),
    not_enough: "Not enough hosts available",
};

/// How a seat begins that is a host.
const SEAT: &str = "host:";

fn offered(site: &Site) -> bool {
    site.hardware == Hardware::BareMetal
}

fn reserve(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    let on_start = given.get("on_start").cloned().unwrap_or_else(|| json!("default"));
    let known = on_start.as_str().is_some_and(|word| match word.strip_prefix("orchestration:") {
        Some(stack) => Uuid::try_parse(stack).is_ok(),
        None => ["", "default"].contains(&word),
    });
    HOSTS.reserve(cloud, lease, reservation, given)?;
    if !known {
        return Err(malformed("on_start"));
    }
    reservation.own.insert("on_start".to_owned(), on_start);
    Ok(())
}

fn update(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    HOSTS.update(cloud, lease, reservation, change)
}

#[expect(clippy::unnecessary_wraps, reason = "a hook, of which others can fail")]
fn start(_: &Cloud<'_>, _: &Lease, _: &mut Reservation) -> Outcome<()> {
    Ok(())
}

fn end(cloud: &Cloud<'_>, _: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    for host in allocation::of_reservation(cloud, &reservation.id)? {
        compute::build::evict(cloud, &seat(&host), &reservation.id)?;
    }
    allocation::drop_all(cloud, &reservation.id)
}

/// Returns what a server notes of the host that it has.
fn seat(host: &str) -> String {
    format!("{SEAT}{host}")
}

/// Tells whether what a server notes is a host.
pub(super) fn is_seat(text: &str) -> bool {
    text.starts_with(SEAT)
}

/// Returns the host that a seat is.
pub(super) fn of_seat(site: &Site, text: &str) -> Option<&'static Resource> {
    let id = text.strip_prefix(SEAT)?;
    inventory::of(site).hosts.iter().find(|host| host.id == id)
}

/// Gives the leases of hosts that have failed others, or marks them as degraded.
///
/// A reservation that has not begun changes its host in silence; one that runs shows it, and one
/// whose failed host has a server, or for which there is no other host, misses it.
pub(crate) fn heal(cloud: &Cloud<'_>) -> Outcome<()> {
    let failed = inventory::of(cloud.site).hosts.iter();
    for host in failed.filter(|host| counted::has_failed(cloud, host)) {
        for allocation in allocation::calendar(cloud, Pool::Hosts, Some(&host.id))? {
            if let Some(lease) = lease::load(cloud, &allocation.claim.lease)? {
                heal_lease(cloud, lease, &host.id)?;
            }
        }
    }
    Ok(())
}

fn heal_lease(cloud: &Cloud<'_>, mut lease: Lease, host: &str) -> Outcome<()> {
    let before = lease.clone();
    let mut reservations = std::mem::take(&mut lease.reservations);
    for reservation in &mut reservations {
        if !allocation::of_reservation(cloud, &reservation.id)?.iter().any(|held| held == host) {
            continue;
        }
        let active = reservation.status == ReservationStatus::Active;
        let occupied = compute::build::is_occupied(cloud, &seat(host))?;
        let replaced = !occupied && HOSTS.replace(cloud, &before, reservation, host)?;
        if !replaced {
            reservation.missing_resources = true;
        } else if active {
            reservation.resources_changed = true;
        }
        lease.degraded |= !replaced || active;
    }
    lease.reservations = reservations;
    if lease != before {
        lease.updated = Some(cloud.now);
    }
    lease::save(cloud, &lease)
}

/// Returns the seat that a new server has by the hint `reservation`: a host of it without a
/// server. `None` where the scheduler finds none.
pub(super) fn free_seat(
    cloud: &Cloud<'_>,
    project: &str,
    reservation: &str,
) -> Outcome<Option<String>> {
    let Some(lease) = lease::of_reservation(cloud, reservation)? else { return Ok(None) };
    let active = lease.reservations.iter().any(|one| {
        one.id == reservation
            && one.resource_type == HOST.resource_type
            && one.status == ReservationStatus::Active
    });
    if !active || lease.project_id != project {
        return Ok(None);
    }
    for host in allocation::of_reservation(cloud, reservation)? {
        let known = inventory::of(cloud.site).hosts.iter().find(|one| one.id == host);
        let works = known.is_some_and(|host| !counted::has_failed(cloud, host));
        if works && !compute::build::is_occupied(cloud, &seat(&host))? {
            return Ok(Some(seat(&host)));
        }
    }
    Ok(None)
}
