//! Routers, their gateways and interfaces.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free},
    bad,
    collection::{Collection, Hooks},
    floating_ips, forbidden, ipam,
    networks::{self, NETWORK},
    not_found, ports, standard,
    subnets::{self, SUBNET},
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, Reply, refuse},
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
    hooks: Hooks { create, update, delete, visible: Hooks::own, show: Hooks::as_kept, action },
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

fn bad_router(message: impl std::fmt::Display) -> Refusal {
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
             rule:{verb}_router:external_gateway_info:enable_snat))"
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
    let port = ports::plug(
        cloud,
        &crate::seed::operators_id(),
        &ports::Plug {
            network,
            addresses: addresses.to_vec(),
            device: json::text(router, "id"),
            owner: ports::ROUTER_GATEWAY,
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
    if let Some(port) = cloud.get(&ports::PORT, json::text(router, "_gateway_port"))? {
        ports::unplug(cloud, &port)?;
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
    Hooks::copied(call, router, &plain)
}

fn delete(call: &Call<'_>, router: &Object) -> Outcome<()> {
    if !interfaces(&call.cloud, &router.id)?.is_empty() {
        return Err(refuse(409, "RouterInUse", format!("Router {} still has ports", router.id)));
    }
    let mut body = router.body.clone();
    if !body["external_gateway_info"].is_null() {
        close_gateway(&call.cloud, &mut body)?;
    }
    Ok(())
}

/// Returns the ports by which a router stands in subnets.
fn interfaces(cloud: &Cloud<'_>, router: &str) -> Outcome<Vec<Object>> {
    let mut found = cloud.find(&ports::PORT, "device_id", router)?;
    found.retain(|port| port.text("device_owner") == ports::ROUTER_INTERFACE);
    Ok(found)
}

fn action(call: &Call<'_>, router: Object, action: &str) -> Outcome<Reply> {
    let given = json::map(call.body.clone());
    match action {
        "add_router_interface" => add_interface(call, &router, &given),
        "remove_router_interface" => remove_interface(call, &router, &given),
        "add_extraroutes" | "remove_extraroutes" => change_routes(call, router, &given, action),
        _ => Err(not_found()),
    }
}

fn add_interface(call: &Call<'_>, router: &Object, given: &Body) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let (subnet_id, port_id) = (json::text(given, "subnet_id"), json::text(given, "port_id"));
    let port = if port_id.is_empty() {
        if subnet_id.is_empty() {
            return Err(bad_router("Either subnet_id or port_id must be specified"));
        }
        let subnet = subnet_of(call, subnet_id)?;
        let gateway = subnet.text("gateway_ip");
        if gateway.is_empty() {
            return Err(bad_router("Subnet for router interface must have a gateway IP"));
        }
        check_overlap(cloud, router, &subnet)?;
        ports::plug(
            cloud,
            &call.who.project,
            &ports::Plug {
                network: subnet.text("network_id"),
                addresses: vec![json!({"subnet_id": subnet.id, "ip_address": gateway})],
                device: &router.id,
                owner: ports::ROUTER_INTERFACE,
            },
        )?
    } else {
        adopt_port(call, router, port_id)?
    };
    Ok(Reply::json(200, interface(router, &port)))
}

/// Returns a subnet that the caller sees, or Neutron's 404.
fn subnet_of(call: &Call<'_>, id: &str) -> Outcome<Object> {
    subnets::COLLECTION.find(call, id)
}

fn adopt_port(call: &Call<'_>, router: &Object, id: &str) -> Outcome<Object> {
    let cloud = &call.cloud;
    let mut port =
        ports::of_project(cloud, id, &call.who.project)?.ok_or_else(|| ports::not_found(id))?;
    let device = port.text("device_id");
    if !device.is_empty() {
        return Err(refuse(
            409,
            "PortInUse",
            format!(
                "Unable to complete operation on port {id} for network {}. Port already has an \
                 attached device {device}.",
                port.text("network_id")
            ),
        ));
    }
    let place = port.list("fixed_ips").first();
    let place = place.and_then(|place| place.get("subnet_id")?.as_str().map(str::to_owned));
    let subnet_id = place
        .ok_or_else(|| bad_router(format_args!("Router port must have at least one fixed IP")))?;
    if let Some(subnet) = cloud.get(&SUBNET, &subnet_id)? {
        check_overlap(cloud, router, &subnet)?;
    }
    port.set("device_id", router.id.clone());
    port.set("device_owner", ports::ROUTER_INTERFACE);
    port.set("status", "ACTIVE");
    cloud.put(&ports::PORT, &port)?;
    Ok(port)
}

fn check_overlap(cloud: &Cloud<'_>, router: &Object, subnet: &Object) -> Outcome<()> {
    let Some(net) = ipam::net(subnet) else { return Ok(()) };
    for port in interfaces(cloud, &router.id)? {
        for other in places(&port) {
            if other == subnet.id {
                let id = &subnet.id;
                return Err(bad_router(format_args!("Router already has a port on subnet {id}")));
            }
            let Some(other) = cloud.get(&SUBNET, other)? else { continue };
            let held: Option<IpNet> = ipam::net(&other);
            if held.is_some_and(|held| subnets::overlaps(&held, &net)) {
                return Err(bad_router(format_args!(
                    "Cidr {net} of subnet {} overlaps with cidr {} of subnet {}",
                    subnet.id,
                    other.text("cidr"),
                    other.id
                )));
            }
        }
    }
    Ok(())
}

/// Returns the subnets in which a port has addresses.
fn places(port: &Object) -> Vec<&str> {
    port.list("fixed_ips").iter().filter_map(|place| place.get("subnet_id")?.as_str()).collect()
}

fn interface(router: &Object, port: &Object) -> Value {
    let subnets = places(port);
    json!({
        "id": router.id, "tenant_id": router.project, "project_id": router.project,
        "port_id": port.id, "network_id": port.text("network_id"),
        "subnet_id": subnets.first(), "subnet_ids": subnets, "tags": [],
    })
}

fn remove_interface(call: &Call<'_>, router: &Object, given: &Body) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let (subnet_id, port_id) = (json::text(given, "subnet_id"), json::text(given, "port_id"));
    let held = interfaces(cloud, &router.id)?;
    let port = if !port_id.is_empty() {
        let port = held.iter().find(|port| port.id == port_id);
        port.ok_or_else(|| {
            refuse(
                404,
                "RouterInterfaceNotFound",
                format!("Router {} does not have an interface with id {port_id}", router.id),
            )
        })?
    } else if !subnet_id.is_empty() {
        subnet_of(call, subnet_id)?;
        let port = held.iter().find(|port| places(port).contains(&subnet_id));
        port.ok_or_else(|| {
            refuse(
                404,
                "RouterInterfaceNotFoundForSubnet",
                format!("Router {} has no interface on subnet {subnet_id}", router.id),
            )
        })?
    } else {
        return Err(bad("Either subnet_id or port_id must be specified"));
    };
    for subnet in places(port) {
        let message = |what: &str| {
            format!(
                "Router interface for subnet {subnet} on router {} cannot be deleted, as it is \
                 required by one or more {what}.",
                router.id
            )
        };
        if floating_ips::needs_interface(cloud, &router.id, subnet)? {
            return Err(refuse(409, "RouterInterfaceInUseByFloatingIP", message("floating IPs")));
        }
        if route_uses(cloud, router, subnet)? {
            return Err(refuse(409, "RouterInterfaceInUseByRoute", message("routes")));
        }
    }
    let answer = interface(router, port);
    ports::unplug(cloud, port)?;
    Ok(Reply::json(200, answer))
}

fn route_uses(cloud: &Cloud<'_>, router: &Object, subnet: &str) -> Outcome<bool> {
    let net = cloud.get(&SUBNET, subnet)?.as_ref().and_then(ipam::net);
    Ok(router.list("routes").iter().any(|route| {
        let hop = route.get("nexthop").and_then(Value::as_str).and_then(|hop| hop.parse().ok());
        net.zip(hop).is_some_and(|(net, hop): (IpNet, std::net::IpAddr)| net.contains(&hop))
    }))
}

fn change_routes(
    call: &Call<'_>,
    mut router: Object,
    given: &Body,
    action: &str,
) -> Outcome<Reply> {
    let asked = given.get("router").and_then(|router| router.get("routes"));
    let asked = asked.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut routes = router.list("routes").to_vec();
    routes.retain(|route| !asked.contains(route));
    if action == "add_extraroutes" {
        routes.extend(asked);
    }
    router.set("routes", routes);
    call.cloud.put(&ROUTER, &router)?;
    Ok(Reply::json(200, json!({"router": json::public(&router.body)})))
}

/// Returns the router that carries `subnet` to the external network `external`.
pub(super) fn between(cloud: &Cloud<'_>, subnet: &str, external: &str) -> Outcome<Option<String>> {
    for port in cloud.find(&ports::PORT, "fixed_ips.subnet_id", subnet)? {
        if port.text("device_owner") != ports::ROUTER_INTERFACE {
            continue;
        }
        let router = cloud.get(&ROUTER, port.text("device_id"))?;
        if router.is_some_and(|router| {
            router.body["external_gateway_info"]["network_id"].as_str() == Some(external)
        }) {
            return Ok(Some(port.text("device_id").to_owned()));
        }
    }
    Ok(None)
}
