//! Networks.

use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free},
    collection::{Collection, Hooks},
    forbidden, ports, standard,
    subnets::SUBNET,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, refuse},
    store::{Kind, Object},
};

pub(crate) const NETWORK: Kind = Kind { name: "network", indexed: &["name"] };

const ATTRIBUTES: &[Attribute] = &[
    free("name", Check::Text(LONG)),
    free("admin_state_up", Check::Flag),
    free("shared", Check::Flag),
    free("router:external", Check::Flag),
    free("port_security_enabled", Check::Flag),
    free("mtu", Check::Size),
    free("dns_domain", Check::Domain),
    free("qos_policy_id", Check::IdOrNull),
    fixed("availability_zone_hints", Check::List),
    fixed("vlan_transparent", Check::Any),
    fixed("is_default", Check::Any),
    fixed("provider:network_type", Check::Any),
    fixed("provider:physical_network", Check::Any),
    fixed("provider:segmentation_id", Check::Any),
    fixed("segments", Check::List),
];

/// [API: networks](https://docs.openstack.org/api-ref/network/v2/#networks).
pub(super) const COLLECTION: Collection = Collection {
    plural: "networks",
    singular: "network",
    kind: &NETWORK,
    attributes: ATTRIBUTES,
    missing: ("NetworkNotFound", "Network {} could not be found."),
    quota: -1,
    hooks: Hooks {
        create,
        update,
        delete,
        visible: |call, network| sees(network, &call.who.project),
        show,
        action: Hooks::no_action,
    },
};

/// Tells whether a project sees a network: its own, shared and external ones.
pub(crate) fn sees(network: &Object, project: &str) -> bool {
    network.project == project || network.flag("shared") || network.flag("router:external")
}

/// Returns a network with every default.
pub(crate) fn fresh(cloud: &Cloud<'_>, id: &str, project: &str) -> Body {
    let mut body = standard(cloud, id, project);
    for (key, value) in [
        ("status", json!("ACTIVE")),
        ("admin_state_up", json!(true)),
        ("shared", json!(false)),
        ("router:external", json!(false)),
        ("port_security_enabled", json!(true)),
        // What is left of 1500 bytes by the tenants' encapsulation.
        ("mtu", json!(1450)),
        ("dns_domain", json!("")),
        ("qos_policy_id", Value::Null),
        ("availability_zone_hints", json!([])),
        ("availability_zones", json!(["nova"])),
        ("ipv4_address_scope", Value::Null),
        ("ipv6_address_scope", Value::Null),
        ("l2_adjacency", json!(true)),
    ] {
        body.insert(key.to_owned(), value);
    }
    body
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    privileged(given, "create")?;
    let cloud = &call.cloud;
    let mut body = fresh(cloud, &cloud.new_id()?, &call.who.project);
    body.extend(given.clone());
    body.remove("segments");
    Ok(cloud.insert(&NETWORK, &call.who.project, body)?)
}

fn update(call: &Call<'_>, network: &mut Object, given: &Body) -> Outcome<()> {
    privileged(given, "update")?;
    Hooks::copied(call, network, given)
}

/// Refuses what only the site's operators may do.
fn privileged(given: &Body, verb: &str) -> Outcome<()> {
    const PROVIDER: [&str; 3] =
        ["provider:network_type", "provider:physical_network", "provider:segmentation_id"];
    for key in ["shared", "router:external"].into_iter().chain(PROVIDER) {
        let provider = PROVIDER.contains(&key) && given.contains_key(key);
        if provider || json::flag(given, key) == Some(true) {
            return Err(forbidden(&format!("(rule:{verb}_network and rule:{verb}_network:{key})")));
        }
    }
    Ok(())
}

fn delete(call: &Call<'_>, network: &Object) -> Outcome<()> {
    let ports = call.cloud.find(&ports::PORT, "network_id", &network.id)?;
    if !ports.is_empty() {
        let ids: Vec<&str> = ports.iter().map(|port| port.id.as_str()).collect();
        return Err(refuse(
            409,
            "NetworkInUse",
            format!(
                "Unable to complete operation on network {}. There are one or more ports still \
                 in use on the network, id for these ports is: {}.",
                network.id,
                ids.join(",")
            ),
        ));
    }
    for subnet in call.cloud.find(&SUBNET, "network_id", &network.id)? {
        call.cloud.remove(&SUBNET, &subnet)?;
    }
    Ok(())
}

fn show(call: &Call<'_>, network: &Object) -> Outcome<Body> {
    let mut body = json::public(&network.body);
    let subnets = call.cloud.find(&SUBNET, "network_id", &network.id)?;
    let subnets: Vec<Value> = subnets.into_iter().map(|subnet| subnet.id.into()).collect();
    body.insert("subnets".to_owned(), subnets.into());
    Ok(body)
}

/// Returns the network `id` if the caller sees it, or Neutron's 404.
pub(super) fn seen(call: &Call<'_>, id: &str) -> Outcome<Object> {
    COLLECTION.find(call, id)
}
