//! `network`: an isolated VLAN as a Neutron network of the project, Chameleon's addition to Blazar.
//!
//! Blazar shows nothing of what was asked for, so all of it stands in keys that are not shown.

use serde_json::{Value, json};

use super::{
    Change, Plugin,
    allocation::{self, Claim, Pool},
    filter,
    inventory::{self, Resource},
    lease::{Lease, Reservation, ReservationStatus, Window},
    malformed, missing, scarcity, user_name,
};
use crate::{
    cloud::Cloud,
    json::{self, Body},
    network::{
        networks::{self, NETWORK},
        plugs,
        ports::PORT,
        subnets::SUBNET,
    },
    reply::{Outcome, no},
    site::Site,
};

pub(super) const SEGMENT: Plugin =
    Plugin { resource_type: "network", offered, reserve, update, start, end };

/// The filter where `resource_properties` is empty (chi-in-a-box, `kolla/defaults.yml`).
const DEFAULT: &str = r#"["=", "$stitch_provider", "none"]"#;

/// Members of a request that are filters.
const FILTERS: [&str; 2] = ["network_properties", "resource_properties"];

/// Values of `before_end` that are known.
const BEFORE_END: [&str; 4] = ["", "snapshot", "default", "email"];

const NOT_ENOUGH: &str = "Not enough networks available";

/// Member that holds the id of the network which the start made.
const MADE: &str = "_network_id";

fn offered(site: &Site) -> bool {
    !inventory::of(site).networks.is_empty()
}

fn reserve(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    for key in ["network_name", "network_properties", "resource_properties"] {
        let value = given.get(key).ok_or_else(|| missing(key))?;
        keep(reservation, key, value);
    }
    if let Some(description) = given.get("network_description") {
        keep(reservation, "network_description", description);
    }
    let before_end = given.get("before_end").cloned().unwrap_or_else(|| json!("default"));
    if !before_end.as_str().is_some_and(|word| BEFORE_END.contains(&word)) {
        return Err(malformed("before_end"));
    }
    if take(cloud, lease, reservation, lease.window())? {
        return Ok(());
    }
    Err(scarcity::nothing_fits((lease, lease.window()), given, &[("before_end", before_end)]))
}

/// Keeps a member of a request out of sight.
fn keep(reservation: &mut Reservation, key: &str, value: &Value) {
    reservation.own.insert(format!("_{key}"), value.clone());
}

fn kept<'r>(reservation: &'r Reservation, key: &str) -> &'r Value {
    reservation.own.get(&format!("_{key}")).unwrap_or(&Value::Null)
}

/// Returns the segments that the reservation's filters choose.
fn fitting(cloud: &Cloud<'_>, reservation: &Reservation) -> Outcome<Vec<&'static Resource>> {
    let mut conditions = filter::parse(kept(reservation, FILTERS[0]))?;
    let asked = kept(reservation, FILTERS[1]);
    let given = asked.as_str().is_some_and(|text| !text.is_empty());
    let default = json!(DEFAULT);
    conditions.extend(filter::parse(if given { asked } else { &default })?);
    filter::select(&inventory::of(cloud.site).networks, &conditions)
}

/// Takes one segment for a window: one that nobody wants now or later, else one that is free.
/// False where there is none.
fn take(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &Reservation,
    window: Window,
) -> Outcome<bool> {
    let around = allocation::with_cleaning(cloud, window);
    let (mut untouched, mut shared) = (None, None);
    for segment in fitting(cloud, reservation)? {
        if !inventory::allows(cloud, segment, &lease.project_id)? {
            continue;
        }
        if !allocation::is_wanted(cloud, Pool::Networks, &segment.id)? {
            untouched = Some(segment);
            break;
        }
        let free = shared.is_none()
            && allocation::is_free(cloud, Pool::Networks, &segment.id, (around, None))?;
        if free {
            shared = Some(segment);
        }
    }
    let Some(segment) = untouched.or(shared) else { return Ok(false) };
    let claim = Claim {
        reservation: reservation.id.clone(),
        lease: lease.id.clone(),
        user: user_name(cloud, &lease.user_id)?,
        background: false,
    };
    allocation::take(cloud, Pool::Networks, &segment.id, (&claim, window))?;
    Ok(true)
}

fn update(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    let before = lease.window();
    let within = change.window.start >= before.start && change.window.end <= before.end;
    if within && !FILTERS.iter().any(|key| change.given.contains_key(*key)) {
        return allocation::move_to(cloud, &reservation.id, change.window);
    }
    for key in FILTERS {
        if let Some(value) = change.given.get(key) {
            keep(reservation, key, value);
        }
    }
    let held = allocation::of_reservation(cloud, &reservation.id)?;
    let fitting = fitting(cloud, reservation)?;
    let mut stays = !held.is_empty();
    for id in &held {
        let around = allocation::with_cleaning(cloud, change.window);
        stays &= fitting.iter().any(|segment| segment.id == *id)
            && allocation::is_free(cloud, Pool::Networks, id, (around, Some(&reservation.id)))?;
    }
    if stays {
        return allocation::move_to(cloud, &reservation.id, change.window);
    }
    if reservation.status == ReservationStatus::Active {
        return Err(no(
            500,
            "Operation requires removing a network from its reservation, which is not supported.",
        ));
    }
    allocation::drop_all(cloud, &reservation.id)?;
    if take(cloud, lease, reservation, change.window)? {
        return Ok(());
    }
    Err(no(500, NOT_ENOUGH))
}

/// Makes the network, on the segment's VLAN.
fn start(cloud: &Cloud<'_>, lease: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    let held = allocation::of_reservation(cloud, &reservation.id)?;
    let segments = &inventory::of(cloud.site).networks;
    let Some(segment) = segments.iter().find(|segment| held.contains(&segment.id)) else {
        return Err(no(500, NOT_ENOUGH));
    };
    let id = cloud.new_id()?;
    let mut body = networks::fresh(cloud, &id, &lease.project_id);
    let text = |key: &str| {
        let value = kept(reservation, key);
        json!(value.as_str().map_or_else(|| json::python(value), str::to_owned))
    };
    body.insert("name".to_owned(), text("network_name"));
    if !kept(reservation, "network_description").is_null() {
        body.insert("description".to_owned(), text("network_description"));
    }
    for (key, column) in [
        ("provider:network_type", "network_type"),
        ("provider:physical_network", "physical_network"),
        ("provider:segmentation_id", "segment_id"),
    ] {
        body.insert(key.to_owned(), segment.columns.get(column).cloned().unwrap_or_default());
    }
    cloud.insert(&NETWORK, &lease.project_id, body)?;
    reservation.own.insert(MADE.to_owned(), json!(id));
    Ok(())
}

/// Deletes the network with everything on it, and gives the segment back.
fn end(cloud: &Cloud<'_>, _: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    allocation::drop_all(cloud, &reservation.id)?;
    let made = reservation.own.get(MADE).and_then(Value::as_str).unwrap_or_default();
    // Its owner may have deleted it before.
    let Some(network) = cloud.get(&NETWORK, made)? else { return Ok(()) };
    for port in cloud.find(&PORT, "network_id", &network.id)? {
        plugs::unplug(cloud, &port)?;
    }
    for subnet in cloud.find(&SUBNET, "network_id", &network.id)? {
        cloud.remove(&SUBNET, &subnet)?;
    }
    Ok(cloud.remove(&NETWORK, &network)?)
}
