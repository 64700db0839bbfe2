//! Changes of a lease: its name, its dates, what its reservations ask for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Change, create, date, enforce, given,
    lease::{
        self, EventKind, EventStatus, Lease, LeaseStatus, Reservation, ReservationStatus, Window,
    },
    missing, plugin, ticks, unforeseen,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::Body,
    reply::{Outcome, Refusal, Reply, Service, no, refuse},
};

/// Kind of a refusal after which Blazar leaves the lease in ERROR.
pub(crate) const FATAL: &str = "fatal";

/// Returns a refusal that Blazar's list of harmless ones does not have: the lease goes to ERROR.
pub(crate) fn fatal(status: u16, message: impl Into<String>) -> Refusal {
    refuse(status, FATAL, message)
}

/// Answers `PUT /leases/{id}`.
pub(super) fn update(call: &Call<'_>, mut lease: Lease) -> Outcome<Reply> {
    let given = given(call)?;
    let cloud = &call.cloud;
    cloud.conn.execute_batch("SAVEPOINT change")?;
    let changed = apply(cloud, &mut lease, &given);
    let undo = if changed.is_err() { "ROLLBACK TO change; " } else { "" };
    cloud.conn.execute_batch(&format!("{undo}RELEASE change"))?;
    match changed {
        Ok(()) => {
            // Blazar reads the answer before it sets the status that follows.
            let mut shown = lease.shown();
            shown["status"] = json!("UPDATING");
            Ok(Reply::json(200, json!({"lease": shown})))
        }
        Err(refusal) if is_fatal(&refusal) => {
            if let Some(mut lease) = lease::load(cloud, &lease.id)? {
                lease.status = LeaseStatus::Error;
                lease.updated = Some(cloud.now);
                lease::save(cloud, &lease)?;
            }
            Ok(Service::Reservation.refusal(&refusal).kept())
        }
        Err(refusal) => Err(refusal),
    }
}

fn is_fatal(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Said { kind, message, .. } => {
            *kind == FATAL || message.starts_with("BlazarDBNotFound")
        }
        Refusal::Broken(_) => false,
    }
}

fn apply(cloud: &Cloud<'_>, lease: &mut Lease, given: &Body) -> Outcome<()> {
    let before = lease.clone();
    if let Some(name) = given.get("name") {
        name.as_str().ok_or_else(unforeseen)?.clone_into(&mut lease.name);
    }
    if given.keys().any(|key| key != "name") {
        change(cloud, &before, lease, given)?;
    }
    // A change that succeeds also mends a lease that an earlier one left in ERROR.
    lease.status = ticks::derived(lease);
    lease.updated = Some(cloud.now);
    lease::save(cloud, lease)
}

fn change(cloud: &Cloud<'_>, before: &Lease, lease: &mut Lease, given: &Body) -> Outcome<()> {
    let window = dates(cloud, before, given)?;
    let notice = match given.get("before_end_date").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => {
            Some(create::within(window.start, window.end, date::read(text, cloud.now)?)?)
        }
        _ => None,
    };
    let wishes = wishes(cloud, before, given)?;
    let none = Body::new();
    let mut reservations = std::mem::take(&mut lease.reservations);
    // What has ended holds nothing any more, and takes nothing anew.
    let live = |one: &&mut Reservation| one.status != ReservationStatus::Deleted;
    for reservation in reservations.iter_mut().filter(live) {
        let plugin = plugin(cloud.site, &reservation.resource_type)?;
        let given = wishes.get(&reservation.id).unwrap_or(&none);
        let old = reservation.clone();
        (plugin.update)(cloud, before, reservation, &Change { window, given })?;
        if *reservation != old {
            reservation.updated = Some(cloud.now);
        }
    }
    lease.reservations = reservations;
    (lease.start, lease.end) = (window.start, window.end);
    enforce::update(cloud, before, lease)?;
    move_events(cloud, before, lease, notice);
    ticks::await_events(cloud, lease)
}

/// Returns the new dates; what the request does not name stays.
fn dates(cloud: &Cloud<'_>, before: &Lease, given: &Body) -> Outcome<Window> {
    let read = |key: &str, kept: Timestamp| match given.get(key) {
        None => Ok(date::minute(kept)),
        Some(Value::String(text)) => date::read(text, cloud.now),
        Some(_) => Err(unforeseen()),
    };
    let (start, end) = (read("start_date", before.start)?, read("end_date", before.end)?);
    let now = date::minute(cloud.now);
    let refusal = if before.start < now && start != before.start {
        "Cannot modify the start date of already started leases"
    } else if before.start > now && start < now {
        "Start date must be later than current date"
    } else if before.end < now {
        "Terminated leases can only be renamed"
    } else if end < now || end < start {
        "End date must be later than current and start date"
    } else {
        return Ok(Window { start, end });
    };
    Err(no(400, refusal))
}

/// Returns what the request asks of which reservation.
fn wishes(cloud: &Cloud<'_>, lease: &Lease, given: &Body) -> Outcome<BTreeMap<String, Body>> {
    let list = match given.get("reservations") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(unforeseen()),
    };
    let mut wishes = BTreeMap::new();
    for wish in list {
        let wish = wish.as_object().ok_or_else(unforeseen)?;
        let id = wish.get("id").ok_or_else(|| missing("reservation ID"))?;
        wishes.insert(id.as_str().map_or_else(|| id.to_string(), str::to_owned), wish.clone());
    }
    let known = |id: &&String| lease.reservations.iter().any(|one| one.id == **id);
    let unknown: Vec<&str> = wishes.keys().filter(|id| !known(id)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(no(
            400,
            format!(
                "Please enter valid reservation IDs. Invalid reservation IDs are: {}",
                unknown.join(",")
            ),
        ));
    }
    for reservation in &lease.reservations {
        let wish = wishes.get(&reservation.id).and_then(|wish| wish.get("resource_type"));
        if wish.is_some_and(|wish| *wish != json!(reservation.resource_type))
            || plugin(cloud.site, &reservation.resource_type).is_err()
        {
            return Err(no(409, "resource_type cannot be updated"));
        }
    }
    Ok(wishes)
}

/// Moves the events; the notice keeps its distance from the end unless it is set, and is repeated.
fn move_events(cloud: &Cloud<'_>, before: &Lease, lease: &mut Lease, notice: Option<Timestamp>) {
    let (start, end) = (lease.start, lease.end);
    for event in &mut lease.events {
        let old = (event.time, event.status);
        event.time = match event.kind {
            EventKind::Start => start,
            EventKind::End => end,
            EventKind::BeforeEnd => {
                if event.status == EventStatus::Done {
                    event.status = EventStatus::Undone;
                }
                let distance = before.end.duration_since(event.time);
                let kept = end.saturating_sub(distance).unwrap_or(start);
                notice.unwrap_or(kept).max(start)
            }
        };
        if (event.time, event.status) != old {
            event.updated = Some(cloud.now);
        }
    }
}
