//! The lease that the student's project has from the start: the course's virtual machines.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    date,
    lease::{
        Event, EventKind, EventStatus, LEASE, Lease, LeaseStatus, Reservation, ReservationStatus,
    },
    reserved_flavors,
};
use crate::{
    cloud::Cloud,
    json::map,
    reply::Outcome,
    seed::{RESERVED_AMOUNT, RESERVED_FLAVOR, USER_NAME, add, plain_id, project_id, seeded_id},
    store::Object,
};

/// Name of the lease that has it.
const NAME: &str = "course-vms";
/// When that lease ends: beyond every rehearsal, so that it is nothing that falls due.
const END: Timestamp = Timestamp::constant(4_102_444_800, 0);
/// Adds the course's lease, which is older than the world and outlives it.
pub(crate) fn plant(cloud: &Cloud<'_>, flavor: &Object) -> Outcome<()> {
    let week = SignedDuration::from_hours(7 * 24);
    let start = date::minute(cloud.now.saturating_sub(week).unwrap_or(cloud.now));
    let event = |kind, time, status| Event {
        id: seeded_id(cloud.site, "lease event", &format!("{kind:?}")),
        kind,
        time,
        status,
        created: start,
        updated: None,
    };
    let own = json!({
        "vcpus": flavor.number("vcpus"), "memory_mb": flavor.number("ram"),
        "disk_gb": flavor.number("disk"), "amount": RESERVED_AMOUNT, "affinity": null,
        "flavor_id": RESERVED_FLAVOR, "server_group_id": null, "aggregate_id": 1,
        "resource_properties": reserved_flavors::copied(flavor),
    });
    let lease = Lease {
        id: seeded_id(cloud.site, "lease", NAME),
        name: NAME.to_owned(),
        project_id: project_id(),
        user_id: plain_id("account", USER_NAME),
        trust_id: plain_id("trust", NAME),
        status: LeaseStatus::Active,
        degraded: false,
        start,
        end: END,
        created: start,
        updated: None,
        reservations: vec![Reservation {
            id: RESERVED_FLAVOR.to_owned(),
            resource_type: "flavor:instance".to_owned(),
            resource_id: seeded_id(cloud.site, "instance reservation", NAME),
            status: ReservationStatus::Active,
            missing_resources: false,
            resources_changed: false,
            created: start,
            updated: None,
            own: map(own),
        }],
        events: vec![
            event(EventKind::Start, start, EventStatus::Done),
            event(EventKind::End, END, EventStatus::Undone),
            event(EventKind::BeforeEnd, END, EventStatus::Undone),
        ],
    };
    add(cloud, &LEASE, &project_id(), serde_json::to_value(lease).unwrap_or_default())?;
    Ok(())
}
