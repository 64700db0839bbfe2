//! `device`: small computers at the edge, Chameleon's addition to Blazar.
//!
//! A device is a project's while its reservation runs; who looks it up there is the container
//! service, by the calendar.

use super::{
    Change, Plugin,
    allocation::{self, Pool},
    counted::Counted,
    lease::{Lease, Reservation},
};
use crate::{
    cloud::Cloud,
    json::Body,
    reply::Outcome,
    site::{Hardware, Site},
};

pub(super) const DEVICE: Plugin =
    Plugin { resource_type: "device", offered, reserve, update, start, end };

const DEVICES: Counted = Counted {
    pool: Pool::Devices,
    filters: &["resource_properties"],
    before_end: &["", "default", "email"],
    default: None,
    not_enough: "Not enough devices available",
};

fn offered(site: &Site) -> bool {
    site.hardware == Hardware::Edge
}

fn reserve(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    DEVICES.reserve(cloud, lease, reservation, given)
}

fn update(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    DEVICES.update(cloud, lease, reservation, change)
}

#[expect(clippy::unnecessary_wraps, reason = "a hook, of which others can fail")]
fn start(_: &Cloud<'_>, _: &Lease, _: &mut Reservation) -> Outcome<()> {
    Ok(())
}

fn end(cloud: &Cloud<'_>, _: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    allocation::drop_all(cloud, &reservation.id)
}
