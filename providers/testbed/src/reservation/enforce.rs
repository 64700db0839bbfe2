//! Chameleon's limits on leases: how long they last, when they may be extended, and how many
//! service units they cost.
//!
//! A lease is charged for its whole time when it is made; what it doesn't use is given back when
//! it ends. Charges stand in the reservations, as `_charges`, so that they go with the lease;
//! what a project and each of its members have spent is counted apart from them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    lease::{Lease, Reservation, Window},
    rates,
};
use crate::{
    cloud::Cloud,
    reply::{Outcome, no},
    site::SITES,
    store::Store,
};

/// Before its end a lease can be extended for this long, or for 2/7 of the longest lease.
const EXTENSION_WINDOW: SignedDuration = SignedDuration::from_hours(48);

/// What the projects' spending is counted under, in hundredths of a service unit.
const UNITS: &str = "service_units";

/// Member of a reservation that holds its charges.
const CHARGES: &str = "_charges";

const PAST_EXPIRATION: &str = "Cannot create a lease beyond Chameleon project expiration date. \
    Please ask your PI to request an allocation renewal. https://chameleoncloud.readthedocs.io/en/\
    latest/user/project.html#recharge-or-extend-your-allocation";

/// A span of time that a reservation is charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Charge {
    from: Timestamp,
    until: Timestamp,
    /// Hundredths of a service unit per hour.
    rate: i64,
}

impl Charge {
    fn amount(&self) -> i64 {
        amount(self.rate, Window { start: self.from, end: self.until })
    }
}

/// Checks and charges a new lease, whose reservations already have what they asked for.
pub(crate) fn create(cloud: &Cloud<'_>, lease: &mut Lease) -> Outcome<()> {
    let window = lease.window();
    let rates = rates::of(cloud, lease)?;
    if cloud.settings.lease_limits {
        check_duration(window, rates::longest(cloud, lease))?;
        check_balance(cloud, lease, amount(rates.iter().sum(), window))?;
        check_allocation_end(cloud, lease)?;
    }
    for (reservation, rate) in lease.reservations.iter_mut().zip(rates) {
        set_charges(reservation, &[Charge { from: window.start, until: window.end, rate }]);
    }
    let total = spent(lease);
    spend(cloud, lease, total)
}

/// Checks and charges what a lease becomes; `lease` has its new window and things, `old` is the
/// lease as it was.
pub(crate) fn update(cloud: &Cloud<'_>, old: &Lease, lease: &mut Lease) -> Outcome<()> {
    let rates = rates::of(cloud, lease)?;
    if cloud.settings.lease_limits {
        check_extension(cloud, old, lease)?;
        let before: i64 = old.reservations.iter().map(last_rate).sum();
        let more = amount(rates.iter().sum(), lease.window()) - amount(before, old.window());
        let left = left(cloud, &lease.project_id)?;
        if more > left {
            return Err(no(
                400,
                format!(
                    "Reservation update would spend {} more SUs, only {} left",
                    units(more),
                    units(left)
                ),
            ));
        }
        check_allocation_end(cloud, lease)?;
    }
    let window = lease.window();
    for (reservation, rate) in lease.reservations.iter_mut().zip(rates) {
        if old.window() == window && last_rate(reservation) == rate {
            continue;
        }
        let mut charges = stopped(reservation, cloud.now);
        let from = lease.start.max(cloud.now);
        charges.push(Charge { from, until: lease.end, rate });
        set_charges(reservation, &charges);
    }
    let more = spent(lease) - spent(old);
    spend(cloud, lease, more)
}

/// Stops charging a lease that ends or is deleted, and gives back what it did not use.
pub(crate) fn end(cloud: &Cloud<'_>, lease: &mut Lease) -> Outcome<()> {
    let before = spent(lease);
    for reservation in &mut lease.reservations {
        let charges = stopped(reservation, cloud.now);
        set_charges(reservation, &charges);
    }
    let more = spent(lease) - before;
    spend(cloud, lease, more)
}

/// Returns what a project has left, in hundredths of a service unit, over all sites.
pub(crate) fn left(cloud: &Cloud<'_>, project: &str) -> Outcome<i64> {
    Ok(i64::from(cloud.settings.service_units) * 100 - used(cloud, project, UNITS)?)
}

fn used(cloud: &Cloud<'_>, project: &str, resource: &str) -> Outcome<i64> {
    let mut used = 0;
    for site in SITES {
        used += Store { conn: cloud.conn, site: site.region }.used(project, resource)?;
    }
    Ok(used)
}

fn spend(cloud: &Cloud<'_>, lease: &Lease, amount: i64) -> Outcome<()> {
    cloud.charge(&lease.project_id, UNITS, amount)?;
    Ok(cloud.charge(&lease.project_id, &budget(&lease.user_id), amount)?)
}

/// Returns what a member's spending is counted under.
fn budget(user: &str) -> String {
    format!("{UNITS}/{user}")
}

