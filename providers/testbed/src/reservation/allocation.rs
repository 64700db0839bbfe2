//! The calendar: which thing is taken when, by whom.
//!
//! The windows of one thing never overlap, so whether it is free is one step in an index, however
//! many leases there are.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::lease::Window;
use crate::{clock, cloud::Cloud, reply::Outcome};

/// The end of the last window of a thing that begins before an instant.
const LAST: &str = "SELECT finish FROM allocation WHERE site = ? AND pool = ? AND resource = ? \
     AND start < ? AND reservation != ? ORDER BY start DESC LIMIT 1";
/// Whether a thing has a window that ends after an instant.
const WANTED: &str =
    "SELECT 1 FROM allocation WHERE site = ? AND pool = ? AND resource = ? AND finish > ?";

/// Kinds of things that are taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Hosts,
    Networks,
    Devices,
    FloatingIps,
}

impl Pool {
    /// Returns the name under which the world's rows keep it: its segment in Blazar's paths.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pool::Hosts => "os-hosts",
            Pool::Networks => "networks",
            Pool::Devices => "devices",
            Pool::FloatingIps => "floatingips",
        }
    }
}

/// Who takes a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) reservation: String,
    pub(crate) lease: String,
    /// Name of the user, which the calendar shows to everybody.
    pub(crate) user: String,
    /// Whether it is load that the world invented: such a lease has no object of its own.
    pub(crate) background: bool,
}

/// A row of the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) resource: String,
    pub(crate) window: Window,
    pub(crate) claim: Claim,
}

impl Allocation {
    /// Reads a row of resource, start, finish, reservation, lease, user, background.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Allocation> {
        Ok(Allocation {
            resource: row.get(0)?,
            window: Window { start: clock::at(row.get(1)?), end: clock::at(row.get(2)?) },
            claim: Claim {
                reservation: row.get(3)?,
                lease: row.get(4)?,
                user: row.get(5)?,
                background: row.get(6)?,
            },
        })
    }
}

