//! Leases: list, show, delete; what is in them.

use serde_json::{Value, json};

use super::{
    allocation::{self, Pool},
    change, create, forbidden, inventory,
    lease::{self, Lease, LeaseStatus},
    no_route, not_found, ticks,
};
use crate::{
    call::Call,
    cloud::Cloud,
    reply::{Outcome, Reply, Service, no},
    settings::LeaseEvent,
};

/// Answers a call whose path after `leases` is `rest`.
pub(super) fn answer(call: &Call<'_>, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let leases = lease::of_project(&call.cloud, &call.who.project)?;
            let shown: Vec<Value> = leases.iter().map(Lease::shown).collect();
            Ok(Reply::json(200, json!({"leases": shown})))
        }
        ("POST", []) => create::create(call),
        ("GET", [id]) => {
            let lease = find(call, id)?;
            Ok(Reply::json(200, json!({"lease": lease.shown()})))
        }
        ("PUT", [id]) => change::update(call, settled(find(call, id)?)?),
        ("DELETE", [id]) => delete(call, settled(find(call, id)?)?),
        ("GET", [id, "hosts"]) => contents(call, id, Pool::Hosts, "hosts"),
        ("GET", [id, "networks"]) => contents(call, id, Pool::Networks, "networks"),
        ("GET", [id, "devices"]) => contents(call, id, Pool::Devices, "devices"),
        _ => Ok(no_route(rest)),
    }
}

/// Returns the project's lease; Blazar reads one before it asks whether it may be changed.
fn find(call: &Call<'_>, id: &str) -> Outcome<Lease> {
    let lease = lease::load(&call.cloud, id)?.ok_or_else(|| not_found("lease_id", id))?;
    if lease.project_id == call.who.project { Ok(lease) } else { Err(forbidden("leases:get")) }
}

/// Refuses what can't be done to a lease on which the manager is at work.
fn settled(lease: Lease) -> Outcome<Lease> {
    if lease.is_transitional() { Err(no(500, "Invalid lease status.")) } else { Ok(lease) }
}

/// Lists the records of what a lease holds; whose it is does not matter, as in the fork.
fn contents(call: &Call<'_>, id: &str, pool: Pool, key: &str) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let all = inventory::of_pool(cloud.site, pool);
    let mut shown = Vec::new();
    for reservation in lease::load(cloud, id)?.map(|lease| lease.reservations).unwrap_or_default() {
        let held = allocation::of_reservation(cloud, &reservation.id)?;
        let held = all.iter().filter(|resource| held.contains(&resource.id));
        shown.extend(held.map(|resource| resource.columns.clone()));
    }
    Ok(Reply::json(200, json!({key: shown})))
}

/// Deletes a lease; of one that runs, everything on it goes first.
fn delete(call: &Call<'_>, mut lease: Lease) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let running = lease.status == LeaseStatus::Active;
    if running && ticks::strike(cloud, &lease, LeaseEvent::End)? {
        lease.status = LeaseStatus::Error;
        lease.updated = Some(cloud.now);
        lease::save(cloud, &lease)?;
        let message = format!("Failed to cleanly end lease {}", lease.id);
        return Ok(Service::Reservation.refusal(&no(500, message)).kept());
    }
    delete_now(cloud, &mut lease)?;
    Ok(Reply::json(200, json!({})))
}

/// Takes back what a lease holds and forgets it.
pub(crate) fn delete_now(cloud: &Cloud<'_>, lease: &mut Lease) -> Outcome<()> {
    ticks::wind_up(cloud, lease)?;
    lease::remove(cloud, &lease.id)
}
