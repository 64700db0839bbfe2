//! Interfaces of routers: the ports by which they stand in subnets.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    floating_ips, ipam, not_found, plugs, ports,
    routers::{ROUTER, bad_router},
    subnets::{self, SUBNET},
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Reply, refuse},
    store::{Object, Scan},
};

/// Returns the ports by which a router stands in subnets.
pub(super) fn all(cloud: &Cloud<'_>, router: &str) -> Outcome<Vec<Object>> {
    let mut found = cloud.find(&ports::PORT, "device_id", router)?;
    found.retain(|port| port.text("device_owner") == plugs::ROUTER_INTERFACE);
    Ok(found)
}

pub(super) fn action(call: &Call<'_>, router: Object, action: &str) -> Outcome<Reply> {
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
        plugs::plug(
            cloud,
            &call.who.project,
            &plugs::Plug {
                network: subnet.text("network_id"),
                addresses: vec![json!({"subnet_id": subnet.id, "ip_address": gateway})],
                device: &router.id,
                owner: plugs::ROUTER_INTERFACE,
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
    port.set("device_owner", plugs::ROUTER_INTERFACE);
    port.set("status", "ACTIVE");
    super::touch(cloud, &mut port);
    cloud.put(&ports::PORT, &port)?;
    Ok(port)
}

fn check_overlap(cloud: &Cloud<'_>, router: &Object, subnet: &Object) -> Outcome<()> {
    let Some(net) = ipam::net(subnet) else { return Ok(()) };
    for port in all(cloud, &router.id)? {
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
        "id": router.id, "tenant_id": router.project,
        "port_id": port.id, "network_id": port.text("network_id"),
        "subnet_id": subnets.first(), "subnet_ids": subnets,
    })
}

fn remove_interface(call: &Call<'_>, router: &Object, given: &Body) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let (subnet_id, port_id) = (json::text(given, "subnet_id"), json::text(given, "port_id"));
    let held = all(cloud, &router.id)?;
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
        return Err(bad_router("Either subnet_id or port_id must be specified"));
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
    plugs::unplug(cloud, port)?;
    Ok(Reply::json(200, answer))
}

fn route_uses(cloud: &Cloud<'_>, router: &Object, subnet: &str) -> Outcome<bool> {
    let net = cloud.get(&SUBNET, subnet)?.as_ref().and_then(ipam::net);
    Ok(router.list("routes").iter().any(|route| {
        let hop = route.get("nexthop").and_then(Value::as_str).and_then(|hop| hop.parse().ok());
        net.zip(hop).is_some_and(|(net, hop): (IpNet, std::net::IpAddr)| net.contains(&hop))
    }))
}

/// Refuses routes whose next hop stands in none of the router's subnets.
pub(super) fn check_routes(cloud: &Cloud<'_>, router: &str, routes: &[Value]) -> Outcome<()> {
    let mut nets: Vec<IpNet> = Vec::new();
    for port in all(cloud, router)? {
        for subnet in places(&port) {
            nets.extend(cloud.get(&SUBNET, subnet)?.as_ref().and_then(ipam::net));
        }
    }
    for route in routes {
        let text = |key: &str| route.get(key).and_then(Value::as_str).unwrap_or_default();
        let hop: Option<std::net::IpAddr> = text("nexthop").parse().ok();
        if !hop.is_some_and(|hop| nets.iter().any(|net| net.contains(&hop))) {
            let message = format!(
                "Invalid format for routes: [{{'destination': '{}', 'nexthop': '{}'}}], the nexthop is \
                 not connected with router",
                text("destination"),
                text("nexthop")
            );
            return Err(refuse(400, "InvalidRoutes", message));
        }
    }
    Ok(())
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
    check_routes(&call.cloud, &router.id, &routes)?;
    router.set("routes", routes);
    call.cloud.put(&ROUTER, &router)?;
    Ok(Reply::json(200, json!({"router": json::public(&router.body)})))
}

/// Returns the router that carries `subnet` to the external network `external`.
pub(super) fn between(cloud: &Cloud<'_>, subnet: &str, external: &str) -> Outcome<Option<String>> {
    // By its routers: a subnet may hold hundreds of ports.
    let mut routers = Vec::new();
    cloud.scan(&ROUTER, Scan::default(), &mut |router| {
        if router.body["external_gateway_info"]["network_id"].as_str() == Some(external) {
            routers.push(router.id);
        }
        true
    })?;
    for router in routers {
        let stands_there = |port: &Object| {
            port.list("fixed_ips").iter().any(|place| place["subnet_id"].as_str() == Some(subnet))
        };
        if all(cloud, &router)?.iter().any(stands_there) {
            return Ok(Some(router));
        }
    }
    Ok(None)
}
