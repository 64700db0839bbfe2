//! Background load: leases of other people, from a seeded generator.
//!
//! What a thing is taken for follows from the seed, the thing and the time alone, so the same
//! seed fills the same calendar in every world. Time is cut into stretches of two weeks, which
//! begin at another moment for each thing; a stretch is written down four weeks before it begins,
//! by an event every midnight, so that a long step of the clock gives what small ones give.
//! Where somebody was quicker, the load gives way.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    allocation::{self, Claim, Pool},
    diary::{Booking, DAY, Demand, Diary, STRETCH, fingerprint, midnight},
    inventory::{self, Resource},
    lease::Window,
    shares::{self, Holder, SEVENTHS, Shape},
};
use crate::{clock, cloud::Cloud, due::What, fault::scramble, reply::Outcome, settings::Load};

/// How long before it begins a stretch is written down.
const AHEAD: i64 = 28 * DAY;

/// What a server with one GPU takes of a hypervisor: the flavor `g1.h100.pci.1`.
const GPU_SERVER: Shape =
    Shape { vcpus: 48, memory_mb: 250_000, disk_gb: 40, gpu_sevenths: SEVENTHS };

/// Fills the calendar of a site as the settings say, unless they say what filled it before.
pub(crate) fn settle(cloud: &Cloud<'_>) -> Outcome<()> {
    let mark = cloud.settings.load.as_ref().map(mark);
    if standing(cloud)? == mark {
        return Ok(());
    }
    allocation::drop_background(cloud, None)?;
    shares::drop_background(cloud, None)?;
    cloud
        .conn
        .prepare_cached("DELETE FROM event WHERE site = ? AND what = ?")?
        .execute([cloud.site.region, What::LoadGrows.name()])?;
    let Some(load) = &cloud.settings.load else { return Ok(()) };
    let now = cloud.now.as_second();
    fill(cloud, load, |begins| begins + STRETCH > now && begins <= midnight(now) + AHEAD)?;
    tomorrow(cloud, load)
}

/// Writes down the stretches that have come near since yesterday, and forgets what is over.
pub(crate) fn grow(cloud: &Cloud<'_>, _: &str) -> Outcome<()> {
    let Some(load) = &cloud.settings.load else { return Ok(()) };
    allocation::drop_background(cloud, Some(cloud.now))?;
    shares::drop_background(cloud, Some(cloud.now))?;
    let horizon = midnight(cloud.now.as_second()) + AHEAD;
    fill(cloud, load, |begins| begins > horizon - DAY && begins <= horizon)?;
    tomorrow(cloud, load)
}

/// Returns what tells a load from all others: the name under which its nightly event stands.
fn mark(load: &Load) -> String {
    format!("{load:?}")
}

/// Returns the mark of the load that fills the site's calendar.
fn standing(cloud: &Cloud<'_>) -> Outcome<Option<String>> {
    let mut statement =
        cloud.conn.prepare_cached("SELECT id FROM event WHERE site = ? AND what = ?")?;
    let mut rows = statement.query([cloud.site.region, What::LoadGrows.name()])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

fn tomorrow(cloud: &Cloud<'_>, load: &Load) -> Outcome<()> {
    let next = midnight(cloud.now.as_second()) + DAY;
    cloud.at(instant(next), What::LoadGrows, &mark(load))
}

fn instant(second: i64) -> Timestamp {
    clock::at(second.saturating_mul(1_000_000))
}

/// Writes down every stretch whose beginning is `wanted`, of every thing of the site.
fn fill(cloud: &Cloud<'_>, load: &Load, wanted: impl Fn(i64) -> bool) -> Outcome<()> {
    for pool in [Pool::Hosts, Pool::Networks, Pool::Devices] {
        for resource in inventory::of_pool(cloud.site, pool) {
            let Some(demand) = Demand::of(pool, resource) else { continue };
            for part in 0..parts(pool, resource) {
                let part = part.to_string();
                let key = fingerprint(&[cloud.site.region, pool.name(), &resource.name, &part]);
                let diary = Diary { load, demand, key };
                write_down(cloud, (pool, resource), &diary, &wanted)?;
            }
        }
    }
    Ok(())
}

/// Returns in how many parts a thing is lent: a hypervisor's GPUs one by one.
fn parts(pool: Pool, resource: &Resource) -> u32 {
    match pool {
        Pool::Hosts if is_hypervisor(resource) => {
            resource.property("gpu.gpu_count").parse().unwrap_or(0)
        }
        _ => 1,
    }
}

/// Tells whether servers share a host.
pub(super) fn is_hypervisor(resource: &Resource) -> bool {
    resource.column("hypervisor_type") != "ironic"
}

/// Writes down the stretches of a diary whose beginning is `wanted`.
fn write_down(
    cloud: &Cloud<'_>,
    (pool, resource): (Pool, &Resource),
    diary: &Diary<'_>,
    wanted: &impl Fn(i64) -> bool,
) -> Outcome<()> {
    let first = (cloud.now.as_second() - diary.offset()).div_euclid(STRETCH);
    for stretch in first..=first + 2 + AHEAD / STRETCH {
        if wanted(diary.begins(stretch)) {
            for booking in diary.stretch(stretch) {
                book(cloud, pool, resource, &booking)?;
            }
        }
    }
    Ok(())
}

/// Takes a thing for somebody, unless it is taken or the time is over.
fn book(cloud: &Cloud<'_>, pool: Pool, resource: &Resource, booking: &Booking) -> Outcome<()> {
    let window = Window { start: instant(booking.start), end: instant(booking.end) };
    if window.end <= cloud.now {
        return Ok(());
    }
    let id = |salt: u64| {
        let half = u128::from(scramble(booking.draw ^ salt));
        let rest = u128::from(scramble(booking.draw.wrapping_add(salt)));
        Uuid::to_string(
            &uuid::Builder::from_random_bytes(((half << 64) | rest).to_be_bytes()).into_uuid(),
        )
    };
    let claim = Claim {
        reservation: id(1),
        lease: id(2),
        user: format!("user{:03}", booking.draw % 300),
        background: true,
    };
    let around = allocation::with_cleaning(cloud, window);
    if pool == Pool::Hosts && is_hypervisor(resource) {
        let holder =
            Holder { reservation: &claim.reservation, lease: &claim.lease, user: &claim.user };
        return shares::lend_background(cloud, resource, (&holder, &GPU_SERVER), window);
    }
    if allocation::is_free(cloud, pool, &resource.id, (around, None))? {
        allocation::take(cloud, pool, &resource.id, (&claim, window))?;
    }
    Ok(())
}
