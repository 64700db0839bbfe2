//! Quotas: limits and use per project.

use serde_json::{Map, Value, json};

use super::{COLLECTIONS, not_found};
use crate::{
    call::Call,
    reply::{Outcome, Reply},
};

/// Resources with a quota in which nothing is simulated.
const UNUSED: &[&str] = &["rbac_policy", "subnetpool", "trunk"];

/// Answers a call whose path after `quotas` is `rest`.
pub(super) fn answer(call: &Call<'_>, rest: &[&str]) -> Outcome<Reply> {
    match (call.method.as_str(), rest) {
        ("GET", ["project" | "tenant"]) => Ok(Reply::json(
            200,
            json!({"tenant": {"tenant_id": call.who.project, "project_id": call.who.project}}),
        )),
        ("GET", [project]) => show(call, project, false),
        ("GET", [project, "details" | "details.json"]) => show(call, project, true),
        ("GET", [_, "default"]) => show(call, "", false),
        ("PUT" | "DELETE", [_]) => Err(super::forbidden("rule:update_quota")),
        _ => Err(not_found()),
    }
}

fn show(call: &Call<'_>, project: &str, details: bool) -> Outcome<Reply> {
    let mut quota = Map::new();
    for collection in COLLECTIONS {
        let name = collection.kind.name;
        let limit = call.cloud.limit(name, collection.quota).unwrap_or(-1);
        let used = call.cloud.used(project, name)?;
        quota.insert(name.to_owned(), entry(limit, used, details));
    }
    for name in UNUSED {
        quota.insert((*name).to_owned(), entry(-1, 0, details));
    }
    Ok(Reply::json(200, json!({"quota": quota})))
}

fn entry(limit: i64, used: i64, details: bool) -> Value {
    if details { json!({"limit": limit, "used": used, "reserved": 0}) } else { limit.into() }
}
