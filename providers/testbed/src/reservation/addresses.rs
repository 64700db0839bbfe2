//! `virtual:floatingip`: addresses of the public network that only leases hand out.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    Change, Plugin,
    allocation::{self, Claim, Pool},
    change::fatal,
    inventory::Resource,
    lease::{Lease, Reservation, ReservationStatus, Window},
    malformed, missing, user_name,
};
use crate::{
    cloud::Cloud,
    json::{self, Body},
    network::floating_ips,
    reply::{Outcome, Refusal, no},
    seed::seeded_id,
    site::Site,
};

pub(super) const FLOATING_IP: Plugin =
    Plugin { resource_type: "virtual:floatingip", offered: |_| true, reserve, update, start, end };

/// How many addresses at the end of a site's public subnet belong to Blazar.
const RESERVABLE: u32 = 32;

/// Returns the pool of a public subnet that is given to whoever asks, without a lease.
pub(crate) fn ad_hoc_pool(cidr: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let Ok(IpNet::V4(net)) = cidr.parse::<IpNet>() else { return None };
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    // The first address is the gateway's.
    Some((Ipv4Addr::from(first + 2), Ipv4Addr::from(last - 1 - RESERVABLE)))
}

/// Returns the addresses of a site that leases hand out.
pub(super) fn resources(site: &Site) -> Vec<Resource> {
    let public = site.networks.iter().find(|network| network.external);
    let Some((public, (_, last))) = public.and_then(|p| Some((p, ad_hoc_pool(p.cidr)?))) else {
        return Vec::new();
    };
    let network = seeded_id(site, "network", public.name);
    let subnet = seeded_id(site, "subnet", &format!("{}-subnet", public.name));
    (1..=RESERVABLE)
        .map(|step| {
            let address = Ipv4Addr::from(u32::from(last) + step).to_string();
            let id = seeded_id(site, "reservable address", &address);
            let columns = json::map(json!({"id": id, "floating_network_id": network,
                "subnet_id": subnet, "floating_ip_address": address, "reservable": true,
                "created_at": "2025-08-01 12:00:00", "updated_at": null}));
            Resource { id, name: address, columns, properties: std::collections::BTreeMap::new() }
        })
        .collect()
}

fn not_enough() -> Refusal {
    no(500, "Not enough floating IPs available")
}

fn reserve(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    let (required, amount) = wish(given)?;
    let network = given.get("network_id").cloned().unwrap_or_default();
    reservation.own.insert("network_id".to_owned(), network);
    reservation.own.insert("amount".to_owned(), json!(amount));
    reservation.own.insert("required_floatingips".to_owned(), json!(required));
    let chosen = choose(cloud, reservation, (&required, amount), (lease.window(), &[]))?;
    take(cloud, lease, reservation, (&chosen, lease.window()))
}

/// Returns the required addresses and the number that a request asks for.
fn wish(given: &Body) -> Outcome<(Vec<String>, usize)> {
    given.get("network_id").ok_or_else(|| missing("network_id"))?;
    let amount = given.get("amount").ok_or_else(|| missing("amount"))?;
    let amount = json::as_number(amount).ok_or_else(|| malformed("amount"))?;
    let required = match given.get("required_floatingips") {
        // Python walks through a text as through a list.
        Some(Value::String(text)) => text.chars().map(String::from).collect(),
        _ => json::texts(given, "required_floatingips"),
    };
    if let Some(bad) = required.iter().find(|text| text.parse::<IpAddr>().is_err()) {
        return Err(no(400, format!("IP address {bad} is invalid form.")));
    }
    let amount = usize::try_from(amount).ok().filter(|amount| required.len() <= *amount);
    let Some(amount) = amount else {
        return Err(no(
            400,
            "Invalid values for required_floatingips and amount. The amount must be equal to or \
             longer than length of required_floatingips.",
        ));
    };
    Ok((required, amount))
}

