//! Leases as the world keeps them, and as Blazar shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::date;
use crate::{
    cloud::Cloud,
    json::{self, Body},
    reply::Outcome,
    store::{Kind, Object},
};

pub(crate) const LEASE: Kind =
    Kind { name: "lease", indexed: &["project_id", "reservations.id", "name"] };

/// A lease: a span of time, and what is reserved in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) trust_id: String,
    pub(crate) status: LeaseStatus,
    pub(crate) degraded: bool,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) events: Vec<Event>,
}

/// What one lease reserves of one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reservation {
    pub(crate) id: String,
    pub(crate) resource_type: String,
    /// Id of the type's own record of the reservation.
    pub(crate) resource_id: String,
    pub(crate) status: ReservationStatus,
    pub(crate) missing_resources: bool,
    pub(crate) resources_changed: bool,
    pub(crate) created: Timestamp,
    pub(crate) updated: Option<Timestamp>,
    /// The type's own members; keys that begin with `_` are not shown.
    pub(crate) own: Body,
}

/// A thing that the manager does at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: EventKind,
    pub(crate) time: Timestamp,
    pub(crate) status: EventStatus,
    pub(crate) created: Timestamp,
    pub(crate) updated: Option<Timestamp>,
}

/// Statuses of a lease. Those in which Blazar is at work last no time unless the world's settings
/// say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum LeaseStatus {
    Pending,
    Starting,
    Active,
    Terminating,
    Terminated,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReservationStatus {
    Pending,
    Active,
    Deleted,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EventKind {
    #[serde(rename = "start_lease")]
    Start,
    #[serde(rename = "end_lease")]
    End,
    #[serde(rename = "before_end_lease")]
    BeforeEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum EventStatus {
    Undone,
    #[serde(rename = "IN_PROGRESS")]
    InProgress,
    Done,
    Error,
}

impl Lease {
    /// Returns the lease's first event of a kind; every lease has a start and an end.
    pub(crate) fn event(&self, kind: EventKind) -> Option<&Event> {
        self.events.iter().find(|event| event.kind == kind)
    }

    pub(crate) fn event_mut(&mut self, kind: EventKind) -> Option<&mut Event> {
        self.events.iter_mut().find(|event| event.kind == kind)
    }

    pub(crate) fn has(&self, kind: EventKind, status: EventStatus) -> bool {
        self.event(kind).is_some_and(|event| event.status == status)
    }

    /// Tells whether Blazar is at work on the lease: nothing else can be done to it then.
    pub(crate) fn is_transitional(&self) -> bool {
        matches!(self.status, LeaseStatus::Starting | LeaseStatus::Terminating)
    }

    pub(crate) fn window(&self) -> Window {
        Window { start: self.start, end: self.end }
    }

    /// Returns the lease as the API shows it.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "status": self.status, "degraded": self.degraded,
            "start_date": date::iso(self.start), "end_date": date::iso(self.end),
            "project_id": self.project_id, "user_id": self.user_id, "trust_id": self.trust_id,
            "created_at": date::stamp(self.created), "updated_at": date::maybe(self.updated),
            "reservations": self.reservations.iter().map(|one| one.shown(&self.id))
                .collect::<Vec<_>>(),
            "events": self.events.iter().map(|one| one.shown(&self.id)).collect::<Vec<_>>(),
        })
    }
}

impl Reservation {
    fn shown(&self, lease: &str) -> Value {
        let mut shown = json::map(json!({
            "id": self.id, "lease_id": lease, "resource_id": self.resource_id,
            "resource_type": self.resource_type, "status": self.status,
            "missing_resources": self.missing_resources,
            "resources_changed": self.resources_changed,
            "created_at": date::stamp(self.created), "updated_at": date::maybe(self.updated),
        }));
        shown.extend(json::public(&self.own));
        Value::Object(shown)
    }
}

impl Event {
    fn shown(&self, lease: &str) -> Value {
        json!({
            "id": self.id, "lease_id": lease, "event_type": self.kind,
            "time": date::iso(self.time), "status": self.status,
            "created_at": date::stamp(self.created), "updated_at": date::maybe(self.updated),
        })
    }
}

/// A half-open span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// Returns the site's lease `id`.
pub(crate) fn load(cloud: &Cloud<'_>, id: &str) -> Outcome<Option<Lease>> {
    Ok(cloud.get(&LEASE, id)?.and_then(|object| parse(&object)))
}

/// Returns the lease that has the reservation `id`.
pub(crate) fn of_reservation(cloud: &Cloud<'_>, id: &str) -> Outcome<Option<Lease>> {
    Ok(cloud.find(&LEASE, "reservations.id", id)?.iter().find_map(parse))
}

/// Returns a project's leases, oldest first.
pub(crate) fn of_project(cloud: &Cloud<'_>, project: &str) -> Outcome<Vec<Lease>> {
    Ok(cloud.find(&LEASE, "project_id", project)?.iter().filter_map(parse).collect())
}

/// Adds a lease, or writes a changed one back.
pub(crate) fn save(cloud: &Cloud<'_>, lease: &Lease) -> Outcome<()> {
    let body = json::map(serde_json::to_value(lease).unwrap_or_default());
    match cloud.get(&LEASE, &lease.id)? {
        Some(mut object) => {
            object.body = body;
            cloud.put(&LEASE, &object)?;
        }
        None => {
            cloud.insert(&LEASE, &lease.project_id, body)?;
        }
    }
    Ok(())
}

/// Forgets a lease.
pub(crate) fn remove(cloud: &Cloud<'_>, id: &str) -> Outcome<()> {
    if let Some(object) = cloud.get(&LEASE, id)? {
        cloud.remove(&LEASE, &object)?;
    }
    Ok(())
}

fn parse(object: &Object) -> Option<Lease> {
    serde_json::from_value(Value::Object(object.body.clone())).ok()
}
