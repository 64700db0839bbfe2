//! Ports that services plug: into routers, into servers, and out again.

use serde_json::{Value, json};

use super::{
    floating_ips, ipam,
    ports::{self, PORT},
    touch,
};
use crate::{cloud::Cloud, reply::Outcome, store::Object};

/// Owner of a port by which a router stands in a subnet.
pub(crate) const ROUTER_INTERFACE: &str = "network:router_interface";

/// Owner of a port by which a router reaches an external network.
pub(crate) const ROUTER_GATEWAY: &str = "network:router_gateway";

pub(super) fn give_back(cloud: &Cloud<'_>, place: &Value) -> Outcome<()> {
    let text = |key: &str| place.get(key).and_then(Value::as_str).unwrap_or_default();
    ipam::release(cloud, text("subnet_id"), text("ip_address"))
}

/// Frees what a port that goes away holds: its addresses, and floating IPs that point to it.
pub(super) fn vacate(cloud: &Cloud<'_>, port: &Object) -> Outcome<()> {
    for place in port.list("fixed_ips") {
        give_back(cloud, place)?;
    }
    floating_ips::abandon(cloud, &port.id)
}

/// Removes a port that a service made.
pub(crate) fn unplug(cloud: &Cloud<'_>, port: &Object) -> Outcome<()> {
    vacate(cloud, port)?;
    Ok(cloud.remove(&PORT, port)?)
}

/// A port that a service makes for a device of its own.
pub(crate) struct Plug<'p> {
    pub(crate) network: &'p str,
    pub(crate) addresses: Vec<Value>,
    pub(crate) device: &'p str,
    pub(crate) owner: &'p str,
}

/// Makes a service's port, which is up at once and has no security.
pub(crate) fn plug(cloud: &Cloud<'_>, project: &str, plug: &Plug<'_>) -> Outcome<Object> {
    let id = cloud.new_id()?;
    let asked = (!plug.addresses.is_empty()).then_some(plug.addresses.as_slice());
    let places = ipam::take(cloud, plug.network, asked, &id)?;
    let mut body = ports::fresh(cloud, &id, project);
    for (key, value) in [
        ("network_id", json!(plug.network)),
        ("mac_address", json!(ports::new_mac(cloud)?)),
        ("device_id", json!(plug.device)),
        ("device_owner", json!(plug.owner)),
        ("status", json!("ACTIVE")),
        ("port_security_enabled", json!(false)),
        ("fixed_ips", places.iter().map(ipam::Place::json).collect()),
    ] {
        body.insert(key.to_owned(), value);
    }
    let seeded = project == crate::seed::operators_id();
    let object = Object { seq: 0, id, project: project.to_owned(), seeded, body };
    Ok(cloud.add(&PORT, object)?)
}

/// Gives a port to a device, or takes it away with an empty one.
pub(crate) fn bind(cloud: &Cloud<'_>, id: &str, device: &str, owner: &str) -> Outcome<()> {
    if let Some(mut port) = cloud.get(&PORT, id)? {
        port.set("device_id", device);
        port.set("device_owner", owner);
        if device.is_empty() {
            port.set("status", "DOWN");
        }
        touch(cloud, &mut port);
        cloud.put(&PORT, &port)?;
    }
    Ok(())
}
