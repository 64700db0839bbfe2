//! Addresses of subnets: which are free, which are taken, and by whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use rusqlite::{OptionalExtension, params};
use serde_json::{Value, json};

use super::subnets::SUBNET;
use crate::{
    cloud::Cloud,
    reply::{Outcome, Refusal, refuse},
    store::Object,
};

/// An address of a subnet.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) subnet: String,
    pub(crate) address: IpAddr,
}

impl Place {
    /// Returns the place as `fixed_ips` shows it.
    pub(crate) fn json(&self) -> Value {
        json!({"subnet_id": self.subnet, "ip_address": self.address.to_string()})
    }
}

/// Takes the addresses that a port's `fixed_ips` ask for, or without any one per family.
pub(crate) fn take(
    cloud: &Cloud<'_>,
    network: &str,
    asked: Option<&[Value]>,
    owner: &str,
) -> Outcome<Vec<Place>> {
    let subnets = cloud.find(&SUBNET, "network_id", network)?;
    let Some(asked) = asked else {
        let mut places = Vec::new();
        for version in [4, 6] {
            let family: Vec<&Object> =
                subnets.iter().filter(|subnet| subnet.number("ip_version") == version).collect();
            if !family.is_empty() {
                places.push(take_any(cloud, network, &family, owner)?);
            }
        }
        return Ok(places);
    };
    let mut places = Vec::new();
    for wish in asked {
        let text = |key: &str| wish.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        let subnet =
            text("subnet_id").map(|id| named(cloud, &subnets, (network, id))).transpose()?;
        places.push(match (text("ip_address"), subnet) {
            (Some(address), subnet) => take_named(cloud, (&subnets, subnet), (address, owner))?,
            (None, Some(subnet)) => take_any(cloud, network, &[subnet], owner)?,
            (None, None) => {
                let all: Vec<&Object> = subnets.iter().collect();
                take_any(cloud, network, &all, owner)?
            }
        });
    }
    Ok(places)
}

fn named<'s>(
    cloud: &Cloud<'_>,
    subnets: &'s [Object],
    (network, id): (&str, &str),
) -> Outcome<&'s Object> {
    if let Some(subnet) = subnets.iter().find(|subnet| subnet.id == id) {
        return Ok(subnet);
    }
    if cloud.get(&SUBNET, id)?.is_none() {
        let message = format!("Subnet {id} could not be found.");
        return Err(refuse(404, "SubnetNotFound", message));
    }
    Err(refuse(
        400,
        "InvalidInput",
        format!(
            "Invalid input for operation: Failed to create port on network {network}, because \
             fixed_ips included invalid subnet {id}."
        ),
    ))
}

fn take_any(cloud: &Cloud<'_>, network: &str, subnets: &[&Object], owner: &str) -> Outcome<Place> {
    for subnet in subnets {
        if let Some(address) = next_free(cloud, subnet)? {
            mark(cloud, &subnet.id, address, owner)?;
            return Ok(Place { subnet: subnet.id.clone(), address });
        }
    }
    Err(exhausted(network))
}

/// Returns the refusal of a network without a free address.
pub(crate) fn exhausted(network: &str) -> Refusal {
    refuse(
        409,
        "IpAddressGenerationFailure",
        format!("No more IP addresses available on network {network}."),
    )
}

fn take_named(
    cloud: &Cloud<'_>,
    (subnets, subnet): (&[Object], Option<&Object>),
    (text, owner): (&str, &str),
) -> Outcome<Place> {
    let Ok(address) = text.parse::<IpAddr>() else {
        return Err(super::bad(format!(
            "Invalid input for fixed_ips. Reason: '{text}' is not a valid IP address."
        )));
    };
    let fits = |subnet: &&Object| net(subnet).is_some_and(|net| usable(&net, address));
    let subnet = match subnet {
        Some(subnet) if fits(&subnet) => subnet,
        Some(_) => {
            return Err(refuse(
                400,
                "InvalidIpForSubnet",
                format!("IP address {address} is not a valid IP for the specified subnet."),
            ));
        }
        None => subnets.iter().find(fits).ok_or_else(|| {
            refuse(
                400,
                "InvalidIpForNetwork",
                format!(
                    "IP address {address} is not a valid IP for any of the subnets on the \
                     specified network."
                ),
            )
        })?,
    };
    if taken(cloud, &subnet.id, address)? {
        return Err(refuse(
            409,
            "IpAddressAlreadyAllocated",
            format!("IP address {address} already allocated in subnet {}", subnet.id),
        ));
    }
    mark(cloud, &subnet.id, address, owner)?;
    Ok(Place { subnet: subnet.id.clone(), address })
}

/// Returns a subnet's CIDR.
pub(crate) fn net(subnet: &Object) -> Option<IpNet> {
    subnet.text("cidr").parse().ok()
}

