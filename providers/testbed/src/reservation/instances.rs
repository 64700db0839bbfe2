//! `flavor:instance` and `virtual:instance`: servers of one shape, lent as a private flavor.

use serde_json::{Value, json};

use super::{
    Change, Plugin,
    change::fatal,
    filter,
    lease::{Lease, Reservation, ReservationStatus, Window},
    malformed, missing,
    placing::Placing,
    reserved_flavors::{self, Cut},
    shares::{self, Holder, SEVENTHS, Shape, Share},
    unforeseen, user_name,
};
use crate::{
    cloud::Cloud,
    compute::{
        flavors,
        groups::{self, GROUP},
    },
    json::{self, Body},
    reply::{Outcome, Refusal, no},
    site::{Hardware, Site},
    store::Object,
};

pub(super) const FLAVOR: Plugin = Plugin {
    resource_type: "flavor:instance",
    offered,
    reserve: reserve_flavor,
    update: update_flavor,
    start,
    end,
};

pub(super) const INSTANCE: Plugin = Plugin {
    resource_type: "virtual:instance",
    offered,
    reserve: reserve_instance,
    update: update_instance,
    start,
    end,
};

/// Largest number in Blazar's database.
const LARGEST: i64 = 0x7FFF_FFFF;
/// Members of a `virtual:instance` reservation that can be changed.
const UPDATABLE: [&str; 6] =
    ["vcpus", "memory_mb", "disk_gb", "affinity", "amount", "resource_properties"];

fn offered(site: &Site) -> bool {
    site.hardware == Hardware::Virtual
}

fn reserve_flavor(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    require(given, &["amount", "flavor_id", "affinity"])?;
    let amount = amount(given)?;
    let id = given.get("flavor_id").and_then(Value::as_str).unwrap_or_default();
    let Some(source) = flavors::find(cloud, id, &lease.project_id)? else {
        return Err(no_flavor(cloud, id)?);
    };
    let shape = shape_of(&source);
    let place = Placing { shape, conditions: &[], affinity: None, amount };
    let shares = place.choose(cloud, reservation, lease.window())?;
    if given.get("affinity").is_some_and(|affinity| json::as_flag(affinity).is_some()) {
        return Err(no(409, "Affinity not supported yet"));
    }
    let own = json!({
        "vcpus": shape.vcpus, "memory_mb": shape.memory_mb, "disk_gb": shape.disk_gb,
        "amount": amount, "affinity": null, "flavor_id": reservation.id,
        "server_group_id": null, "aggregate_id": aggregate(reservation),
        "resource_properties": reserved_flavors::copied(&source),
        "_gpu_sevenths": shape.gpu_sevenths,
    });
    reservation.own = json::map(own);
    let specs = source.body.get("_extra_specs").cloned().unwrap_or_default();
    settle(cloud, lease, reservation, (&shares, &shape, lease.window()))?;
    make_flavor(cloud, reservation, json::map(specs))
}

/// Returns Nova's refusal of a flavor as its client words it, which Blazar hands on.
fn no_flavor(cloud: &Cloud<'_>, id: &str) -> Outcome<Refusal> {
    let said = match id {
        "" => "The resource could not be found.<br /><br />\n\n\n".to_owned(),
        id => format!("Flavor {id} could not be found."),
    };
    let request = cloud.new_id()?;
    Ok(no(404, format!("{said} (HTTP 404) (Request-ID: req-{request})")))
}

fn require(given: &Body, keys: &[&str]) -> Outcome<()> {
    let lacking: Vec<&str> = keys.iter().copied().filter(|key| !given.contains_key(*key)).collect();
    if lacking.is_empty() { Ok(()) } else { Err(missing(&lacking.join(","))) }
}

fn amount(given: &Body) -> Outcome<usize> {
    let value = given.get("amount").unwrap_or(&Value::Null);
    let Some(amount) = json::as_number(value) else {
        return Err(no(400, "amount must be an integer"));
    };
    if amount < 1 {
        return Err(no(400, "amount must be >= 1"));
    }
    if amount > LARGEST {
        return Err(no(400, format!("amount must be <= {LARGEST}")));
    }
    Ok(usize::try_from(amount).unwrap_or(usize::MAX))
}

