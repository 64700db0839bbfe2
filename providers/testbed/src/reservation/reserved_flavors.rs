//! The flavors by which servers use a reservation.

use serde_json::{Map, Value, json};

use super::lease::Reservation;
use crate::{
    cloud::Cloud,
    compute::{
        build,
        flavors::{self, FLAVOR},
    },
    json::{self, Body},
    reply::Outcome,
    seed::operators_id,
};

/// What a server of a reservation has.
pub(super) struct Cut {
    pub(super) vcpus: i64,
    pub(super) memory_mb: i64,
    pub(super) disk_gb: i64,
    /// Extra specs of the flavor that is copied.
    pub(super) specs: Body,
}

/// Returns the name of a reservation's flavor.
fn name(reservation: &str) -> String {
    format!("reservation:{reservation}")
}

/// Returns the extra specs that tie servers to a reservation.
pub(crate) fn specs(reservation: &str) -> Body {
    let class = reservation.to_uppercase().replace('-', "_");
    json::map(json!({
        "aggregate_instance_extra_specs:reservation": reservation,
        format!("resources:CUSTOM_RESERVATION_{class}"): "1",
    }))
}

/// Makes a reservation's flavor, or makes it anew; nobody may use it yet.
pub(super) fn make(
    cloud: &Cloud<'_>,
    reservation: &Reservation,
    (cut, amount): (&Cut, usize),
) -> Outcome<()> {
    let id = &reservation.id;
    let mut all = cut.specs.clone();
    all.extend(specs(id));
    let body = json::map(json!({
        "id": id, "name": name(id), "vcpus": cut.vcpus, "ram": cut.memory_mb,
        "disk": cut.disk_gb, "swap": "", "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": false,
        "rxtx_factor": 1.0, "description": null, "_extra_specs": all, "_amount": amount,
    }));
    match cloud.get(&FLAVOR, id)? {
        Some(mut flavor) => {
            // Who may use it stays.
            flavor.body.extend(body);
            cloud.put(&FLAVOR, &flavor)?;
        }
        None => {
            cloud.insert(&FLAVOR, &operators_id(), body)?;
        }
    }
    Ok(())
}

/// Lets the project use the flavor.
pub(super) fn grant(cloud: &Cloud<'_>, reservation: &str, project: &str) -> Outcome<()> {
    cloud.amend(&FLAVOR, reservation, |flavor| flavor.set(flavors::ACCESS, project))
}

/// Deletes the servers of the flavor, then the flavor.
pub(super) fn withdraw(cloud: &Cloud<'_>, reservation: &str) -> Outcome<()> {
    build::expel(cloud, reservation)?;
    if let Some(flavor) = cloud.get(&FLAVOR, reservation)? {
        cloud.remove(&FLAVOR, &flavor)?;
    }
    Ok(())
}

/// Returns a flavor as Blazar keeps the copy of it, in text.
pub(crate) fn copied(flavor: &crate::store::Object) -> String {
    let mut copy: Map<String, Value> = json::public(&flavor.body);
    let specs = flavor.body.get("_extra_specs").cloned().unwrap_or_else(|| json!({}));
    copy.insert("extra_specs".to_owned(), specs);
    Value::Object(copy).to_string()
}
