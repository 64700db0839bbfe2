//! What a pool holds, and when it is taken.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use super::Ask;
use crate::look::field;
use crate::reservation::date;
use crate::wire::scalar_text;

/// The property with the project ids for which a thing is set aside.
const AUTHORIZED: &str = "authorized_projects";

/// A span in which a thing is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::reservation) struct Taken {
    /// From when.
    pub(in crate::reservation) from: Timestamp,
    /// Until when.
    pub(in crate::reservation) until: Timestamp,
    /// By which lease.
    pub(in crate::reservation) lease: String,
    /// By which reservation.
    pub(in crate::reservation) reservation: String,
    /// By whom, where the site tells; of a lease in the plan, its address.
    pub(in crate::reservation) user: String,
}

/// Something that can be reserved.
#[derive(Clone, Debug)]
pub(in crate::reservation) struct Thing {
    /// Its id in the calendar.
    pub(in crate::reservation) id: String,
    /// What people call it.
    pub(in crate::reservation) name: String,
    /// Whether anybody may reserve it.
    pub(in crate::reservation) reservable: bool,
    /// All that its record says.
    pub(in crate::reservation) properties: BTreeMap<String, Json>,
    /// When it is taken, by time.
    pub(in crate::reservation) taken: Vec<Taken>,
}

impl Thing {
    /// Reads a thing of a pool's list.
    pub(in crate::reservation) fn of(json: &Json) -> Self {
        let properties: BTreeMap<String, Json> =
            json.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
        let id = json.get("id").map(scalar_text).unwrap_or_default();
        let name = [
            "node_name",
            "name",
            "hypervisor_hostname",
            "segment_id",
            "floating_ip_address",
            "uid",
        ]
        .iter()
        .find_map(|key| json.get(*key).map(scalar_text).filter(|t| !t.is_empty()));
        let no = |key: &str, bad: bool| json.get(key).and_then(Json::as_bool) == Some(bad);
        Self {
            name: name.unwrap_or_else(|| id.clone()),
            reservable: !no("reservable", false) && !no("disabled", true),
            id,
            properties,
            taken: Vec::new(),
        }
    }

    /// Returns a property's text; empty where it is missing.
    pub(in crate::reservation) fn property(&self, name: &str) -> &str {
        self.properties.get(name).and_then(Json::as_str).unwrap_or_default()
    }

    pub(super) fn open_to(&self, project: Option<&str>) -> bool {
        let authorized = self.property(AUTHORIZED);
        authorized.is_empty()
            || project.is_none_or(|project| authorized.split(',').any(|one| one.trim() == project))
    }

    /// Returns what takes it within a window, cleaning before and after included.
    pub(in crate::reservation) fn taken_in<'t>(
        &'t self,
        ask: &'t Ask<'_>,
        (from, until): (Timestamp, Timestamp),
    ) -> impl Iterator<Item = &'t Taken> {
        let (from, until) = (date::earlier(from, ask.cleaning), date::later(until, ask.cleaning));
        self.taken.iter().filter(move |taken| {
            taken.from < until && from < taken.until && !ask.except.contains(&taken.lease)
        })
    }

    /// Returns until when it is free from an instant on, the end of time included; `None` where it is not.
    pub(super) fn free_until(&self, ask: &Ask<'_>, from: Timestamp) -> Option<Timestamp> {
        let taken = self.taken.iter().filter(|taken| !ask.except.contains(&taken.lease));
        let spans = taken.map(|taken| {
            (date::earlier(taken.from, ask.cleaning), date::later(taken.until, ask.cleaning))
        });
        let ahead: Vec<(Timestamp, Timestamp)> = spans.filter(|(_, until)| *until > from).collect();
        let next = ahead.iter().map(|(start, _)| *start).min().unwrap_or(Timestamp::MAX);
        (next > from).then_some(next)
    }

    pub(super) fn is_free(&self, ask: &Ask<'_>, window: (Timestamp, Timestamp)) -> bool {
        self.taken_in(ask, window).next().is_none()
    }
}

/// Reads a row of the calendar.
pub(super) fn taken_of(json: &Json) -> Option<Taken> {
    let user = json.get("extras").map(|extras| field(extras, "user_name")).unwrap_or_default();
    Some(Taken {
        from: date::read(field(json, "start_date"))?,
        until: date::read(field(json, "end_date"))?,
        lease: field(json, "lease_id").to_owned(),
        reservation: field(json, "id").to_owned(),
        user: user.to_owned(),
    })
}