/// Returns what a server of a flavor takes; the names of GPU flavors tell what part of a GPU.
fn shape_of(flavor: &Object) -> Shape {
    let name = flavor.text("name");
    let whole = name.rsplit_once(".pci.").and_then(|(_, count)| count.parse::<i64>().ok());
    let gpu_sevenths = match whole {
        Some(count) => count * SEVENTHS,
        None => i64::from(name.contains(".vgpu.")),
    };
    Shape {
        vcpus: flavor.number("vcpus"),
        memory_mb: flavor.number("ram"),
        disk_gb: flavor.number("disk"),
        gpu_sevenths,
    }
}

/// Returns the number of a reservation's aggregate, which nobody but operators sees.
fn aggregate(reservation: &Reservation) -> i64 {
    let digits = reservation.id.get(..4).and_then(|text| i64::from_str_radix(text, 16).ok());
    digits.unwrap_or(1)
}

fn reserve_instance(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    given: &Body,
) -> Outcome<()> {
    // Blazar looks for hosts before it looks for what is missing.
    if UPDATABLE.iter().any(|key| !given.contains_key(*key)) {
        return Err(unforeseen());
    }
    let amount = amount(given)?;
    let affinity = affinity(given)?;
    for key in ["vcpus", "memory_mb", "disk_gb"] {
        let number = json::number(given, key).ok_or_else(unforeseen)?;
        reservation.own.insert(key.to_owned(), json!(number));
    }
    let properties = given.get("resource_properties").cloned().unwrap_or_default();
    for (key, value) in [
        ("amount", json!(amount)),
        ("affinity", json!(affinity)),
        ("resource_properties", properties),
        ("flavor_id", json!(reservation.id)),
        ("aggregate_id", json!(aggregate(reservation))),
        ("server_group_id", group(cloud, lease, &reservation.id, affinity)?),
    ] {
        reservation.own.insert(key.to_owned(), value);
    }
    place_instance(cloud, lease, reservation, lease.window())?;
    let number = |key: &str| json::number(&reservation.own, key).unwrap_or(0);
    if number("vcpus") < 1 || number("memory_mb") < 1 || number("disk_gb") < 0 {
        return Err(no(500, "Failed to create Nova resources for the reservation"));
    }
    make_flavor(cloud, reservation, Body::new())
}

fn affinity(given: &Body) -> Outcome<Option<bool>> {
    let value = given.get("affinity").unwrap_or(&Value::Null);
    match value {
        Value::Null => Ok(None),
        Value::String(text) if ["", "none", "null"].contains(&text.to_lowercase().as_str()) => {
            Ok(None)
        }
        value => json::as_flag(value)
            .map(Some)
            .ok_or_else(|| malformed("affinity (must be a bool value or None)")),
    }
}

/// Makes the server group of a reservation that has an affinity, and returns its id.
fn group(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &str,
    affinity: Option<bool>,
) -> Outcome<Value> {
    let Some(affinity) = affinity else { return Ok(Value::Null) };
    let policy = if affinity { "affinity" } else { "anti-affinity" };
    let owner = (lease.project_id.as_str(), lease.user_id.as_str());
    let group = groups::make(cloud, owner, (&format!("reservation:{reservation}"), policy))?;
    Ok(json!(group.id))
}

fn place_instance(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    window: Window,
) -> Outcome<Vec<Share>> {
    let own = &reservation.own;
    let number = |key: &str| json::number(own, key).unwrap_or(0);
    let shape = Shape {
        vcpus: number("vcpus"),
        memory_mb: number("memory_mb"),
        disk_gb: number("disk_gb"),
        gpu_sevenths: number("_gpu_sevenths"),
    };
    let conditions = filter::parse(own.get("resource_properties").unwrap_or(&Value::Null))?;
    let place = Placing {
        shape,
        conditions: &conditions,
        affinity: json::flag(own, "affinity"),
        amount: usize::try_from(number("amount")).unwrap_or(0),
    };
    let shares = place.choose(cloud, reservation, window)?;
    settle(cloud, lease, reservation, (&shares, &shape, window))?;
    Ok(shares)
}

fn settle(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &Reservation,
    (shares, shape, window): (&[Share], &Shape, Window),
) -> Outcome<()> {
    let user = user_name(cloud, &lease.user_id)?;
    let holder = Holder { reservation: &reservation.id, lease: &lease.id, user: &user };
    shares::put(cloud, &holder, (shares, shape), window)
}

