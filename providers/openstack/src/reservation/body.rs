//! The bodies of requests about leases.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_value::{Type, Value};

use super::part::{self, Part, PartKind};
use super::{date, recover};
use crate::client::{Failure, Service};
use crate::look::{Look, field};
use crate::verbs::Scope;

/// Builds the body of a create; `now` is where a start that is not known lies.
pub(super) fn create(
    planned: &Value,
    parts: &[Part],
    marker: &str,
    now: Timestamp,
) -> Result<JsonMap<String, Json>, Failure> {
    let start = planned.text("start_date").and_then(date::read);
    let end = planned.text("end_date").and_then(date::read);
    let end = match (end, planned.text("duration")) {
        (Some(end), _) => end,
        (None, Some(length)) => {
            date::later(start.unwrap_or(now), date::duration(length).map_err(Failure::other)?)
        }
        (None, None) => {
            return Err(Failure::other("a lease needs an end_date or a duration, and has neither"));
        }
    };
    let mut body = JsonMap::new();
    body.insert("name".into(), json!(recover::sent_name(planned, marker)));
    let start = start.filter(|start| *start != now).map(date::blazar);
    body.insert("start_date".into(), json!(start.as_deref().unwrap_or("now")));
    body.insert("end_date".into(), json!(date::blazar(end)));
    if let Some(at) = planned.text("before_end_date").and_then(date::read) {
        body.insert("before_end_date".into(), json!(date::blazar(at)));
    }
    let zone = planned.text("time_zone").and_then(|name| TimeZone::get(name).ok());
    let mut events = Vec::new();
    for event in planned.items("event") {
        let text = event.text("time").unwrap_or_default();
        let at = match date::parse(text, zone.as_ref()).map_err(Failure::other)?.moment {
            date::Moment::Now => now,
            date::Moment::At(at) => at,
        };
        events.push(json!({"event_type": event.text("event_type"), "time": date::blazar(at)}));
    }
    body.insert("events".into(), events.into());
    body.insert(
        "reservations".into(),
        parts.iter().map(|p| Json::Object(part::wanted(p))).collect(),
    );
    Ok(body)
}

/// Builds the body of an update: what changes, and nothing else.
pub(super) fn update(
    only: Option<PartKind>,
    prior: &Value,
    planned: &Value,
) -> JsonMap<String, Json> {
    let mut body = JsonMap::new();
    // Any update that is taken brings a lease back that a refused one left in ERROR.
    let mends = prior.text("status") == Some("ERROR");
    if mends || planned.text("name") != prior.text("name") {
        body.insert("name".into(), json!(planned.text("name")));
    }
    for name in ["start_date", "end_date", "before_end_date"] {
        let is_open = planned.get(name).is_some_and(|value| !value.is_known());
        let (old, new) = (prior.text(name), planned.text(name));
        match new.and_then(date::read) {
            Some(at) if old.and_then(date::read) != Some(at) => {
                body.insert(name.into(), json!(date::blazar(at)));
            }
            None if is_open && name == "start_date" => {
                body.insert(name.into(), json!("now"));
            }
            _ => {}
        }
    }
    let before = part::parts(only, prior);
    let reservations: Vec<Json> = part::parts(only, planned)
        .iter()
        .filter_map(|after| {
            let twin = before.iter().find(|one| one.kind == after.kind && one.at == after.at)?;
            part::changed(twin, after).map(Json::Object)
        })
        .collect();
    if !reservations.is_empty() {
        body.insert("reservations".into(), reservations.into());
    }
    body
}

/// Looks up the ids of what is given by name: Blazar takes ids alone.
pub(super) async fn resolved(scope: &Scope<'_>, parts: Vec<Part>) -> Result<Vec<Part>, Failure> {
    let mut out = Vec::with_capacity(parts.len());
    for mut part in parts {
        match part.kind {
            PartKind::Flavor => resolve_flavor(scope, &mut part).await?,
            PartKind::FloatingIp if part.text("network_id").is_none() => {
                let pool = part.text("pool").unwrap_or_default().to_owned();
                let call =
                    scope.get(Service::Network, "/networks").query(vec![("name", pool.clone())]);
                let all = scope.session.named(&call, "networks").await?;
                let found = all.iter().find(|network| field(network, "name") == pool);
                let id = found.map(|network| field(network, "id").to_owned()).ok_or_else(|| {
                    Failure::other(format!(
                        "there is no network named {pool:?} to take floating IPs from"
                    ))
                })?;
                part.set("network_id", Value::string(id));
            }
            _ => {}
        }
        out.push(part);
    }
    Ok(out)
}

async fn resolve_flavor(scope: &Scope<'_>, part: &mut Part) -> Result<(), Failure> {
    if part.text("flavor_id").is_some() {
        if part.get("flavor_name").is_none_or(|name| !name.is_known()) {
            part.set("flavor_name", Value::null(Type::String));
        }
        return Ok(());
    }
    let name = part.text("flavor_name").unwrap_or_default().to_owned();
    // `is_public=None` lists private ones, too.
    let query = vec![("is_public", "None".to_owned())];
    let call = scope.get(Service::Compute, "/flavors/detail").query(query);
    let all = scope.session.named(&call, "flavors").await?;
    let ids: Vec<&str> = all
        .iter()
        .filter(|flavor| field(flavor, "name") == name)
        .map(|flavor| field(flavor, "id"))
        .collect();
    match ids.as_slice() {
        [id] => {
            part.set("flavor_id", Value::string(*id));
            Ok(())
        }
        [] => Err(Failure::other(format!("there is no flavor named {name:?} at this site"))),
        several => Err(Failure::other(format!(
            "{} flavors are named {name:?}: give the flavor_id instead",
            several.len()
        ))),
    }
}
