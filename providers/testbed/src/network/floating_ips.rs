//! Floating IPs.

use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free, required},
    collection::{Collection, Hooks},
    forbidden,
    ipam::{self, Place},
    networks,
    ports::{self, PORT},
    router_interfaces, standard, touch,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, refuse},
    store::{Kind, Object},
};

pub(crate) const FLOATING_IP: Kind = Kind {
    name: "floatingip",
    indexed: &["floating_ip_address", "floating_network_id", "port_id", "router_id"],
};

const ATTRIBUTES: &[Attribute] = &[
    required("floating_network_id", Check::Id),
    free("port_id", Check::IdOrNull),
    free("fixed_ip_address", Check::AddressOrNull),
    free("qos_policy_id", Check::IdOrNull),
    fixed("floating_ip_address", Check::AddressOrNull),
    fixed("subnet_id", Check::IdOrNull),
    fixed("dns_name", Check::Text(LONG)),
    fixed("dns_domain", Check::Text(LONG)),
];

/// [API: floating IPs](https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips).
pub(super) const COLLECTION: Collection = Collection {
    plural: "floatingips",
    singular: "floatingip",
    kind: &FLOATING_IP,
    attributes: ATTRIBUTES,
    missing: ("FloatingIPNotFound", "Floating IP {} could not be found"),
    // The course's formula: 1.5 per student, 191 students.
    quota: 287,
    hooks: Hooks { create, update, delete, visible: Hooks::own, show, action: Hooks::no_action },
};

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    let cloud = &call.cloud;
    let network = networks::seen(call, json::text(given, "floating_network_id"))?;
    if !network.flag("router:external") {
        return Err(refuse(
            400,
            "BadRequest",
            format!(
                "Bad floatingip request: Network {} is not a valid external network.",
                network.id
            ),
        ));
    }
    if !json::absent(given, "floating_ip_address") {
        return Err(forbidden(
            "(rule:create_floatingip and rule:create_floatingip:floating_ip_address)",
        ));
    }
    let id = cloud.new_id()?;
    let mut wish = Body::new();
    if let Some(subnet) = given.get("subnet_id").filter(|subnet| !subnet.is_null()) {
        wish.insert("subnet_id".to_owned(), subnet.clone());
    }
    let wish = [Value::Object(wish)];
    let asked = wish[0].as_object().is_some_and(|wish| !wish.is_empty());
    let places = ipam::take(cloud, &network.id, asked.then_some(&wish), &id)?;
    let place = places.first().ok_or_else(|| ipam::exhausted(&network.id))?;
    let mut body = fresh(cloud, &id, &call.who.project, (&network.id, place));
    for key in ["description", "tags", "dns_name", "dns_domain", "qos_policy_id"] {
        if let Some(value) = given.get(key) {
            body.insert(key.to_owned(), value.clone());
        }
    }
    let mut floating = cloud.insert(&FLOATING_IP, &call.who.project, body)?;
    if !json::absent(given, "port_id") {
        associate(call, &mut floating, given)?;
        cloud.put(&FLOATING_IP, &floating)?;
    }
    Ok(floating)
}

/// Returns a floating IP that leads nowhere yet.
fn fresh(cloud: &Cloud<'_>, id: &str, project: &str, (network, place): (&str, &Place)) -> Body {
    let mut body = standard(cloud, id, project);
    body.remove("name");
    for (key, value) in [
        ("floating_network_id", json!(network)),
        ("floating_ip_address", json!(place.address.to_string())),
        ("status", json!("DOWN")),
        ("port_id", Value::Null),
        ("fixed_ip_address", Value::Null),
        ("router_id", Value::Null),
        ("qos_policy_id", Value::Null),
        ("dns_name", json!("")),
        ("dns_domain", json!("")),
        ("port_details", Value::Null),
        ("port_forwardings", json!([])),
        ("_subnet", json!(place.subnet)),
    ] {
        body.insert(key.to_owned(), value);
    }
    body
}

/// Makes an address that a lease reserved a floating IP of the project.
pub(crate) fn lend(cloud: &Cloud<'_>, project: &str, record: &Body, tags: &Value) -> Outcome<()> {
    let network = json::text(record, "floating_network_id");
    let id = cloud.new_id()?;
    let wish = json!({"subnet_id": record.get("subnet_id"),
        "ip_address": record.get("floating_ip_address")});
    for place in ipam::take(cloud, network, Some(&[wish]), &id)? {
        let mut body = fresh(cloud, &id, project, (network, &place));
        body.insert("tags".to_owned(), tags.clone());
        cloud.insert(&FLOATING_IP, project, body)?;
    }
    Ok(())
}

/// Takes a lent address back, wherever it leads; the project may have deleted it.
pub(crate) fn take_back(cloud: &Cloud<'_>, address: &str) -> Outcome<()> {
    for floating in cloud.find(&FLOATING_IP, "floating_ip_address", address)? {
        ipam::release(cloud, floating.text("_subnet"), address)?;
        cloud.remove(&FLOATING_IP, &floating)?;
    }
    Ok(())
}