fn make_flavor(cloud: &Cloud<'_>, reservation: &Reservation, specs: Body) -> Outcome<()> {
    let number = |key: &str| json::number(&reservation.own, key).unwrap_or(0);
    let cut = Cut {
        vcpus: number("vcpus"),
        memory_mb: number("memory_mb"),
        disk_gb: number("disk_gb"),
        specs: with_group(reservation, specs),
    };
    let amount = usize::try_from(number("amount")).unwrap_or(0);
    reserved_flavors::make(cloud, reservation, (&cut, amount))
}

/// Adds the server group that servers of the flavor are put into.
fn with_group(reservation: &Reservation, mut specs: Body) -> Body {
    if let Some(group) = reservation.own.get("server_group_id").filter(|group| !group.is_null()) {
        specs.insert("affinity_id".to_owned(), group.clone());
    }
    specs
}

/// Changes the dates of a flavor's lease. Released Blazar can't; what Chameleon does about amounts
/// is not public.
fn update_flavor(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    let own = reservation.own.clone();
    let differs = |key: &str| change.given.get(key).is_some_and(|wish| Some(wish) != own.get(key));
    if !cloud.settings.flavor_leases_change || differs("amount") || differs("affinity") {
        return Err(fatal(409, "Flavor-based reservation update not yet supported"));
    }
    // The copy of the flavor stands where a filter would, and is none.
    let copy = reservation.own.insert("resource_properties".to_owned(), json!(""));
    let moved = replace(cloud, lease, reservation, change.window);
    reservation.own.insert("resource_properties".to_owned(), copy.unwrap_or_default());
    moved
}

fn update_instance(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    change: &Change<'_>,
) -> Outcome<()> {
    let given = change.given;
    if given.contains_key("amount") {
        let amount = amount(given)?;
        reservation.own.insert("amount".to_owned(), json!(amount));
    }
    let affinity = affinity(given)?;
    let before = lease.window();
    let within = change.window.start >= before.start && change.window.end <= before.end;
    let named = |key: &&str| given.contains_key(*key);
    if !UPDATABLE.iter().any(named) && within {
        return replace(cloud, lease, reservation, change.window);
    }
    let active = reservation.status == ReservationStatus::Active;
    if active && UPDATABLE.iter().any(|key| *key != "amount" && named(key)) {
        return Err(fatal(409, "An active reservation only accepts to update amount."));
    }
    if reservation.status == ReservationStatus::Error {
        return Err(fatal(409, "An error reservation doesn't accept an updating request."));
    }
    for key in ["vcpus", "memory_mb", "disk_gb", "resource_properties"] {
        if let Some(value) = given.get(key) {
            reservation.own.insert(key.to_owned(), value.clone());
        }
    }
    if given.contains_key("affinity") {
        reservation.own.insert("affinity".to_owned(), json!(affinity));
    }
    replace(cloud, lease, reservation, change.window)?;
    make_flavor(cloud, reservation, Body::new())
}

/// Places a reservation anew; one that runs keeps all that it has.
fn replace(
    cloud: &Cloud<'_>,
    lease: &Lease,
    reservation: &mut Reservation,
    window: Window,
) -> Outcome<()> {
    let held = shares::of_reservation(cloud, &reservation.id)?;
    let shares = place_instance(cloud, lease, reservation, window)?;
    let keeps = |share: &Share| {
        shares.iter().any(|new| new.host == share.host && new.amount >= share.amount)
    };
    if reservation.status == ReservationStatus::Active && !held.iter().all(keeps) {
        return Err(no(
            409,
            "Instance reservation doesn't allow to reduce/replace reserved instance slots when \
             the reservation is in active status.",
        ));
    }
    Ok(())
}

fn start(cloud: &Cloud<'_>, lease: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    reserved_flavors::grant(cloud, &reservation.id, &lease.project_id)
}

fn end(cloud: &Cloud<'_>, _: &Lease, reservation: &mut Reservation) -> Outcome<()> {
    reserved_flavors::withdraw(cloud, &reservation.id)?;
    let group = json::text(&reservation.own, "server_group_id");
    if let Some(group) = cloud.get(&GROUP, group)? {
        cloud.remove(&GROUP, &group)?;
    }
    shares::drop_all(cloud, &reservation.id)
}
