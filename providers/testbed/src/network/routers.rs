//! Routers, their gateways and interfaces.

use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free},
    collection::{Collection, Hooks},
    floating_ips, forbidden,
    networks::{self, NETWORK},
    plugs,
    ports::PORT,
    router_interfaces, standard,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, refuse},
    store::{Kind, Object},
};

pub(crate) const ROUTER: Kind = Kind { name: "router", indexed: &["name"] };

const ATTRIBUTES: &[Attribute] = &[
    free("name", Check::Text(LONG)),
    free("admin_state_up", Check::Flag),
    free("external_gateway_info", Check::Any),
    free("routes", Check::List),
    free("distributed", Check::Flag),
    free("ha", Check::Flag),
    fixed("availability_zone_hints", Check::List),
    fixed("flavor_id", Check::IdOrNull),
];

/// [API: routers](https://docs.openstack.org/api-ref/network/v2/#routers-routers).
pub(super) const COLLECTION: Collection = Collection {
    plural: "routers",
    singular: "router",
    kind: &ROUTER,
    attributes: ATTRIBUTES,
    missing: ("RouterNotFound", "Router {} could not be found"),
    // The course's formula: one router per student, 191 students.
    quota: 191,
    hooks: Hooks {
        create,
        update,
        delete,
        visible: Hooks::own,
        show: Hooks::as_kept,
        action: router_interfaces::action,
    },
};

/// Returns a router with every default.
pub(crate) fn fresh(cloud: &Cloud<'_>, id: &str, project: &str) -> Body {
    let mut body = standard(cloud, id, project);
    for (key, value) in [
        ("status", json!("ACTIVE")),
        ("admin_state_up", json!(true)),
        ("external_gateway_info", Value::Null),
        ("routes", json!([])),
        ("availability_zone_hints", json!([])),
        ("availability_zones", json!(["nova"])),
        ("flavor_id", Value::Null),
    ] {
        body.insert(key.to_owned(), value);
    }
    body
}

/// Returns the refusal of a request to a router.
pub(super) fn bad_router(message: impl std::fmt::Display) -> Refusal {
    refuse(400, "BadRequest", format!("Bad router request: {message}."))
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    privileged(given, "create")?;
    let cloud = &call.cloud;
    let mut body = fresh(cloud, &cloud.new_id()?, &call.who.project);
    let mut plain = given.clone();
    let gateway = plain.remove("external_gateway_info").unwrap_or_default();
    body.extend(plain);
    set_gateway(call, &mut body, &gateway)?;
    Ok(cloud.insert(&ROUTER, &call.who.project, body)?)
}

/// Refuses what only the site's operators may choose.
fn privileged(given: &Body, verb: &str) -> Outcome<()> {
    for key in ["distributed", "ha"] {
        if given.contains_key(key) {
            return Err(forbidden(&format!("(rule:{verb}_router and rule:{verb}_router:{key})")));
        }
    }
    let gateway = given.get("external_gateway_info");
    if gateway.is_some_and(|gateway| gateway.get("enable_snat").is_some()) {
        return Err(forbidden(&format!(
            "(rule:{verb}_router and (rule:{verb}_router:external_gateway_info and \
             (rule:{verb}_router:external_gateway_info:network_id and \
             rule:{verb}_router:external_gateway_info:enable_snat)))"
        )));
    }
    Ok(())
}

/// Opens, moves or closes the gateway as `wanted` says.
fn set_gateway(call: &Call<'_>, router: &mut Body, wanted: &Value) -> Outcome<()> {
    let network = wanted.get("network_id").and_then(Value::as_str).unwrap_or_default();
    let held = router["external_gateway_info"].get("network_id").and_then(Value::as_str);
    if held == Some(network) {
        return Ok(());
    }
    if held.is_some() {
        close_gateway(&call.cloud, router)?;
    }
    if network.is_empty() {
        return Ok(());
    }
    networks::seen(call, network)?;
    let addresses = wanted.get("external_fixed_ips").and_then(Value::as_array);
    open_gateway(&call.cloud, router, network, addresses.map_or(&[], Vec::as_slice))
}

/// Plugs a router into an external network.
pub(crate) fn open_gateway(
    cloud: &Cloud<'_>,
    router: &mut Body,
    network: &str,
    addresses: &[Value],
) -> Outcome<()> {
    let external = cloud.get(&NETWORK, network)?.is_some_and(|net| net.flag("router:external"));
    if !external {
        return Err(bad_router(format_args!("Network {network} is not an external network")));
    }
    // The port is the operators' own: no tenant sees it.
    let port = plugs::plug(
        cloud,
        &crate::seed::operators_id(),
        &plugs::Plug {
            network,
            addresses: addresses.to_vec(),
            device: json::text(router, "id"),
            owner: plugs::ROUTER_GATEWAY,
        },
    )?;
    let gateway = json!({"network_id": network, "enable_snat": true,
        "external_fixed_ips": port.body.get("fixed_ips")});
    router.insert("external_gateway_info".to_owned(), gateway);
    router.insert("_gateway_port".to_owned(), json!(port.id));
    Ok(())
}

fn close_gateway(cloud: &Cloud<'_>, router: &mut Body) -> Outcome<()> {
    let id = json::text(router, "id");
    if floating_ips::served_by(cloud, id)? {
        let network = router["external_gateway_info"]["network_id"].as_str().unwrap_or_default();
        return Err(refuse(
            409,
            "RouterExternalGatewayInUseByFloatingIp",
            format!(
                "Gateway cannot be updated for router {id}, since a gateway to external network \
                 {network} is required by one or more floating IPs."
            ),
        ));
    }
    if let Some(port) = cloud.get(&PORT, json::text(router, "_gateway_port"))? {
        plugs::unplug(cloud, &port)?;
    }
    router.remove("_gateway_port");
    router.insert("external_gateway_info".to_owned(), Value::Null);
    Ok(())
}

fn update(call: &Call<'_>, router: &mut Object, given: &Body) -> Outcome<()> {
    privileged(given, "update")?;
    let mut plain = given.clone();
    if let Some(gateway) = plain.remove("external_gateway_info") {
        set_gateway(call, &mut router.body, &gateway)?;
    }
    if let Some(routes) = plain.get("routes").and_then(Value::as_array) {
        router_interfaces::check_routes(&call.cloud, &router.id, routes)?;
    }
    Hooks::copied(call, router, &plain)
}

fn delete(call: &Call<'_>, router: &Object) -> Outcome<()> {
    let ports = router_interfaces::all(&call.cloud, &router.id)?;
    if !ports.is_empty() {
        let ids: Vec<&str> = ports.iter().map(|port| port.id.as_str()).collect();
        let message = format!("Router {} has ports still attached: {}", router.id, ids.join(", "));
        return Err(refuse(409, "RouterInUse", message));
    }
    let mut body = router.body.clone();
    if !body["external_gateway_info"].is_null() {
        close_gateway(&call.cloud, &mut body)?;
    }
    Ok(())
}
