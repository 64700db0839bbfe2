//! Subnets.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, fixed, free, required},
    bad,
    collection::{Collection, Hooks},
    forbidden, ipam,
    networks::{self, NETWORK},
    standard,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, refuse},
    store::{Kind, Object},
};

pub(crate) const SUBNET: Kind = Kind { name: "subnet", indexed: &["name", "network_id", "cidr"] };

const ATTRIBUTES: &[Attribute] = &[
    required("network_id", Check::Id),
    free("name", Check::Text(LONG)),
    free("gateway_ip", Check::AddressOrNull),
    free("enable_dhcp", Check::Flag),
    free("dns_nameservers", Check::Nameservers),
    free("host_routes", Check::List),
    free("allocation_pools", Check::List),
    free("service_types", Check::List),
    free("dns_publish_fixed_ip", Check::Flag),
    fixed("cidr", Check::Cidr),
    fixed("ip_version", Check::IpVersion),
    fixed("ipv6_address_mode", Check::Any),
    fixed("ipv6_ra_mode", Check::Any),
    fixed("subnetpool_id", Check::IdOrNull),
    fixed("prefixlen", Check::Number),
    fixed("segment_id", Check::IdOrNull),
];

/// [API: subnets](https://docs.openstack.org/api-ref/network/v2/#subnets).
pub(super) const COLLECTION: Collection = Collection {
    plural: "subnets",
    singular: "subnet",
    kind: &SUBNET,
    attributes: ATTRIBUTES,
    missing: ("SubnetNotFound", "Subnet {} could not be found."),
    quota: -1,
    hooks: Hooks {
        create,
        update,
        delete,
        visible,
        show: Hooks::as_kept,
        action: Hooks::no_action,
    },
};

fn visible(call: &Call<'_>, subnet: &Object) -> bool {
    subnet.project == call.who.project || subnet.flag("_shared")
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    let network = networks::seen(call, json::text(given, "network_id"))?;
    if network.project != call.who.project {
        return Err(forbidden("rule:create_subnet"));
    }
    let id = call.cloud.new_id()?;
    let body = compose(&call.cloud, given, &id, &call.who.project)?;
    Ok(call.cloud.insert(&SUBNET, &call.who.project, body)?)
}

/// Returns the subnet that checked input describes, with Neutron's defaults and refusals.
pub(crate) fn compose(cloud: &Cloud<'_>, given: &Body, id: &str, project: &str) -> Outcome<Body> {
    let network = json::text(given, "network_id");
    let version = json::number(given, "ip_version").ok_or_else(|| {
        bad("Failed to parse request. Required attribute 'ip_version' not specified")
    })?;
    let Ok(net) = json::text(given, "cidr").parse::<IpNet>() else {
        return Err(refuse(
            400,
            "BadRequest",
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
        ));
    };
    let own_version = if matches!(net, IpNet::V4(_)) { 4 } else { 6 };
    if version != own_version {
        return Err(input(&format!("cidr '{net}' does not match the ip_version '{version}'")));
    }
    overlap(cloud, network, &net)?;
    let gateway = match given.get("gateway_ip") {
        None => Some(first_host(&net)),
        Some(value) => value.as_str().and_then(|text| text.parse().ok()),
    };
    let pools = match given.get("allocation_pools").and_then(Value::as_array) {
        Some(asked) if !asked.is_empty() => check_pools(asked, &net, gateway)?,
        _ => default_pools(&net, gateway),
    };
    check_gateway(&net, gateway, &pools)?;
    let mut body = standard(cloud, id, project);
    for (key, value) in [
        ("network_id", json!(network)),
        ("ip_version", json!(version)),
        ("enable_dhcp", json!(true)),
        ("ipv6_ra_mode", Value::Null),
        ("ipv6_address_mode", Value::Null),
        ("dns_nameservers", json!([])),
        ("host_routes", json!([])),
        ("service_types", json!([])),
        ("dns_publish_fixed_ip", json!(false)),
        ("subnetpool_id", Value::Null),
        ("segment_id", Value::Null),
    ] {
        body.insert(key.to_owned(), value);
    }
    body.extend(given.clone());
    body.remove("prefixlen");
    body.insert("cidr".to_owned(), json!(net.to_string()));
    body.insert("gateway_ip".to_owned(), json!(gateway.map(|gateway| gateway.to_string())));
    body.insert("allocation_pools".to_owned(), json!(pools.iter().map(pool).collect::<Vec<_>>()));
    let shared = cloud.get(&NETWORK, network)?.is_some_and(|network| network.flag("shared"));
    body.insert("_shared".to_owned(), json!(shared));
    Ok(body)
}

type Pool = (IpAddr, IpAddr);

fn pool((start, end): &Pool) -> Value {
    json!({"start": start.to_string(), "end": end.to_string()})
}

fn input(message: &str) -> Refusal {
    refuse(400, "InvalidInput", format!("Invalid input for operation: {message}."))
}

fn overlap(cloud: &Cloud<'_>, network: &str, net: &IpNet) -> Outcome<()> {
    for other in cloud.find(&SUBNET, "network_id", network)? {
        if ipam::net(&other).is_some_and(|other| overlaps(&other, net)) {
            return Err(input(&format!(
                "Requested subnet with cidr: {net} for network: {network} overlaps with another \
                 subnet"
            )));
        }
    }
    Ok(())
}

