//! Flavors and their extra specs.

use serde_json::{Map, Value, json};

use super::{Nova, not_found};
use crate::{
    cloud::Cloud,
    json,
    reply::{Outcome, Refusal, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const FLAVOR: Kind = Kind { name: "flavor", indexed: &["name"] };

/// Member of a private flavor that names the project which may use it.
pub(crate) const ACCESS: &str = "_access";

/// Answers a call whose path after `flavors` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => list(nova, false),
        ("GET", ["detail"]) => list(nova, true),
        ("GET", [id]) => {
            let flavor = find(&nova.cloud, id, &nova.who.project)?.ok_or_else(|| missing(id))?;
            Ok(Reply::json(200, json!({"flavor": show(nova, &flavor)})))
        }
        ("GET", [id, "os-extra_specs"]) => {
            let flavor = find(&nova.cloud, id, &nova.who.project)?.ok_or_else(|| missing(id))?;
            let specs = flavor.body.get("_extra_specs").cloned().unwrap_or_default();
            Ok(Reply::json(200, json!({"extra_specs": specs})))
        }
        ("POST" | "PUT" | "DELETE", _) => {
            Err(no(403, "Policy doesn't allow os_compute_api:os-flavor-manage to be performed."))
        }
        _ => Err(not_found()),
    }
}

fn missing(id: &str) -> Refusal {
    no(404, format!("Flavor {id} could not be found."))
}

/// Returns the flavor `id` if the project may use it.
pub(crate) fn find(cloud: &Cloud<'_>, id: &str, project: &str) -> Outcome<Option<Object>> {
    Ok(cloud.get(&FLAVOR, id)?.filter(|flavor| visible(flavor, project)))
}

fn visible(flavor: &Object, project: &str) -> bool {
    flavor.flag("os-flavor-access:is_public")
        || flavor.flag("_for_all")
        || flavor.text(ACCESS) == project
}

fn list(nova: &Nova<'_, '_>, detail: bool) -> Outcome<Reply> {
    let at_least = |key: &str| nova.query.get(key).and_then(|text| text.parse::<i64>().ok());
    let (min_ram, min_disk) = (at_least("minRam"), at_least("minDisk"));
    let public = match nova.query.get("is_public") {
        None | Some("None" | "none") => None,
        Some(text) => json::parse_flag(text),
    };
    let mut flavors = Vec::new();
    nova.cloud.scan(&FLAVOR, Scan::default(), &mut |flavor| {
        let fits = min_ram.is_none_or(|least| flavor.number("ram") >= least)
            && min_disk.is_none_or(|least| flavor.number("disk") >= least)
            && public.is_none_or(|wanted| flavor.flag("os-flavor-access:is_public") == wanted)
            && visible(&flavor, &nova.who.project);
        if fits {
            flavors.push(flavor);
        }
        true
    })?;
    if let Some(marker) = nova.query.get("marker") {
        let beyond = flavors.iter().position(|flavor| flavor.id == marker);
        let beyond = beyond.ok_or_else(|| no(400, format!("marker [{marker}] not found")))?;
        flavors.drain(..=beyond);
    }
    let limit = nova.query.limit().unwrap_or(1000).min(1000);
    let more = flavors.len() > limit;
    flavors.truncate(limit);
    let shown: Vec<Value> = flavors
        .iter()
        .map(|flavor| {
            if detail {
                return Value::Object(show(nova, flavor));
            }
            json!({"id": flavor.id, "name": flavor.text("name"),
                "links": nova.links(&format!("flavors/{}", flavor.id))})
        })
        .collect();
    let mut body = json!({"flavors": shown});
    if let Some(last) = flavors.last().filter(|_| more) {
        let query = nova.query.with_marker(&last.id);
        let path = if detail { "flavors/detail" } else { "flavors" };
        let href = format!("{}/v2.1/{path}?{query}", nova.url);
        body["flavors_links"] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Reply::json(200, body))
}

fn show(nova: &Nova<'_, '_>, flavor: &Object) -> Map<String, Value> {
    let mut body = json::public(&flavor.body);
    if !nova.since(55) {
        body.remove("description");
    }
    if nova.since(61) {
        let specs = flavor.body.get("_extra_specs").cloned().unwrap_or_default();
        body.insert("extra_specs".to_owned(), specs);
    }
    body.insert("links".to_owned(), nova.links(&format!("flavors/{}", flavor.id)));
    body
}
