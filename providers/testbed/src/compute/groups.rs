//! Server groups.

use serde_json::{Value, json};

use super::{Nova, not_found, required};
use crate::{
    cloud::Cloud,
    json,
    reply::{Outcome, Reply, no},
    store::{Kind, Object, Scan},
};

pub(crate) const GROUP: Kind = Kind { name: "server_group", indexed: &["name"] };

const POLICIES: &[&str] = &["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"];
/// Nova's default limit per project.
const LIMIT: i64 = 10;

/// Answers a call whose path after `os-server-groups` is `rest`.
pub(super) fn answer(nova: &Nova<'_, '_>, rest: &[&str]) -> Outcome<Reply> {
    match (nova.method.as_str(), rest) {
        ("GET", []) => {
            let mut shown = Vec::new();
            nova.cloud.scan(&GROUP, Scan::default(), &mut |group| {
                if group.project == nova.who.project {
                    shown.push(show(nova, &group));
                }
                true
            })?;
            Ok(Reply::json(200, json!({"server_groups": shown})))
        }
        ("POST", []) => create(nova),
        ("GET", [id]) => {
            Ok(Reply::json(200, json!({"server_group": show(nova, &find(nova, id)?)})))
        }
        ("DELETE", [id]) => {
            let group = find(nova, id)?;
            nova.cloud.remove(&GROUP, &group)?;
            Ok(Reply::empty(204))
        }
        _ => Err(not_found()),
    }
}

fn find(nova: &Nova<'_, '_>, id: &str) -> Outcome<Object> {
    let group = nova.cloud.get(&GROUP, id)?;
    group
        .filter(|group| group.project == nova.who.project)
        .ok_or_else(|| no(404, format!("Instance group {id} could not be found.")))
}

/// Makes a group of a project, without rules.
pub(crate) fn make(
    cloud: &Cloud<'_>,
    (project, user): (&str, &str),
    (name, policy): (&str, &str),
) -> Outcome<Object> {
    let body = json::map(json!({
        "id": cloud.new_id()?, "name": name, "_policy": policy, "_rules": {},
        "members": [], "project_id": project, "user_id": user,
    }));
    Ok(cloud.insert(&GROUP, project, body)?)
}

fn create(nova: &Nova<'_, '_>) -> Outcome<Reply> {
    let given = nova.given("server_group")?;
    let name = required(&given, "server_group", "name")?;
    let policy = if nova.since(64) {
        json::text(&given, "policy").to_owned()
    } else {
        json::texts(&given, "policies").into_iter().next().unwrap_or_default()
    };
    let known =
        POLICIES.contains(&policy.as_str()) && (nova.since(15) || !policy.starts_with("soft-"));
    if !known {
        return Err(no(
            400,
            format!("Invalid input for field/attribute policies. Value: {policy}."),
        ));
    }
    let rules = given.get("rules").cloned().unwrap_or_else(|| json!({}));
    if policy != "anti-affinity" && rules.get("max_server_per_host").is_some() {
        return Err(no(400, "Only anti-affinity policy supports rules."));
    }
    let limit = nova.cloud.limit("server_groups", LIMIT);
    if let Some(limit) = limit
        && nova.cloud.used(&nova.who.project, GROUP.name)? >= limit
    {
        return Err(no(403, "Quota exceeded, too many server groups."));
    }
    let owner = (nova.who.project.as_str(), nova.who.user.as_str());
    let mut group = make(&nova.cloud, owner, (name, &policy))?;
    group.set("_rules", rules);
    nova.cloud.put(&GROUP, &group)?;
    Ok(Reply::json(200, json!({"server_group": show(nova, &group)})))
}

fn show(nova: &Nova<'_, '_>, group: &Object) -> Value {
    let mut shown = json!({"id": group.id, "name": group.text("name"),
        "members": group.list("members")});
    if nova.since(64) {
        shown["policy"] = json!(group.text("_policy"));
        shown["rules"] = group.body.get("_rules").cloned().unwrap_or_default();
    } else {
        shown["policies"] = json!([group.text("_policy")]);
        shown["metadata"] = json!({});
    }
    if nova.since(13) {
        shown["project_id"] = json!(group.project);
        shown["user_id"] = json!(group.text("user_id"));
    }
    shown
}

/// Notes that `server` is of the group that its scheduler hints name.
pub(super) fn join(nova: &Nova<'_, '_>, group: &str, server: &str) -> Outcome<()> {
    let mut group = find(nova, group)
        .map_err(|_| no(400, format!("Instance group {group} could not be found.")))?;
    let mut members = group.list("members").to_vec();
    members.push(json!(server));
    group.set("members", members);
    Ok(nova.cloud.put(&GROUP, &group)?)
}
