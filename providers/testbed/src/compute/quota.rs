//! Nova's quotas: limits, use, and the check before a server is made.

use serde_json::{Map, Value, json};

use super::{Nova, not_found};
use crate::{
    cloud::Cloud,
    reply::{Outcome, Reply, no},
};

/// Resources with their limits: the course's formula for 191 students (three servers of two cores
/// and four GiB each), Nova's defaults for the rest; -1 is unlimited.
const RESOURCES: &[(&str, i64)] = &[
    ("instances", 573),
    ("cores", 1_146),
    ("ram", 2_347_008),
    ("key_pairs", 100),
    ("metadata_items", 128),
    ("server_groups", 10),
    ("server_group_members", 10),
];

/// What one server takes.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) cores: i64,
    pub(super) ram: i64,
}

fn limit(cloud: &Cloud<'_>, resource: &str) -> Option<i64> {
    let default = RESOURCES.iter().find(|(name, _)| *name == resource).map_or(-1, |(_, n)| *n);
    cloud.limit(resource, default)
}

fn used(cloud: &Cloud<'_>, project: &str, resource: &str) -> Outcome<i64> {
    let counted = match resource {
        "key_pairs" => "keypair",
        "server_groups" => "server_group",
        other => other,
    };
    Ok(cloud.used(project, counted)?)
}

/// Refuses what would exceed the project's quota, else takes the share.
pub(super) fn take(cloud: &Cloud<'_>, project: &str, share: Share) -> Outcome<()> {
    change(cloud, project, Share { cores: 0, ram: 0 }, share, 1)
}

/// Refuses a new share that would exceed the project's quota, else puts it in the old one's place.
pub(super) fn resize(cloud: &Cloud<'_>, project: &str, old: Share, new: Share) -> Outcome<()> {
    change(cloud, project, old, new, 0)
}

fn change(cloud: &Cloud<'_>, project: &str, old: Share, new: Share, instances: i64) -> Outcome<()> {
    let wanted =
        [("cores", new.cores - old.cores), ("instances", instances), ("ram", new.ram - old.ram)];
    let mut over: Vec<(&str, i64, i64, i64)> = Vec::new();
    for (resource, more) in wanted {
        let used = used(cloud, project, resource)?;
        if let Some(limit) = limit(cloud, resource).filter(|limit| more > 0 && used + more > *limit)
        {
            over.push((resource, more, used, limit));
        }
    }
    if !over.is_empty() {
        let join = |pick: fn(&(&str, i64, i64, i64)) -> String| {
            over.iter().map(pick).collect::<Vec<_>>().join(", ")
        };
        let names = join(|row| row.0.to_owned());
        return Err(no(
            403,
            format!(
                "Quota exceeded for {names}: Requested {}, but already used {} of {} {names}",
                join(|row| row.1.to_string()),
                join(|row| row.2.to_string()),
                join(|row| row.3.to_string()),
            ),
        ));
    }
    for (resource, more) in wanted {
        cloud.charge(project, resource, more)?;
    }
    Ok(())
}

/// Gives back what a server that is gone took.
pub(super) fn give_back(cloud: &Cloud<'_>, project: &str, share: Share) -> Outcome<()> {
    for (resource, less) in [("cores", share.cores), ("instances", 1), ("ram", share.ram)] {
        cloud.charge(project, resource, -less)?;
    }
    Ok(())
}

/// Answers a call whose path after `os-quota-sets` is `rest`.
pub(super) fn sets(nova: &Nova<'_, '_>, rest: &[&str]) -> Outcome<Reply> {
    let (project, detail) = match (nova.method.as_str(), rest) {
        ("GET", [project] | [project, "defaults"]) => (*project, false),
        ("GET", [project, "detail"]) => (*project, true),
        ("PUT" | "DELETE", [_]) => {
            return Err(no(
                403,
                "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.",
            ));
        }
        _ => return Err(not_found()),
    };
    let mut set = Map::new();
    set.insert("id".to_owned(), json!(project));
    for (resource, _) in RESOURCES {
        let limit = limit(&nova.cloud, resource).unwrap_or(-1);
        let entry = if detail {
            let used = used(&nova.cloud, project, resource)?;
            json!({"limit": limit, "in_use": used, "reserved": 0})
        } else {
            json!(limit)
        };
        set.insert((*resource).to_owned(), entry);
    }
    Ok(Reply::json(200, json!({"quota_set": set})))
}

/// Answers the caller's limits.
pub(super) fn limits(nova: &Nova<'_, '_>) -> Outcome<Reply> {
    let cloud = &nova.cloud;
    let project = &nova.who.project;
    let max = |resource: &str| Value::from(limit(cloud, resource).unwrap_or(-1));
    let used = |resource: &str| used(cloud, project, resource);
    let absolute = json!({
        "maxTotalInstances": max("instances"), "maxTotalCores": max("cores"),
        "maxTotalRAMSize": max("ram"), "maxTotalKeypairs": max("key_pairs"),
        "maxServerMeta": max("metadata_items"), "maxServerGroups": max("server_groups"),
        "maxServerGroupMembers": max("server_group_members"),
        "totalInstancesUsed": used("instances")?, "totalCoresUsed": used("cores")?,
        "totalRAMUsed": used("ram")?, "totalServerGroupsUsed": used("server_groups")?,
    });
    Ok(Reply::json(200, json!({"limits": {"rate": [], "absolute": absolute}})))
}