/// Tells whether a host of `net` may have `address`: neither its first nor its broadcast one.
pub(crate) fn usable(net: &IpNet, address: IpAddr) -> bool {
    let edge = match net {
        IpNet::V4(v4) if v4.prefix_len() < 31 => {
            address == IpAddr::V4(v4.network()) || address == IpAddr::V4(v4.broadcast())
        }
        IpNet::V4(_) => false,
        IpNet::V6(v6) => v6.prefix_len() < 127 && address == IpAddr::V6(v6.network()),
    };
    net.contains(&address) && !edge
}

/// Tells whether somebody has `address`.
pub(crate) fn taken(cloud: &Cloud<'_>, subnet: &str, address: IpAddr) -> Outcome<bool> {
    let taken = cloud
        .conn
        .prepare_cached("SELECT 1 FROM address WHERE site = ? AND subnet = ? AND address = ?")?
        .exists(params![cloud.site.region, subnet, key(address)])?;
    Ok(taken)
}

/// Tells whether anybody has an address of `subnet`.
pub(crate) fn in_use(cloud: &Cloud<'_>, subnet: &str) -> Outcome<bool> {
    let used = cloud
        .conn
        .prepare_cached("SELECT 1 FROM address WHERE site = ? AND subnet = ?")?
        .exists(params![cloud.site.region, subnet])?;
    Ok(used)
}

fn mark(cloud: &Cloud<'_>, subnet: &str, address: IpAddr, owner: &str) -> Outcome<()> {
    cloud.conn.prepare_cached("INSERT INTO address VALUES (?, ?, ?, ?)")?.execute(params![
        cloud.site.region,
        subnet,
        key(address),
        owner
    ])?;
    Ok(())
}

/// Gives an address back.
pub(crate) fn release(cloud: &Cloud<'_>, subnet: &str, address: &str) -> Outcome<()> {
    if let Ok(address) = address.parse::<IpAddr>() {
        cloud
            .conn
            .prepare_cached("DELETE FROM address WHERE site = ? AND subnet = ? AND address = ?")?
            .execute(params![cloud.site.region, subnet, key(address)])?;
    }
    Ok(())
}

/// Returns the next free address of a subnet's pools, beyond the one given last.
///
/// Going round costs one read per address as long as the pool has not been used up once.
fn next_free(cloud: &Cloud<'_>, subnet: &Object) -> Outcome<Option<IpAddr>> {
    let last: Option<Vec<u8>> = cloud
        .conn
        .prepare_cached("SELECT address FROM pool_cursor WHERE site = ? AND subnet = ?")?
        .query_row(params![cloud.site.region, subnet.id], |row| row.get(0))
        .optional()?;
    let last = last.as_deref().map_or(0, number);
    let pools = pools(subnet);
    for beyond in [last, 0] {
        for (start, end) in &pools {
            let from = (*start).max(beyond.saturating_add(1));
            if let Some(free) = first_gap(cloud, &subnet.id, from, *end)? {
                let address = from_number(free, subnet.number("ip_version"));
                cloud
                    .conn
                    .prepare_cached("INSERT OR REPLACE INTO pool_cursor VALUES (?, ?, ?)")?
                    .execute(params![cloud.site.region, subnet.id, key(address)])?;
                return Ok(Some(address));
            }
        }
    }
    Ok(None)
}

fn pools(subnet: &Object) -> Vec<(u128, u128)> {
    let bound = |pool: &Value, key: &str| {
        let address: Option<IpAddr> = pool.get(key)?.as_str()?.parse().ok();
        address.map(to_number)
    };
    subnet
        .list("allocation_pools")
        .iter()
        .filter_map(|pool| Some((bound(pool, "start")?, bound(pool, "end")?)))
        .collect()
}

/// Returns the first number from `from` to `end` that no address has.
fn first_gap(cloud: &Cloud<'_>, subnet: &str, from: u128, end: u128) -> Outcome<Option<u128>> {
    if from > end {
        return Ok(None);
    }
    let mut statement = cloud.conn.prepare_cached(
        "SELECT address FROM address WHERE site = ? AND subnet = ? AND address >= ? \
         ORDER BY address",
    )?;
    let mut rows = statement.query(params![cloud.site.region, subnet, from.to_be_bytes()])?;
    let mut candidate = from;
    while let Some(row) = rows.next()? {
        let used: Vec<u8> = row.get(0)?;
        if number(&used) != candidate {
            break;
        }
        candidate = candidate.saturating_add(1);
    }
    Ok((candidate <= end).then_some(candidate))
}

/// Returns an address as a number; both families share the space, since a subnet has one.
pub(crate) fn to_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Returns the address of a number in the family of `version`.
pub(crate) fn from_number(number: u128, version: i64) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if version == 4 => IpAddr::V4(Ipv4Addr::from(number)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

fn key(address: IpAddr) -> [u8; 16] {
    to_number(address).to_be_bytes()
}

fn number(bytes: &[u8]) -> u128 {
    bytes.try_into().map_or(0, u128::from_be_bytes)
}