/// Tells whether two networks share addresses.
pub(super) fn overlaps(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn first_host(net: &IpNet) -> IpAddr {
    shifted(net, net.network(), 1)
}

fn shifted(net: &IpNet, address: IpAddr, by: i8) -> IpAddr {
    let version = if matches!(net, IpNet::V4(_)) { 4 } else { 6 };
    let number = ipam::to_number(address);
    let moved = if by >= 0 {
        number.saturating_add(by.unsigned_abs().into())
    } else {
        number.saturating_sub(by.unsigned_abs().into())
    };
    ipam::from_number(moved, version)
}

/// Returns the first and the last address that hosts may have.
fn bounds(net: &IpNet) -> Pool {
    let v4 = matches!(net, IpNet::V4(_));
    let tiny = if v4 { net.prefix_len() >= 31 } else { net.prefix_len() >= 127 };
    if tiny {
        return (net.network(), net.broadcast());
    }
    let last = if v4 { shifted(net, net.broadcast(), -1) } else { net.broadcast() };
    (first_host(net), last)
}

/// Returns the whole range without the gateway.
fn default_pools(net: &IpNet, gateway: Option<IpAddr>) -> Vec<Pool> {
    let (first, last) = bounds(net);
    let Some(gateway) = gateway.filter(|gateway| (first..=last).contains(gateway)) else {
        return vec![(first, last)];
    };
    let mut pools = Vec::new();
    if gateway > first {
        pools.push((first, shifted(net, gateway, -1)));
    }
    if gateway < last {
        pools.push((shifted(net, gateway, 1), last));
    }
    pools
}

fn check_pools(asked: &[Value], net: &IpNet, gateway: Option<IpAddr>) -> Outcome<Vec<Pool>> {
    let (first, last) = bounds(net);
    let mut pools: Vec<Pool> = Vec::new();
    for value in asked {
        let bound = |key: &str| value.get(key)?.as_str()?.parse::<IpAddr>().ok();
        let shown = |pool: &Pool| format!("{}-{}", pool.0, pool.1);
        let (Some(start), Some(end)) = (bound("start"), bound("end")) else {
            return Err(bad(format!(
                "Invalid input for allocation_pools. Reason: Invalid data format for IP pool: \
                 '{value}'."
            )));
        };
        let pool = (start, end);
        if start > end {
            let message =
                format!("The allocation pool {{'start': '{start}', 'end': '{end}'}} is not valid.");
            return Err(refuse(400, "InvalidAllocationPool", message));
        }
        if start < first || end > last {
            let message =
                format!("The allocation pool {} spans beyond the subnet cidr {net}.", shown(&pool));
            return Err(refuse(400, "OutOfBoundsAllocationPool", message));
        }
        if let Some(other) = pools.iter().find(|other| start <= other.1 && other.0 <= end) {
            let message = format!(
                "Found overlapping allocation pools: {} {} for subnet {net}.",
                shown(other),
                shown(&pool)
            );
            return Err(refuse(409, "OverlappingAllocationPools", message));
        }
        pools.push(pool);
    }
    check_gateway(net, gateway, &pools)?;
    Ok(pools)
}

fn check_gateway(net: &IpNet, gateway: Option<IpAddr>, pools: &[Pool]) -> Outcome<()> {
    let Some(gateway) = gateway else { return Ok(()) };
    if net.contains(&gateway) && !ipam::usable(net, gateway) {
        return Err(input("Gateway is not valid on subnet"));
    }
    if let Some((start, end)) = pools.iter().find(|(start, end)| (*start..=*end).contains(&gateway))
    {
        return Err(refuse(
            409,
            "GatewayConflictWithAllocationPools",
            format!("Gateway ip {gateway} conflicts with allocation pool {start}-{end}."),
        ));
    }
    Ok(())
}

fn update(call: &Call<'_>, subnet: &mut Object, given: &Body) -> Outcome<()> {
    let Some(net) = ipam::net(subnet) else { return Ok(()) };
    let mut given = given.clone();
    let gateway: Option<IpAddr> = match given.get("gateway_ip") {
        Some(value) => value.as_str().and_then(|text| text.parse().ok()),
        None => subnet.text("gateway_ip").parse().ok(),
    };
    let pools = given.get("allocation_pools").and_then(Value::as_array).cloned();
    let pools = match pools {
        Some(asked) => {
            let pools = check_pools(&asked, &net, gateway)?;
            let shown: Vec<Value> = pools.iter().map(pool).collect();
            given.insert("allocation_pools".to_owned(), shown.into());
            pools
        }
        None => check_pools(subnet.list("allocation_pools"), &net, None)?,
    };
    check_gateway(&net, gateway, &pools)?;
    Hooks::copied(call, subnet, &given)
}

fn delete(call: &Call<'_>, subnet: &Object) -> Outcome<()> {
    if !ipam::in_use(&call.cloud, &subnet.id)? {
        return Ok(());
    }
    Err(refuse(
        409,
        "SubnetInUse",
        format!(
            "Unable to complete operation on subnet {}: One or more ports have an IP allocation \
             from this subnet.",
            subnet.id
        ),
    ))
}
