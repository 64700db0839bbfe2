//! Metadata and tags of servers.

use serde_json::{Value, json};

use super::{Nova, not_found, servers::SERVER};
use crate::{
    json,
    reply::{Outcome, Reply, no},
    store::Object,
};

/// Longest value of a metadata item.
const LONGEST: usize = 255;

/// Most tags that a server may have.
const MOST_TAGS: usize = 50;

/// Answers a call whose path after `metadata` is `rest`.
pub(super) fn metadata(nova: &Nova<'_, '_>, mut server: Object, rest: &[&str]) -> Outcome<Reply> {
    let mut kept = json::map(server.body.get("metadata").cloned().unwrap_or_default());
    let missing = || no(404, "Metadata item was not found");
    let reply = match (nova.method.as_str(), rest) {
        ("GET", []) => return Ok(Reply::json(200, json!({"metadata": kept}))),
        ("GET", [key]) => {
            let value = kept.get(*key).ok_or_else(missing)?;
            return Ok(Reply::json(200, json!({"meta": {*key: value}})));
        }
        ("POST" | "PUT", []) => {
            if nova.method == "PUT" {
                kept.clear();
            }
            kept.extend(checked(&nova.given("metadata")?)?);
            Reply::json(200, json!({"metadata": kept}))
        }
        ("PUT", [key]) => {
            let meta = checked(&nova.given("meta")?)?;
            if !meta.contains_key(*key) || meta.len() != 1 {
                return Err(no(400, "Request body and URI mismatch"));
            }
            kept.extend(meta.clone());
            Reply::json(200, json!({"meta": meta}))
        }
        ("DELETE", [key]) => {
            kept.shift_remove(*key).ok_or_else(missing)?;
            Reply::empty(204)
        }
        _ => return Err(not_found()),
    };
    server.set("metadata", kept);
    save(nova, &mut server)?;
    Ok(reply)
}

/// Refuses metadata whose values are no texts.
pub(super) fn checked(given: &json::Body) -> Outcome<json::Body> {
    for (key, value) in given {
        if !value.is_string() {
            return Err(no(
                400,
                format!(
                    "Invalid input for field/attribute {key}. Value: {value}. {value} is not of \
                     type 'string'"
                ),
            ));
        }
        if let Some(text) = value.as_str().filter(|text| text.len() > LONGEST) {
            return Err(no(
                400,
                format!(
                    "Invalid input for field/attribute {key}. Value: {text}. '{text}' is too long"
                ),
            ));
        }
    }
    Ok(given.clone())
}

/// Answers a call whose path after `tags` is `rest`.
pub(super) fn tags(nova: &Nova<'_, '_>, mut server: Object, rest: &[&str]) -> Outcome<Reply> {
    if !nova.since(26) {
        return Err(not_found());
    }
    let mut tags = json::texts(&server.body, "_tags");
    let missing = |tag: &str| no(404, format!("Server {} has no tag '{tag}'", server.id));
    let reply = match (nova.method.as_str(), rest) {
        ("GET", []) => return Ok(Reply::json(200, json!({"tags": tags}))),
        ("GET", [tag]) => {
            return if tags.iter().any(|known| known == tag) {
                Ok(Reply::empty(204))
            } else {
                Err(missing(tag))
            };
        }
        ("PUT", []) => {
            tags = json::texts(&json::map(nova.body.clone()), "tags");
            Reply::json(200, json!({"tags": tags}))
        }
        ("PUT", [tag]) if tags.iter().any(|known| known == tag) => Reply::empty(204),
        ("PUT", [tag]) => {
            tags.push((*tag).to_owned());
            Reply::empty(201)
        }
        ("DELETE", []) => {
            tags.clear();
            Reply::empty(204)
        }
        ("DELETE", [tag]) => {
            let place = tags.iter().position(|known| known == tag).ok_or_else(|| missing(tag))?;
            tags.remove(place);
            Reply::empty(204)
        }
        _ => return Err(not_found()),
    };
    if tags.len() > MOST_TAGS {
        return Err(no(
            400,
            format!("The number of tags exceeded the per-server limit {MOST_TAGS}"),
        ));
    }
    server.set("_tags", tags.into_iter().map(Value::from).collect::<Vec<_>>());
    save(nova, &mut server)?;
    Ok(reply)
}

fn save(nova: &Nova<'_, '_>, server: &mut Object) -> Outcome<()> {
    server.set("updated", nova.cloud.stamp());
    Ok(nova.cloud.put(&SERVER, server)?)
}
