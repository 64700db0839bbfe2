//! Volumes as Cinder shows them.

use serde_json::{Value, json};

use crate::{
    call::{Call, Microversion},
    json,
    reply::{Outcome, Reply},
    store::{Object, Scan},
};

use super::volumes::VOLUME;

/// Most volumes in one answer (`osapi_max_limit`).
const PAGE: usize = 1000;

/// Returns everything of a volume.
pub(super) fn full(call: &Call<'_>, version: Microversion, volume: &Object) -> Value {
    let mut body = json::public(&volume.body);
    if version >= (3, 13) {
        body.insert("group_id".to_owned(), Value::Null);
    }
    if version >= (3, 61) {
        body.insert("cluster_name".to_owned(), Value::Null);
    }
    body.insert("links".to_owned(), links(call, &volume.id));
    Value::Object(body)
}

fn links(call: &Call<'_>, id: &str) -> Value {
    let href = format!("{}/v3/{}/volumes/{id}", call.url, call.who.project);
    json!([{"rel": "self", "href": href}, {"rel": "bookmark", "href": href}])
}

/// Answers a list of volumes, newest first.
pub(super) fn list(call: &Call<'_>, version: Microversion, detail: bool) -> Outcome<Reply> {
    let limit = call.query.limit().unwrap_or(PAGE).min(PAGE);
    let by = call.query.get("name").filter(|name| !name.is_empty()).map(|name| ("name", name));
    let beyond = match call.query.get("marker") {
        Some(marker) => call.cloud.get(&VOLUME, marker)?.map(|volume| volume.seq),
        None => None,
    };
    let mut found = Vec::new();
    let scan = Scan { by, beyond, newest_first: true };
    call.cloud.scan(&VOLUME, scan, &mut |volume| {
        if volume.project == call.who.project && passes(call, &volume) {
            found.push(volume);
        }
        found.len() < limit
    })?;
    let shown: Vec<Value> = found
        .iter()
        .map(|volume| {
            if detail {
                return full(call, version, volume);
            }
            json!({"id": volume.id, "name": volume.text("name"), "links": links(call, &volume.id)})
        })
        .collect();
    let mut body = json!({"volumes": shown});
    if found.len() == limit
        && let Some(last) = found.last()
    {
        let query = call.query.with_marker(&last.id);
        let path = if detail { "volumes/detail" } else { "volumes" };
        let href = format!("{}/v3/{}/{path}?{query}", call.url, call.who.project);
        body["volumes_links"] = json!([{"rel": "next", "href": href}]);
    }
    Ok(Reply::json(200, body))
}

fn passes(call: &Call<'_>, volume: &Object) -> bool {
    ["status", "bootable", "availability_zone"].iter().all(|key| {
        call.query.get(key).is_none_or(|wanted| volume.text(key).eq_ignore_ascii_case(wanted))
    })
}
