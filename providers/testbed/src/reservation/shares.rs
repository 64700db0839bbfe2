//! Shares of hypervisors: how many servers of one shape fit where and when.

use jiff::Timestamp;
use rusqlite::params;

use super::{allocation::Allocation, inventory::Resource, lease::Window};
use crate::{cloud::Cloud, json, reply::Outcome};

/// A GPU is cut into as many instances as the smallest profile of an H100 allows.
pub(super) const SEVENTHS: i64 = 7;
/// Nodes whose GPUs are cut; on others they are lent whole.
const CUT_NODES: [&str; 2] = ["gpu-h100-05", "gpu-h100-06"];

/// What servers take, or a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) vcpus: i64,
    pub(super) memory_mb: i64,
    pub(super) disk_gb: i64,
    /// GPUs in sevenths.
    pub(super) gpu_sevenths: i64,
}

impl Shape {
    fn each(&self, other: &Shape, combine: fn(i64, i64) -> i64) -> Shape {
        Shape {
            vcpus: combine(self.vcpus, other.vcpus),
            memory_mb: combine(self.memory_mb, other.memory_mb),
            disk_gb: combine(self.disk_gb, other.disk_gb),
            gpu_sevenths: combine(self.gpu_sevenths, other.gpu_sevenths),
        }
    }

    fn times(&self, count: i64) -> Shape {
        self.each(
            &Shape { vcpus: count, memory_mb: count, disk_gb: count, gpu_sevenths: count },
            |a, b| a * b,
        )
    }

    /// Returns how many servers of this shape `room` holds.
    fn fits_in(&self, room: &Shape) -> usize {
        let pairs = [
            (self.vcpus, room.vcpus),
            (self.memory_mb, room.memory_mb),
            (self.disk_gb, room.disk_gb),
            (self.gpu_sevenths, room.gpu_sevenths),
        ];
        let counts = pairs.into_iter().filter(|(one, _)| *one > 0).map(|(one, all)| all / one);
        counts.min().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    }
}

/// Servers of one reservation on one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) host: String,
    pub(super) amount: usize,
}

/// Returns how many servers of `shape` the host still takes in the window, besides those of the
/// reservation `except`, and whether it has others then.
pub(super) fn room(
    cloud: &Cloud<'_>,
    host: &Resource,
    shape: &Shape,
    (window, except): (Window, &str),
) -> Outcome<(usize, bool)> {
    let whole = capacity(host);
    let lends_gpus = whole.gpu_sevenths > 0;
    let cut = shape.gpu_sevenths % SEVENTHS != 0;
    if lends_gpus != (shape.gpu_sevenths > 0) || cut != (cut && CUT_NODES.contains(&&*host.name)) {
        return Ok((0, false));
    }
    let mut statement = cloud.conn.prepare_cached(
        "SELECT start, finish, vcpus, memory_mb, disk_gb, gpus FROM share \
         WHERE site = ? AND host = ? AND start < ? AND finish > ? AND reservation != ?",
    )?;
    let rows = statement.query_map(
        params![
            cloud.site.region,
            host.id,
            window.end.as_microsecond(),
            window.start.as_microsecond(),
            except
        ],
        |row| {
            let shape = Shape {
                vcpus: row.get(2)?,
                memory_mb: row.get(3)?,
                disk_gb: row.get(4)?,
                gpu_sevenths: row.get(5)?,
            };
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, shape))
        },
    )?;
    let taken = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    // What is taken is most where something begins, or at the window's own beginning.
    let first = window.start.as_microsecond();
    let instants = taken.iter().map(|(start, ..)| (*start).max(first));
    let mut peak = Shape::default();
    for instant in instants {
        let then = taken
            .iter()
            .filter(|(start, finish, _)| *start <= instant && instant < *finish)
            .fold(Shape::default(), |sum, (.., shape)| sum.each(shape, |a, b| a + b));
        peak = peak.each(&then, i64::max);
    }
    Ok((shape.fits_in(&whole.each(&peak, |a, b| a - b)), !taken.is_empty()))
}

