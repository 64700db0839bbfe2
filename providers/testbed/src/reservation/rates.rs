//! What Chameleon charges for leases per hour, and for how long it lends what.

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    allocation,
    inventory::{self, Resource},
    lease::{Lease, Reservation},
};
use crate::{cloud::Cloud, json, reply::Outcome, site::Hardware};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const HALF_YEAR: SignedDuration = SignedDuration::from_hours(183 * 24);

/// What a flavor costs, and how long it can be leased.
struct FlavorTerms {
    name: &'static str,
    /// Hundredths of a service unit per hour.
    rate: i64,
    longest: SignedDuration,
}

/// The rates of larger GPU flavors are not published: they follow from those of one GPU.
const FLAVORS: &[FlavorTerms] = &[
    terms("m1.tiny", 1, HALF_YEAR),
    terms("m1.small", 2, HALF_YEAR),
    terms("m1.medium", 4, HALF_YEAR),
    terms("m1.large", 8, HALF_YEAR),
    terms("m1.xlarge", 15, HALF_YEAR),
    terms("m1.xxlarge", 30, HALF_YEAR),
    terms("g1.h100.pci.1", 50, WEEK),
    terms("g1.h100.pci.4", 200, WEEK),
    terms("g1.h100.vgpu.1g.12gb", 7, WEEK),
];

/// What a virtual CPU costs where the flavor says nothing: that of the `m1` flavors.
const RATE_PER_VCPU: i64 = 2;

const fn terms(name: &'static str, rate: i64, longest: SignedDuration) -> FlavorTerms {
    FlavorTerms { name, rate, longest }
}

/// Returns how long the lease may be: as its strictest reservation says.
pub(super) fn longest(cloud: &Cloud<'_>, lease: &Lease) -> SignedDuration {
    if cloud.site.hardware != Hardware::Virtual {
        return WEEK;
    }
    let flavors = lease.reservations.iter().filter_map(flavor_terms);
    flavors.map(|terms| terms.longest).min().unwrap_or(HALF_YEAR)
}

/// Returns what each reservation costs, in hundredths of a service unit per hour.
pub(super) fn of(cloud: &Cloud<'_>, lease: &Lease) -> Outcome<Vec<i64>> {
    lease.reservations.iter().map(|reservation| rate(cloud, reservation)).collect()
}

fn rate(cloud: &Cloud<'_>, reservation: &Reservation) -> Outcome<i64> {
    let inventory = inventory::of(cloud.site);
    match reservation.resource_type.as_str() {
        "physical:host" => held(cloud, &inventory.hosts, reservation),
        "network" => held(cloud, &inventory.networks, reservation),
        "device" => held(cloud, &inventory.devices, reservation),
        "virtual:floatingip" => Ok(0),
        _ => {
            let number = |key: &str| json::number(&reservation.own, key).unwrap_or(0);
            let rate = flavor_terms(reservation)
                .map_or(number("vcpus") * RATE_PER_VCPU, |terms| terms.rate);
            Ok(rate * number("amount"))
        }
    }
}

/// Returns what the things cost together that a reservation has of `resources`.
fn held(cloud: &Cloud<'_>, resources: &[Resource], reservation: &Reservation) -> Outcome<i64> {
    let ids = allocation::of_reservation(cloud, &reservation.id)?;
    let mine = resources.iter().filter(|resource| ids.contains(&resource.id));
    Ok(mine.map(|resource| hundredths(resource.property("su_factor"))).sum())
}

/// Returns the hundredths in a text such as `1.5`; what is no number counts as 1.
fn hundredths(text: &str) -> i64 {
    if text.is_empty() {
        return 100;
    }
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let rest: String = rest.chars().chain("00".chars()).take(2).collect();
    format!("{whole}{rest}").parse().unwrap_or(100)
}

/// Returns the terms of the flavor from which a reservation's own was made.
fn flavor_terms(reservation: &Reservation) -> Option<&'static FlavorTerms> {
    let source = json::text(&reservation.own, "resource_properties");
    let source: Value = serde_json::from_str(source).unwrap_or_default();
    let name = source.get("name")?.as_str()?;
    FLAVORS.iter().find(|terms| terms.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_read_from_a_text() {
        for (text, number) in [("1.0", 100), ("16.0", 1600), ("0.5", 50), ("2", 200), ("", 100)] {
            assert_eq!(hundredths(text), number, "{text}");
        }
    }

    #[test]
    fn every_flavor_has_its_terms() {
        for line in include_str!("../../data/flavors.csv").lines().skip(1) {
            let name = line.split(',').next().unwrap_or_default();
            let known = FLAVORS.iter().any(|terms| terms.name == name);
            assert!(known || name == "baremetal", "{name}");
        }
    }
}