/// Returns free addresses of the reservation's network: the required ones, then those that nobody
/// wants, then others.
fn choose(
    cloud: &Cloud<'_>,
    reservation: &Reservation,
    (required, amount): (&[String], usize),
    (window, held): (Window, &[String]),
) -> Outcome<Vec<String>> {
    let network = json::text(&reservation.own, "network_id");
    let window = allocation::with_cleaning(cloud, window);
    let (mut chosen, mut untouched, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    for resource in resources(cloud.site) {
        if resource.column("floating_network_id") != network || held.contains(&resource.id) {
            continue;
        }
        let wanted = allocation::is_wanted(cloud, Pool::FloatingIps, &resource.id)?;
        let period = (window, None);
        if wanted && !allocation::is_free(cloud, Pool::FloatingIps, &resource.id, period)? {
            continue;
        }
        if required.contains(&resource.name) {
            chosen.push(resource.id);
        } else if wanted {
            shared.push(resource.id);
        } else {
            untouched.push(resource.id);
        }
    }
    if chosen.len() != required.len() {
        return Err(not_enough());
    }
    chosen.append(&mut untouched);
    chosen.append(&mut shared);
    if chosen.len() < amount {
        return Err(not_enough());
    }
    chosen.truncate(amount);
    Ok(chosen)
}

fn take(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &Reservation,
    (chosen, window): (&[String], Window),
) -> Outcome<()> {
    let claim = Claim {
        reservation: reservation.id.clone(),
        lease: lease.id.clone(),
        user: user_name(cloud, &lease.user_id)?,
        background: false,
    };
    for address in chosen {
        allocation::take(cloud, Pool::FloatingIps, address, (&claim, window))?;
    }
    Ok(())
}

fn update(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    const REFUSED: &str = "Floating IP reservation cannot be updated with requested parameters. ";
    let given = change.given;
    let own = reservation.own.clone();
    if given.get("network_id").is_some_and(|id| Some(id) != own.get("network_id")) {
        return Err(fatal(400, format!("{REFUSED}Updating network_id is not supported")));
    }
    let required = json::texts(&own, "required_floatingips");
    if let Some(wish) = given.get("required_floatingips")
        && *wish != json!(required)
    {
        if *wish != json!([]) {
            return Err(fatal(
                400,
                format!(
                    "{REFUSED}Updating required_floatingips is not supported except with an \
                     empty list"
                ),
            ));
        }
        reservation.own.insert("required_floatingips".to_owned(), json!([]));
    }
    let amount = given.get("amount").or_else(|| own.get("amount")).unwrap_or(&Value::Null);
    let amount = json::as_number(amount).ok_or_else(super::unforeseen)?;
    reservation.own.insert("amount".to_owned(), json!(amount));
    let amount = usize::try_from(amount).unwrap_or(0);
    let held = allocation::of_reservation(cloud, &reservation.id)?;
    let mut kept = Vec::new();
    for address in &held {
        let period = (change.window, Some(reservation.id.as_str()));
        if allocation::is_free(cloud, Pool::FloatingIps, address, period)? {
            kept.push(address.clone());
        }
    }
    kept.drain(..kept.len().saturating_sub(amount));
    let active = reservation.status == ReservationStatus::Active;
    if kept.len() < held.len() && active {
        return Err(fatal(
            400,
            format!("{REFUSED}Cannot remove allocations from an active reservation"),
        ));
    }
    let more = if kept.len() < amount {
        let lacking = (&[][..], amount - kept.len());
        choose(cloud, reservation, lacking, (change.window, &held))?
    } else {
        Vec::new()
    };
    for address in held.iter().filter(|address| !kept.contains(address)) {
        allocation::drop_one(cloud, &reservation.id, address)?;
    }
    allocation::move_to(cloud, &reservation.id, change.window)?;
    take(cloud, lease, reservation, (&more, change.window))?;
    if active { hand_over(cloud, lease, reservation, &more) } else { Ok(()) }
}

fn start(cloud: &Cloud<'_>, lease: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    let held = allocation::of_reservation(cloud, &reservation.id)?;
    hand_over(cloud, lease, reservation, &held)
}

/// Makes the addresses the project's floating IPs, with the tags by which they are found.
fn hand_over(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &Reservation,
    held: &[String],
) -> Outcome<()> {
    let tags = json!(["blazar", format!("reservation:{}", reservation.id)]);
    for resource in resources(cloud.site).iter().filter(|one| held.contains(&one.id)) {
        floating_ips::lend(cloud, &lease.project_id, &resource.columns, &tags)?;
    }
    Ok(())
}

fn end(cloud: &Cloud<'_>, _: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    let held = allocation::of_reservation(cloud, &reservation.id)?;
    if reservation.status != ReservationStatus::Pending {
        for resource in resources(cloud.site).iter().filter(|one| held.contains(&one.id)) {
            floating_ips::take_back(cloud, &resource.name)?;
        }
    }
    allocation::drop_all(cloud, &reservation.id)
}