/// Takes `resource` for a window. The caller has asked whether it is free.
pub(crate) fn take(
    cloud: &Cloud<'_>,
    pool: Pool,
    resource: &str,
    (claim, window): (&Claim, Window),
) -> Outcome<()> {
    debug_assert!(is_free(cloud, pool, resource, (window, None))?, "{resource} is taken twice");
    cloud
        .conn
        .prepare_cached("INSERT INTO allocation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?
        .execute(params![
            cloud.site.region,
            pool.name(),
            resource,
            window.start.as_microsecond(),
            window.end.as_microsecond(),
            claim.reservation,
            claim.lease,
            claim.user,
            claim.background
        ])?;
    Ok(())
}

/// Tells whether nobody but the reservation `except` has `resource` at any time of the window.
pub(crate) fn is_free(
    cloud: &Cloud<'_>,
    pool: Pool,
    resource: &str,
    (window, except): (Window, Option<&str>),
) -> Outcome<bool> {
    // Windows of one thing are disjoint, so the last that begins before `end` also ends last.
    let last: Option<i64> = cloud
        .conn
        .prepare_cached(LAST)?
        .query_row(
            params![
                cloud.site.region,
                pool.name(),
                resource,
                window.end.as_microsecond(),
                except.unwrap_or_default()
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(last.is_none_or(|finish| finish <= window.start.as_microsecond()))
}

/// Tells whether anybody has `resource` now or later.
pub(crate) fn is_wanted(cloud: &Cloud<'_>, pool: Pool, resource: &str) -> Outcome<bool> {
    Ok(cloud.conn.prepare_cached(WANTED)?.exists(params![
        cloud.site.region,
        pool.name(),
        resource,
        cloud.now.as_microsecond()
    ])?)
}

/// Returns a window with the time for cleaning on both sides.
pub(crate) fn with_cleaning(cloud: &Cloud<'_>, window: Window) -> Window {
    let margin = SignedDuration::from_mins(i64::from(cloud.settings.cleaning_minutes));
    Window {
        start: window.start.saturating_sub(margin).unwrap_or(Timestamp::MIN),
        end: window.end.saturating_add(margin).unwrap_or(Timestamp::MAX),
    }
}

/// Returns what a reservation has, in the order of the things' numbers.
pub(crate) fn of_reservation(cloud: &Cloud<'_>, reservation: &str) -> Outcome<Vec<String>> {
    let mut statement = cloud.conn.prepare_cached(
        "SELECT resource FROM allocation WHERE site = ? AND reservation = ? \
         ORDER BY length(resource), resource",
    )?;
    let rows = statement.query_map([cloud.site.region, reservation], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Returns the calendar of a pool from now on, of one thing or of all, by thing and time.
pub(crate) fn calendar(
    cloud: &Cloud<'_>,
    pool: Pool,
    resource: Option<&str>,
) -> Outcome<Vec<Allocation>> {
    let mut statement = cloud.conn.prepare_cached(
        "SELECT resource, start, finish, reservation, lease, user, background FROM allocation \
         WHERE site = ?1 AND pool = ?2 AND (?3 IS NULL OR resource = ?3) AND finish > ?4 \
         ORDER BY resource, start",
    )?;
    let rows = statement.query_map(
        params![cloud.site.region, pool.name(), resource, cloud.now.as_microsecond()],
        Allocation::read,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Counts the leases of a site that the world invented.
pub(crate) fn count_background(conn: &Connection, site: &str) -> rusqlite::Result<i64> {
    conn.prepare_cached(
        "SELECT count(DISTINCT lease) FROM allocation WHERE site = ? AND background",
    )?
    .query_row([site], |row| row.get(0))
}

/// Moves the windows of all that a reservation has.
pub(crate) fn move_to(cloud: &Cloud<'_>, reservation: &str, window: Window) -> Outcome<()> {
    cloud
        .conn
        .prepare_cached(
            "UPDATE allocation SET start = ?, finish = ? WHERE site = ? AND reservation = ?",
        )?
        .execute(params![
            window.start.as_microsecond(),
            window.end.as_microsecond(),
            cloud.site.region,
            reservation
        ])?;
    Ok(())
}

/// Gives one thing of a reservation back.
pub(crate) fn drop_one(cloud: &Cloud<'_>, reservation: &str, resource: &str) -> Outcome<()> {
    cloud
        .conn
        .prepare_cached(
            "DELETE FROM allocation WHERE site = ? AND reservation = ? AND resource = ?",
        )?
        .execute([cloud.site.region, reservation, resource])?;
    Ok(())
}

/// Gives all that a reservation has back.
pub(crate) fn drop_all(cloud: &Cloud<'_>, reservation: &str) -> Outcome<()> {
    cloud
        .conn
        .prepare_cached("DELETE FROM allocation WHERE site = ? AND reservation = ?")?
        .execute([cloud.site.region, reservation])?;
    Ok(())
}

/// Forgets background load: what ended before `before`, or all of it.
pub(crate) fn drop_background(cloud: &Cloud<'_>, before: Option<Timestamp>) -> Outcome<()> {
    let before = before.map_or(i64::MAX, Timestamp::as_microsecond);
    cloud
        .conn
        .prepare_cached("DELETE FROM allocation WHERE site = ? AND background AND finish <= ?")?
        .execute(params![cloud.site.region, before])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_thing_is_free_is_a_step_in_an_index() {
        let conn = rusqlite::Connection::open_in_memory().expect("a database");
        conn.execute_batch(crate::schema::CREATE).expect("tables");
        for statement in [LAST, WANTED] {
            let mut explain =
                conn.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect("a statement");
            let values = vec!["x"; explain.parameter_count()];
            let steps: Vec<String> = explain
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .expect("a plan")
                .map(|step| step.expect("a step"))
                .collect();
            let indexed = steps
                .iter()
                .all(|step| step.contains("USING PRIMARY KEY (site=? AND pool=? AND resource=?"));
            assert!(indexed && steps.len() == 1, "{steps:?}");
        }
    }
}