fn capacity(host: &Resource) -> Shape {
    let number = |key: &str| json::number(&host.columns, key).unwrap_or(0);
    let gpus: i64 = host.property("gpu.gpu_count").parse().unwrap_or(0);
    Shape {
        vcpus: number("vcpus"),
        memory_mb: number("memory_mb"),
        disk_gb: number("local_gb"),
        gpu_sevenths: gpus * SEVENTHS,
    }
}

/// Whose shares are written.
pub(super) struct Holder<'h> {
    pub(super) reservation: &'h str,
    pub(super) lease: &'h str,
    pub(super) user: &'h str,
}

/// Puts shares in the place of those that the reservation had.
pub(super) fn put(
    cloud: &Cloud<'_>,
    holder: &Holder<'_>,
    (shares, shape): (&[Share], &Shape),
    window: Window,
) -> Outcome<()> {
    drop_all(cloud, holder.reservation)?;
    let mut statement = cloud
        .conn
        .prepare_cached("INSERT INTO share VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, false)")?;
    for share in shares {
        let amount = i64::try_from(share.amount).unwrap_or(i64::MAX);
        let all = shape.times(amount);
        statement.execute(params![
            cloud.site.region,
            share.host,
            window.start.as_microsecond(),
            window.end.as_microsecond(),
            holder.reservation,
            holder.lease,
            holder.user,
            amount,
            all.vcpus,
            all.memory_mb,
            all.disk_gb,
            all.gpu_sevenths
        ])?;
    }
    Ok(())
}

/// Lends one server's share of a host to somebody whom the world invented, if there is room.
pub(super) fn lend_background(
    cloud: &Cloud<'_>,
    host: &Resource,
    (holder, shape): (&Holder<'_>, &Shape),
    window: Window,
) -> Outcome<()> {
    if room(cloud, host, shape, (window, ""))?.0 == 0 {
        return Ok(());
    }
    let share = Share { host: host.id.clone(), amount: 1 };
    put(cloud, holder, (&[share], shape), window)?;
    cloud
        .conn
        .prepare_cached("UPDATE share SET background = true WHERE site = ? AND reservation = ?")?
        .execute([cloud.site.region, holder.reservation])?;
    Ok(())
}

/// Forgets background load: what ended before `before`, or all of it.
pub(super) fn drop_background(cloud: &Cloud<'_>, before: Option<Timestamp>) -> Outcome<()> {
    let before = before.map_or(i64::MAX, Timestamp::as_microsecond);
    cloud
        .conn
        .prepare_cached("DELETE FROM share WHERE site = ? AND background AND finish <= ?")?
        .execute(params![cloud.site.region, before])?;
    Ok(())
}

/// Returns the shares of a reservation.
pub(super) fn of_reservation(cloud: &Cloud<'_>, reservation: &str) -> Outcome<Vec<Share>> {
    let mut statement = cloud.conn.prepare_cached(
        "SELECT host, amount FROM share WHERE site = ? AND reservation = ? \
         ORDER BY length(host), host",
    )?;
    let rows = statement.query_map([cloud.site.region, reservation], |row| {
        let amount: i64 = row.get(1)?;
        Ok(Share { host: row.get(0)?, amount: usize::try_from(amount).unwrap_or(0) })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the calendar of shares from now on, of one host or of all.
pub(super) fn calendar(cloud: &Cloud<'_>, host: Option<&str>) -> Outcome<Vec<Allocation>> {
    let mut statement = cloud.conn.prepare_cached(
        "SELECT host, start, finish, reservation, lease, user, background FROM share \
         WHERE site = ?1 AND (?2 IS NULL OR host = ?2) AND finish > ?3 ORDER BY host, start",
    )?;
    let rows = statement.query_map(
        params![cloud.site.region, host, cloud.now.as_microsecond()],
        Allocation::read,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Gives the shares of a reservation back.
pub(super) fn drop_all(cloud: &Cloud<'_>, reservation: &str) -> Outcome<()> {
    cloud
        .conn
        .prepare_cached("DELETE FROM share WHERE site = ? AND reservation = ?")?
        .execute([cloud.site.region, reservation])?;
    Ok(())
}
