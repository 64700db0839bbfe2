//! The manager's clock: every ten seconds it carries out what is due of the leases' events.

use jiff::Timestamp;

use super::{
    enforce,
    lease::{self, EventKind, EventStatus, Lease, LeaseStatus, Reservation, ReservationStatus},
    plugin, reaper,
};
use crate::{
    clock,
    cloud::Cloud,
    due::What,
    reply::{Outcome, Refusal, no},
    settings::{LeaseEvent, Settings},
};

/// Time between two looks, in microseconds.
const PERIOD: i64 = 10_000_000;
/// When the first look of a minute is: dates of leases are whole minutes, and no look falls on one.
const PHASE: i64 = 5_000_000;

/// Returns the first look of the manager after an instant.
pub(crate) fn after(instant: Timestamp) -> Timestamp {
    let from_phase = instant.as_microsecond().saturating_sub(PHASE);
    clock::at((from_phase.div_euclid(PERIOD) + 1).saturating_mul(PERIOD).saturating_add(PHASE))
}

/// Puts the lease's events that are not done on the world's list, in place of what stood there.
pub(super) fn await_events(cloud: &Cloud<'_>, lease: &Lease) -> Outcome<()> {
    for event in &lease.events {
        let what = on_the_list(event.kind);
        cloud.cancel(what, &lease.id)?;
        if event.status == EventStatus::Undone {
            cloud.at(after(event.time.max(cloud.now)), what, &lease.id)?;
        }
    }
    Ok(())
}

fn on_the_list(kind: EventKind) -> What {
    match kind {
        EventKind::BeforeEnd => What::LeaseNotice,
        EventKind::End => What::LeaseEnds,
        EventKind::Start => What::LeaseStarts,
    }
}

/// Takes the lease's events off the world's list.
pub(super) fn forget_events(cloud: &Cloud<'_>, lease: &str) -> Outcome<()> {
    for what in [What::LeaseNotice, What::LeaseEnds, What::LeaseStarts, What::LeaseIdle] {
        cloud.cancel(what, lease)?;
    }
    Ok(())
}

/// A lease starts, or the manager begins to start it.
pub(crate) fn start(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    if lease.status != LeaseStatus::Pending {
        return Ok(());
    }
    if takes_time(cloud, &mut lease, EventKind::Start)? {
        return cloud.later(cloud.settings.lease_transition_s, What::LeaseStarted, id);
    }
    started(cloud, id)
}

/// A lease has started.
pub(crate) fn started(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    carry_out(cloud, &mut lease, EventKind::Start)?;
    lease::save(cloud, &lease)?;
    reaper::watch(cloud, &lease)?;
    // What was due with the start waited for it.
    let waiting = lease.events.iter().filter(|event| event.kind != EventKind::Start);
    for event in waiting.filter(|event| event.time <= cloud.now) {
        cloud.cancel(on_the_list(event.kind), id)?;
        cloud.at(cloud.now, on_the_list(event.kind), id)?;
    }
    Ok(())
}

/// A lease ends, or the manager begins to end it; one that has not started yet waits for that.
pub(crate) fn end(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    let waits = lease.has(EventKind::Start, EventStatus::Undone) || lease.is_transitional();
    if waits || !matches!(lease.status, LeaseStatus::Active | LeaseStatus::Error) {
        return Ok(());
    }
    if takes_time(cloud, &mut lease, EventKind::End)? {
        return cloud.later(cloud.settings.lease_transition_s, What::LeaseEnded, id);
    }
    ended(cloud, id)
}

/// A lease has ended.
pub(crate) fn ended(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    carry_out(cloud, &mut lease, EventKind::End)?;
    lease::save(cloud, &lease)
}

/// Puts a lease into the status in which the manager is at work on it, if that lasts any time.
fn takes_time(cloud: &Cloud<'_>, lease: &mut Lease, kind: EventKind) -> Outcome<bool> {
    if cloud.settings.lease_transition_s == 0 {
        return Ok(false);
    }
    lease.status = match kind {
        EventKind::End => LeaseStatus::Terminating,
        _ => LeaseStatus::Starting,
    };
    finish(cloud, lease, kind, EventStatus::InProgress);
    lease::save(cloud, lease)?;
    Ok(true)
}

/// A lease's owner is told that it ends soon; one that has not started yet waits for that.
pub(crate) fn notice(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    let Some(mut lease) = lease::load(cloud, id)? else { return Ok(()) };
    if lease.has(EventKind::Start, EventStatus::Undone) || lease.is_transitional() {
        return Ok(());
    }
    finish(cloud, &mut lease, EventKind::BeforeEnd, EventStatus::Done);
    lease::save(cloud, &lease)
}