fn check_duration(window: Window, longest: SignedDuration) -> Outcome<()> {
    let seconds = window.start.duration_until(window.end).as_secs();
    // One second is granted, so that both ends of the longest lease may be included.
    if seconds - 1 <= longest.as_secs() {
        return Ok(());
    }
    Err(no(
        400,
        format!(
            "Lease duration of {seconds} seconds must be less than or equal to the maximum lease \
             duration of {} seconds.",
            longest.as_secs()
        ),
    ))
}

/// Checks a change of dates: what has begun can be extended near its end only, and then for the
/// longest time from now on.
fn check_extension(cloud: &Cloud<'_>, old: &Lease, lease: &Lease) -> Outcome<()> {
    let longest = rates::longest(cloud, lease);
    if lease.end <= old.end && lease.start >= old.start {
        return Ok(());
    }
    if old.start > cloud.now {
        return check_duration(lease.window(), longest);
    }
    let window = EXTENSION_WINDOW.max(longest * 2 / 7);
    if cloud.now.duration_until(old.end) > window {
        return Err(no(
            400,
            format!(
                "Lease can only be extended within {} seconds of the leases current end time.",
                window.as_secs()
            ),
        ));
    }
    check_duration(Window { start: cloud.now, end: lease.end }, longest)
}

fn check_balance(cloud: &Cloud<'_>, lease: &Lease, amount: i64) -> Outcome<()> {
    let project = &lease.project_id;
    let left = left(cloud, project)?;
    if amount > left {
        let name = name_of(cloud, "SELECT name FROM project WHERE id = ?", project)?;
        return Err(no(
            400,
            format!(
                "Reservation for project {name} would spend {} SUs, only {} left",
                units(amount),
                units(left)
            ),
        ));
    }
    if cloud.settings.user_budget == 0 {
        return Ok(());
    }
    let budgeted = i64::from(cloud.settings.user_budget) * 100;
    let left = budgeted - used(cloud, project, &budget(&lease.user_id))?;
    if amount > left {
        let name = name_of(cloud, "SELECT name FROM account WHERE id = ?", &lease.user_id)?;
        return Err(no(
            400,
            format!(
                "Reservation for user {name} would spend {} SUs, only {} left in user budget",
                units(amount),
                units(left)
            ),
        ));
    }
    Ok(())
}

fn check_allocation_end(cloud: &Cloud<'_>, lease: &Lease) -> Outcome<()> {
    match cloud.settings.allocation_end {
        Some(end) if lease.end > end => Err(no(400, PAST_EXPIRATION)),
        _ => Ok(()),
    }
}

fn name_of(cloud: &Cloud<'_>, select: &str, id: &str) -> Outcome<String> {
    let mut statement = cloud.conn.prepare_cached(select)?;
    let mut rows = statement.query([id])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?.unwrap_or_else(|| id.to_owned()))
}

fn charges(reservation: &Reservation) -> Vec<Charge> {
    let charges = reservation.own.get(CHARGES).cloned().unwrap_or_default();
    serde_json::from_value(charges).unwrap_or_default()
}

fn set_charges(reservation: &mut Reservation, charges: &[Charge]) {
    reservation.own.insert(CHARGES.to_owned(), json!(charges));
}

/// Returns a reservation's charges up to `now`.
fn stopped(reservation: &Reservation, now: Timestamp) -> Vec<Charge> {
    let begun = charges(reservation).into_iter().filter(|charge| charge.from < now);
    begun.map(|charge| Charge { until: charge.until.min(now), ..charge }).collect()
}

fn last_rate(reservation: &Reservation) -> i64 {
    charges(reservation).last().map_or(0, |charge| charge.rate)
}

fn spent(lease: &Lease) -> i64 {
    lease.reservations.iter().flat_map(charges).map(|charge| charge.amount()).sum()
}

/// Returns what a window costs at a rate, rounded to hundredths of a service unit.
fn amount(rate: i64, window: Window) -> i64 {
    let seconds = window.start.duration_until(window.end).as_secs();
    (rate.saturating_mul(seconds) + 1_800).div_euclid(3_600)
}

/// Returns hundredths as the messages show them: `12.50`.
fn units(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_two_digits() {
        for (hundredths, text) in [(0, "0.00"), (7, "0.07"), (1250, "12.50"), (-5, "-0.05")] {
            assert_eq!(units(hundredths), text);
        }
    }

    #[test]
    fn a_window_costs_its_hours() {
        let start = Timestamp::UNIX_EPOCH;
        for (rate, seconds, expected) in
            [(100, 3_600, 100), (1600, 10_800, 4_800), (2, 900, 1), (1, 60, 0), (4, 28_800, 32)]
        {
            let end = start + SignedDuration::from_secs(seconds);
            assert_eq!(amount(rate, Window { start, end }), expected, "{rate} {seconds}");
        }
    }

    #[test]
    fn the_longest_lease_includes_both_ends() {
        let start = Timestamp::UNIX_EPOCH;
        let longest = SignedDuration::from_hours(7 * 24);
        let refused = |seconds: i64| {
            let end = start + SignedDuration::from_secs(seconds);
            check_duration(Window { start, end }, longest).is_err()
        };
        assert!(!refused(604_800) && !refused(604_801));
        assert!(refused(604_802) && refused(604_860));
    }
}
