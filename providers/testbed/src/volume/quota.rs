//! Cinder's quotas.

use serde_json::{Map, json};

use super::not_found;
use crate::{
    call::Call,
    cloud::Cloud,
    reply::{Outcome, Reply, no},
};

/// Resources with their limits: a volume per student of the course, and what its projects kept.
const RESOURCES: &[(&str, i64)] = &[
    ("volumes", 191),
    ("gigabytes", 10_000),
    ("snapshots", 191),
    ("backups", 10),
    ("backup_gigabytes", 1_000),
    ("per_volume_gigabytes", -1),
    ("groups", 10),
];

fn limit(cloud: &Cloud<'_>, resource: &str) -> Option<i64> {
    let default = RESOURCES.iter().find(|(name, _)| *name == resource).map_or(-1, |(_, n)| *n);
    cloud.limit(resource, default)
}

fn used(cloud: &Cloud<'_>, project: &str, resource: &str) -> Outcome<i64> {
    let counted = if resource == "volumes" { "volume" } else { resource };
    Ok(cloud.used(project, counted)?)
}

/// Refuses what would exceed the project's quota, else takes `size` GiB.
pub(super) fn take(cloud: &Cloud<'_>, project: &str, size: i64, new: bool) -> Outcome<()> {
    if let Some(limit) = limit(cloud, "gigabytes") {
        let used = used(cloud, project, "gigabytes")?;
        if used + size > limit {
            return Err(no(
                413,
                format!(
                    "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested \
                     {size}G, quota is {limit}G and {used}G has been consumed."
                ),
            ));
        }
    }
    if let Some(limit) = limit(cloud, "volumes").filter(|_| new)
        && used(cloud, project, "volumes")? >= limit
    {
        return Err(no(
            413,
            format!(
                "VolumeLimitExceeded: Maximum number of volumes allowed ({limit}) exceeded for \
                 quota 'volumes'."
            ),
        ));
    }
    Ok(cloud.charge(project, "gigabytes", size)?)
}

/// Answers a call whose path after `os-quota-sets` is `rest`.
pub(super) fn sets(call: &Call<'_>, rest: &[&str]) -> Outcome<Reply> {
    let project = match (call.method.as_str(), rest) {
        ("GET", [project] | [project, "defaults"]) => *project,
        ("PUT" | "DELETE", [_]) => {
            return Err(no(
                403,
                "Policy doesn't allow volume_extension:quotas:update to be performed.",
            ));
        }
        _ => return Err(not_found()),
    };
    let usage = call.query.get("usage").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let mut set = Map::new();
    set.insert("id".to_owned(), json!(project));
    for (resource, _) in RESOURCES {
        let limit = limit(&call.cloud, resource).unwrap_or(-1);
        let entry = if usage {
            let used = used(&call.cloud, project, resource)?;
            json!({"limit": limit, "in_use": used, "reserved": 0, "allocated": 0})
        } else {
            json!(limit)
        };
        set.insert((*resource).to_owned(), entry);
    }
    Ok(Reply::json(200, json!({"quota_set": set})))
}

/// Answers the caller's limits.
pub(super) fn limits(call: &Call<'_>) -> Outcome<Reply> {
    let cloud = &call.cloud;
    let project = &call.who.project;
    let max = |resource: &str| limit(cloud, resource).unwrap_or(-1);
    let absolute = json!({
        "maxTotalVolumes": max("volumes"), "maxTotalVolumeGigabytes": max("gigabytes"),
        "maxTotalSnapshots": max("snapshots"), "maxTotalBackups": max("backups"),
        "maxTotalBackupGigabytes": max("backup_gigabytes"),
        "totalVolumesUsed": used(cloud, project, "volumes")?,
        "totalGigabytesUsed": used(cloud, project, "gigabytes")?,
        "totalSnapshotsUsed": 0, "totalBackupsUsed": 0, "totalBackupGigabytesUsed": 0,
    });
    Ok(Reply::json(200, json!({"limits": {"rate": [], "absolute": absolute}})))
}