/// Starts or ends all reservations, networks last; one that fails leaves the lease in ERROR.
fn carry_out(cloud: &Cloud<'_>, lease: &mut Lease, kind: EventKind) -> Outcome<()> {
    let (fault, to) = match kind {
        EventKind::End => (LeaseEvent::End, ReservationStatus::Deleted),
        _ => (LeaseEvent::Start, ReservationStatus::Active),
    };
    let fails = strike(cloud, lease, fault)?;
    if kind == EventKind::End {
        enforce::end(cloud, lease)?;
    }
    let before = lease.clone();
    let mut reservations = std::mem::take(&mut lease.reservations);
    let mut order: Vec<&mut Reservation> = reservations.iter_mut().collect();
    order.sort_by_key(|reservation| reservation.resource_type == "network");
    let mut outcome = EventStatus::Done;
    for reservation in order {
        let plugin = plugin(cloud.site, &reservation.resource_type)?;
        let act = if kind == EventKind::End { plugin.end } else { plugin.start };
        let done = if fails {
            Err(no(500, "The world's settings let it fail"))
        } else {
            undone_if_refused(cloud, || act(cloud, &before, reservation))
        };
        reservation.status = match done {
            Ok(()) => to,
            Err(Refusal::Broken(error)) => return Err(Refusal::Broken(error)),
            Err(Refusal::Said { .. }) => {
                outcome = EventStatus::Error;
                ReservationStatus::Error
            }
        };
        reservation.updated = Some(cloud.now);
    }
    lease.reservations = reservations;
    finish(cloud, lease, kind, outcome);
    lease.status = derived(lease);
    Ok(())
}

fn undone_if_refused(cloud: &Cloud<'_>, act: impl FnOnce() -> Outcome<()>) -> Outcome<()> {
    cloud.conn.execute_batch("SAVEPOINT act")?;
    let done = act();
    let undo = if done.is_err() { "ROLLBACK TO act; " } else { "" };
    cloud.conn.execute_batch(&format!("{undo}RELEASE act"))?;
    done
}

fn finish(cloud: &Cloud<'_>, lease: &mut Lease, kind: EventKind, status: EventStatus) {
    if let Some(event) = lease.event_mut(kind) {
        event.status = status;
        event.updated = Some(cloud.now);
    }
    lease.updated = Some(cloud.now);
}

/// Returns the stable status that follows from events and reservations.
pub(super) fn derived(lease: &Lease) -> LeaseStatus {
    let status = |kind| lease.event(kind).map(|event| event.status);
    let (status, wanted) = match (status(EventKind::Start), status(EventKind::End)) {
        (Some(EventStatus::Undone), Some(EventStatus::Undone)) => {
            (LeaseStatus::Pending, ReservationStatus::Pending)
        }
        (Some(EventStatus::Done), Some(EventStatus::Undone)) => {
            (LeaseStatus::Active, ReservationStatus::Active)
        }
        (Some(EventStatus::Done), Some(EventStatus::Done)) => {
            (LeaseStatus::Terminated, ReservationStatus::Deleted)
        }
        _ => return LeaseStatus::Error,
    };
    let whole = lease.reservations.iter().all(|one| one.status == wanted);
    if whole { status } else { LeaseStatus::Error }
}

/// Tells whether the world's settings let this event of the lease fail, and counts it.
pub(super) fn strike(cloud: &Cloud<'_>, lease: &Lease, event: LeaseEvent) -> Outcome<bool> {
    let matches = |name: &String| *name == lease.id || *name == lease.name;
    // Settings as they are now: an earlier event of the same advance may have spent the fault.
    let mut settings = Settings::load(cloud.conn)?;
    let index = settings
        .lease_faults
        .iter()
        .position(|fault| fault.event == event && fault.lease.as_ref().is_none_or(matches));
    let Some(index) = index else { return Ok(false) };
    let fault = &mut settings.lease_faults[index];
    fault.times = fault.times.saturating_sub(1);
    if fault.times == 0 {
        settings.lease_faults.remove(index);
    }
    settings.save(cloud.conn)?;
    Ok(true)
}

/// Ends what a lease still holds, as its deletion does.
pub(super) fn wind_up(cloud: &Cloud<'_>, lease: &mut Lease) -> Outcome<()> {
    if lease.has(EventKind::End, EventStatus::Undone) {
        enforce::end(cloud, lease)?;
    }
    let before = lease.clone();
    let mut order: Vec<&mut Reservation> = lease.reservations.iter_mut().collect();
    order.sort_by_key(|reservation| reservation.resource_type == "network");
    for reservation in order.into_iter().filter(|one| one.status != ReservationStatus::Deleted) {
        let plugin = plugin(cloud.site, &reservation.resource_type)?;
        (plugin.end)(cloud, &before, reservation)?;
        reservation.status = ReservationStatus::Deleted;
    }
    forget_events(cloud, &lease.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_looks_at_fixed_times_after_an_instant() {
        let cases = [
            ("2026-03-01T12:00:00Z", "2026-03-01T12:00:05Z"),
            ("2026-03-01T12:00:04.9Z", "2026-03-01T12:00:05Z"),
            ("2026-03-01T12:00:05Z", "2026-03-01T12:00:15Z"),
            ("2026-03-01T12:00:59Z", "2026-03-01T12:01:05Z"),
        ];
        for (instant, look) in cases {
            let instant = instant.parse().expect("an instant");
            assert_eq!(after(instant).to_string(), look);
        }
    }
}