fn update(call: &Call<'_>, floating: &mut Object, given: &Body) -> Outcome<()> {
    for key in ["description", "qos_policy_id"] {
        if let Some(value) = given.get(key) {
            floating.set(key, value.clone());
        }
    }
    // An update without `port_id` leaves the association, as the API has it since Rocky.
    match given.get("port_id") {
        None => Ok(()),
        Some(Value::Null) => {
            dissociate(floating);
            Ok(())
        }
        Some(_) => associate(call, floating, given),
    }
}

fn dissociate(floating: &mut Object) {
    for key in ["port_id", "fixed_ip_address", "router_id"] {
        floating.set(key, Value::Null);
    }
    floating.set("status", "DOWN");
}

fn associate(call: &Call<'_>, floating: &mut Object, given: &Body) -> Outcome<()> {
    let cloud = &call.cloud;
    let port_id = json::text(given, "port_id");
    let port = ports::of_project(cloud, port_id, &call.who.project)?
        .ok_or_else(|| ports::not_found(port_id))?;
    let wanted = json::text(given, "fixed_ip_address");
    let text = |place: &Value, key: &str| {
        place.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let place = port.list("fixed_ips").iter().find(|place| {
        let address = text(place, "ip_address");
        if wanted.is_empty() { !address.contains(':') } else { address == wanted }
    });
    let Some(place) = place else {
        let problem = if wanted.is_empty() {
            format!("Cannot add floating IP to port {port_id} that has no fixed IPv4 addresses")
        } else {
            format!("Port {port_id} does not have fixed ip {wanted}")
        };
        return Err(refuse(400, "BadRequest", format!("Bad floatingip request: {problem}.")));
    };
    let (subnet, address) = (text(place, "subnet_id"), text(place, "ip_address"));
    let external = floating.text("floating_network_id").to_owned();
    let Some(router) = router_interfaces::between(cloud, &subnet, &external)? else {
        return Err(refuse(
            404,
            "ExternalGatewayForFloatingIPNotFound",
            format!(
                "External network {external} is not reachable from subnet {subnet}.  Therefore, \
                 cannot associate Port {port_id} with a Floating IP."
            ),
        ));
    };
    let others = cloud.find(&FLOATING_IP, "port_id", port_id)?;
    let twin = others.iter().find(|other| {
        other.id != floating.id
            && other.text("fixed_ip_address") == address
            && other.text("floating_network_id") == external
    });
    if twin.is_some() {
        return Err(refuse(
            409,
            "FloatingIPPortAlreadyAssociated",
            format!(
                "Cannot associate floating IP {} ({}) with port {port_id} using fixed IP \
                 {address}, as that fixed IP already has a floating IP on external network \
                 {external}.",
                floating.text("floating_ip_address"),
                floating.id
            ),
        ));
    }
    floating.set("port_id", port_id);
    floating.set("fixed_ip_address", address);
    floating.set("router_id", router);
    floating.set("status", "ACTIVE");
    Ok(())
}

fn delete(call: &Call<'_>, floating: &Object) -> Outcome<()> {
    ipam::release(&call.cloud, floating.text("_subnet"), floating.text("floating_ip_address"))
}

fn show(call: &Call<'_>, floating: &Object) -> Outcome<Body> {
    let mut body = json::public(&floating.body);
    if let Some(port) = call.cloud.get(&PORT, floating.text("port_id"))? {
        let mut details = Body::new();
        for key in [
            "name",
            "network_id",
            "mac_address",
            "admin_state_up",
            "status",
            "device_id",
            "device_owner",
        ] {
            details.insert(key.to_owned(), port.body.get(key).cloned().unwrap_or_default());
        }
        body.insert("port_details".to_owned(), Value::Object(details));
    }
    Ok(body)
}

/// Frees the floating IPs of a port that goes away.
pub(super) fn abandon(cloud: &Cloud<'_>, port: &str) -> Outcome<()> {
    for mut floating in cloud.find(&FLOATING_IP, "port_id", port)? {
        dissociate(&mut floating);
        touch(cloud, &mut floating);
        cloud.put(&FLOATING_IP, &floating)?;
    }
    Ok(())
}

/// Tells whether any floating IP is carried by `router`.
pub(super) fn served_by(cloud: &Cloud<'_>, router: &str) -> Outcome<bool> {
    Ok(cloud.any(&FLOATING_IP, "router_id", router)?)
}

/// Tells whether a floating IP reaches `subnet` by `router`.
pub(super) fn needs_interface(cloud: &Cloud<'_>, router: &str, subnet: &str) -> Outcome<bool> {
    for floating in cloud.find(&FLOATING_IP, "router_id", router)? {
        let Some(port) = cloud.get(&PORT, floating.text("port_id"))? else { continue };
        let address = floating.text("fixed_ip_address");
        if port.list("fixed_ips").iter().any(|place| {
            place.get("ip_address").and_then(Value::as_str) == Some(address)
                && place.get("subnet_id").and_then(Value::as_str) == Some(subnet)
        }) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the floating addresses of a port, with the fixed address each belongs to.
pub(crate) fn of_port(cloud: &Cloud<'_>, port: &str) -> Outcome<Vec<(String, String)>> {
    let found = cloud.find(&FLOATING_IP, "port_id", port)?;
    Ok(found
        .iter()
        .map(|floating| {
            let text = |key: &str| floating.text(key).to_owned();
            (text("fixed_ip_address"), text("floating_ip_address"))
        })
        .collect())
}
