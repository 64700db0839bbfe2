//! The making of a lease: everything is allocated within the call.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    date, enforce, given,
    lease::{
        self, Event, EventKind, EventStatus, Lease, LeaseStatus, Reservation, ReservationStatus,
    },
    missing, plugin, ticks, unforeseen,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Reply, no},
};

/// Length of a name in Blazar's database.
const NAME_LIMIT: usize = 80;
/// How long before a lease's end its owner is told (Chameleon: `minutes_before_end_lease`).
const NOTICE: SignedDuration = SignedDuration::from_hours(48);

/// Answers `POST /leases`.
pub(super) fn create(call: &Call<'_>) -> Outcome<Reply> {
    let cloud = &call.cloud;
    // Blazar makes a trust for the lease, which a restricted credential may not.
    if call.who.restricted {
        return Err(unforeseen());
    }
    let given = given(call)?;
    let lacking: Vec<&str> = ["name", "start_date", "end_date"]
        .into_iter()
        .filter(|key| !given.contains_key(*key))
        .collect();
    if !lacking.is_empty() {
        return Err(missing(&lacking.join(", ")));
    }
    let wanted = reservations(&given)?;
    if wanted.iter().any(|wanted| !wanted.contains_key("resource_type")) {
        return Err(missing("resource_type"));
    }
    let (start, end) = dates(cloud, &given)?;
    let mut lease = blank(call, &given, (start, end))?;
    for wanted in &wanted {
        let reservation = reserve(cloud, &lease, wanted)?;
        lease.reservations.push(reservation);
    }
    enforce::create(cloud, &mut lease)?;
    schedule(cloud, &mut lease, given.get("before_end_date"))?;
    if lease.name.chars().count() > NAME_LIMIT {
        return Err(unforeseen());
    }
    lease::save(cloud, &lease)?;
    ticks::await_events(cloud, &lease)?;
    Ok(Reply::json(201, json!({"lease": lease.shown()})))
}

fn reservations(given: &Body) -> Outcome<Vec<Body>> {
    let list = match given.get("reservations") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(unforeseen()),
    };
    list.iter().map(|one| one.as_object().cloned().ok_or_else(unforeseen)).collect()
}

fn dates(cloud: &Cloud<'_>, given: &Body) -> Outcome<(Timestamp, Timestamp)> {
    let read = |key: &str| {
        let text = given.get(key).and_then(Value::as_str).ok_or_else(unforeseen)?;
        date::read(text, cloud.now)
    };
    let (start, end) = (read("start_date")?, read("end_date")?);
    if start < date::minute(cloud.now) {
        return Err(no(400, "Start date must be later than current date"));
    }
    if end <= start {
        return Err(no(400, "End date must be later than start date."));
    }
    Ok((start, end))
}

fn blank(call: &Call<'_>, given: &Body, (start, end): (Timestamp, Timestamp)) -> Outcome<Lease> {
    let name = given.get("name").and_then(Value::as_str).ok_or_else(unforeseen)?;
    let cloud = &call.cloud;
    Ok(Lease {
        id: cloud.new_id()?,
        name: name.to_owned(),
        project_id: call.who.project.clone(),
        user_id: call.who.user.clone(),
        trust_id: cloud.new_id()?.replace('-', ""),
        status: LeaseStatus::Pending,
        degraded: false,
        start,
        end,
        created: cloud.now,
        // Its status was set after its making.
        updated: Some(cloud.now),
        reservations: Vec::new(),
        events: Vec::new(),
    })
}

fn reserve(cloud: &Cloud<'_>, lease: &Lease, wanted: &Body) -> Outcome<Reservation> {
    let plugin = plugin(cloud.site, json::text(wanted, "resource_type"))?;
    let mut reservation = Reservation {
        id: cloud.new_id()?,
        resource_type: plugin.resource_type.to_owned(),
        resource_id: cloud.new_id()?,
        status: ReservationStatus::Pending,
        missing_resources: false,
        resources_changed: false,
        created: cloud.now,
        updated: Some(cloud.now),
        own: Body::new(),
    };
    (plugin.reserve)(cloud, lease, &mut reservation, wanted)?;
    Ok(reservation)
}

/// Adds the lease's events.
fn schedule(cloud: &Cloud<'_>, lease: &mut Lease, notice: Option<&Value>) -> Outcome<()> {
    let notice = match notice.and_then(Value::as_str).filter(|text| !text.is_empty()) {
        Some(text) => within(lease.start, lease.end, date::read(text, cloud.now)?)?,
        None => lease.end.saturating_sub(NOTICE).unwrap_or(lease.start).max(lease.start),
    };
    for (kind, time) in [
        (EventKind::Start, lease.start),
        (EventKind::End, lease.end),
        (EventKind::BeforeEnd, notice),
    ] {
        lease.events.push(Event {
            id: cloud.new_id()?,
            kind,
            time,
            status: EventStatus::Undone,
            created: cloud.now,
            updated: None,
        });
    }
    Ok(())
}

/// Returns the date of a notice, which lies between start and end.
pub(super) fn within(start: Timestamp, end: Timestamp, date: Timestamp) -> Outcome<Timestamp> {
    if start < date && date < end {
        Ok(date)
    } else {
        Err(no(403, "Datetime is out of lease limits"))
    }
}
