//! Tags of every collection's objects.

use serde_json::{Value, json};

use super::{collection::Collection, not_found, touch};
use crate::{
    call::Call,
    json,
    reply::{Outcome, Reply, refuse},
    store::Object,
};

/// Answers a call whose path after `tags` is `rest`.
pub(super) fn answer(
    collection: &Collection,
    call: &Call<'_>,
    mut object: Object,
    rest: &[&str],
) -> Outcome<Reply> {
    let mut tags: Vec<Value> = object.list("tags").to_vec();
    let reply = match (call.method.as_str(), rest) {
        ("GET", []) => return Ok(Reply::json(200, json!({"tags": tags}))),
        ("GET", [tag]) => {
            return if tags.iter().any(|known| known == tag) {
                Ok(Reply::empty(204))
            } else {
                Err(missing(tag))
            };
        }
        ("PUT", []) => {
            tags.clear();
            for tag in json::texts(&json::map(call.body.clone()), "tags") {
                if !tags.iter().any(|known| *known == tag) {
                    tags.push(tag.into());
                }
            }
            Reply::json(200, json!({"tags": tags}))
        }
        ("PUT", [tag]) => {
            if !tags.iter().any(|known| known == tag) {
                tags.push((*tag).into());
            }
            Reply::empty(201)
        }
        ("DELETE", []) => {
            tags.clear();
            Reply::empty(204)
        }
        ("DELETE", [tag]) => {
            let before = tags.len();
            tags.retain(|known| known != tag);
            if tags.len() == before {
                return Err(missing(tag));
            }
            Reply::empty(204)
        }
        _ => return Err(not_found()),
    };
    object.set("tags", tags);
    touch(&call.cloud, &mut object);
    call.cloud.put(collection.kind, &object)?;
    Ok(reply)
}

fn missing(tag: &str) -> crate::reply::Refusal {
    refuse(404, "TagNotFound", format!("Tag {tag} could not be found."))
}
