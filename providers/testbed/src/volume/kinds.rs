//! Volume types.

use serde_json::{Value, json};

use super::not_found;
use crate::{
    call::Call,
    json,
    reply::{Outcome, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const TYPE: Kind = Kind { name: "volume_type", indexed: &["name"] };

/// The type of volumes whose creator names none.
pub(super) const DEFAULT: &str = "ceph-ssd";

/// Answers a call whose path after `types` is `rest`.
pub(super) fn answer(call: &Call<'_>, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let mut shown: Vec<Value> = Vec::new();
            call.cloud.scan(&TYPE, Scan::default(), &mut |kind| {
                shown.push(Value::Object(json::public(&kind.body)));
                true
            })?;
            Ok(Reply::json(200, json!({"volume_types": shown})))
        }
        ("GET", ["default"]) => show(find(call, DEFAULT)?, DEFAULT),
        ("GET", [id]) => show(find(call, id)?, id),
        ("GET", [_, "extra_specs"]) => Ok(Reply::json(200, json!({"extra_specs": {}}))),
        _ => Err(not_found()),
    }
}

fn show(found: Option<Object>, id: &str) -> Outcome<Reply> {
    let kind = found.ok_or_else(|| no(404, format!("Volume type {id} could not be found.")))?;
    Ok(Reply::json(200, json!({"volume_type": json::public(&kind.body)})))
}

/// Returns the type of this name or id.
pub(super) fn find(call: &Call<'_>, reference: &str) -> Outcome<Option<Object>> {
    let by_name = call.cloud.find(&TYPE, "name", reference)?.into_iter().next();
    match by_name {
        Some(kind) => Ok(Some(kind)),
        None => Ok(call.cloud.get(&TYPE, reference)?),
    }
}
