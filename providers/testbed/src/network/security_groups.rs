//! Security groups.

use rusqlite::params;
use serde_json::{Value, json};

use super::{
    attribute::{Attribute, Check, LONG, free},
    collection::{Collection, Hooks},
    ports::PORT,
    security_group_rules::{self as rules, RULE},
    standard,
};
use crate::{
    call::Call,
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, refuse},
    seed,
    store::{Kind, Object},
};

pub(crate) const SECURITY_GROUP: Kind =
    Kind { name: "security_group", indexed: &["name", "tenant_id"] };

const ATTRIBUTES: &[Attribute] = &[free("name", Check::Text(LONG)), free("stateful", Check::Flag)];

/// [API: security groups](https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups).
pub(super) const COLLECTION: Collection = Collection {
    plural: "security-groups",
    singular: "security_group",
    kind: &SECURITY_GROUP,
    attributes: ATTRIBUTES,
    missing: ("SecurityGroupNotFound", "Security group {} does not exist"),
    quota: 50,
    hooks: Hooks { create, update, delete, visible: Hooks::own, show, action: Hooks::no_action },
};

/// Groups that the course's staff made once, with the port each opens; 0 opens all.
const COURSE: &[(&str, u16)] = &[
    ("allow-ssh", 22),
    ("allow-http-80", 80),
    ("allow-3000", 3000),
    ("allow-5000", 5000),
    ("allow-8000", 8000),
    ("allow-8080", 8080),
    ("allow-8081", 8081),
    ("allow-8082", 8082),
    ("allow-8265", 8265),
    ("allow-8888", 8888),
    ("allow-9000", 9000),
    ("allow-9001", 9001),
    ("allow-9090", 9090),
];

/// Returns the refusal of a group that the project doesn't have.
pub(crate) fn not_found(id: &str) -> Refusal {
    refuse(404, "SecurityGroupNotFound", format!("Security group {id} does not exist"))
}

/// Gives a project that is new at this site its default group and the course's: whatever project
/// the credentials name, it is the course's.
pub(crate) fn ensure_project(cloud: &Cloud<'_>, project: &str) -> Outcome<()> {
    let added = cloud
        .conn
        .prepare_cached("INSERT OR IGNORE INTO project_site VALUES (?, ?)")?
        .execute(params![project, cloud.site.region])?;
    if added == 0 {
        return Ok(());
    }
    let key =
        |name: &str| seed::seeded_id(cloud.site, "security_group", &format!("{project}/{name}"));
    let id = key("default");
    plant(cloud, project, (&id, "default", "Default security group"))?;
    for ethertype in ["IPv4", "IPv6"] {
        let from_itself = rules::fresh(cloud, &id, ("ingress", ethertype));
        let mut from_itself = from_itself?;
        from_itself.insert("remote_group_id".to_owned(), json!(id));
        seed::add(cloud, &RULE, project, with_project(from_itself, project))?;
    }
    for (name, port) in COURSE {
        let id = key(name);
        plant(cloud, project, (&id, name, &format!("Allow TCP {port}")))?;
        let mut rule = rules::fresh(cloud, &id, ("ingress", "IPv4"))?;
        for (key, value) in [
            ("protocol", json!("tcp")),
            ("port_range_min", json!(port)),
            ("port_range_max", json!(port)),
            ("remote_ip_prefix", json!("0.0.0.0/0")),
            ("normalized_cidr", json!("0.0.0.0/0")),
        ] {
            rule.insert(key.to_owned(), value);
        }
        seed::add(cloud, &RULE, project, with_project(rule, project))?;
    }
    Ok(())
}

fn with_project(mut body: Body, project: &str) -> Value {
    body.insert("tenant_id".to_owned(), json!(project));
    body.insert("project_id".to_owned(), json!(project));
    Value::Object(body)
}

fn plant(
    cloud: &Cloud<'_>,
    project: &str,
    (id, name, description): (&str, &str, &str),
) -> Outcome<()> {
    let mut body = fresh(cloud, id, project);
    body.insert("name".to_owned(), json!(name));
    body.insert("description".to_owned(), json!(description));
    seed::add(cloud, &SECURITY_GROUP, project, Value::Object(body))?;
    for ethertype in ["IPv4", "IPv6"] {
        let rule = rules::fresh(cloud, id, ("egress", ethertype))?;
        seed::add(cloud, &RULE, project, with_project(rule, project))?;
    }
    Ok(())
}

fn fresh(cloud: &Cloud<'_>, id: &str, project: &str) -> Body {
    let mut body = standard(cloud, id, project);
    body.insert("stateful".to_owned(), json!(true));
    body.insert("shared".to_owned(), json!(false));
    body
}

/// Returns a project's default group.
pub(crate) fn default_group(cloud: &Cloud<'_>, project: &str) -> Outcome<Object> {
    by_name(cloud, project, "default")?.into_iter().next().ok_or_else(|| not_found("default"))
}

/// Returns the groups of a project with this name; nothing makes names unique.
pub(crate) fn by_name(cloud: &Cloud<'_>, project: &str, name: &str) -> Outcome<Vec<Object>> {
    let mut found = cloud.find(&SECURITY_GROUP, "name", name)?;
    found.retain(|group| group.project == project);
    Ok(found)
}

fn create(call: &Call<'_>, given: &Body) -> Outcome<Object> {
    let cloud = &call.cloud;
    if json::text(given, "name") == "default" {
        return Err(refuse(
            409,
            "SecurityGroupDefaultAlreadyExists",
            "Default security group already exists.",
        ));
    }
    let id = cloud.new_id()?;
    let mut body = fresh(cloud, &id, &call.who.project);
    body.extend(given.clone());
    let group = cloud.insert(&SECURITY_GROUP, &call.who.project, body)?;
    for ethertype in ["IPv4", "IPv6"] {
        let rule = rules::fresh(cloud, &id, ("egress", ethertype))?;
        let rule = json::map(with_project(rule, &call.who.project));
        cloud.insert(&RULE, &call.who.project, rule)?;
    }
    Ok(group)
}

fn update(call: &Call<'_>, group: &mut Object, given: &Body) -> Outcome<()> {
    if group.text("name") == "default" && given.contains_key("name") {
        return Err(refuse(
            409,
            "SecurityGroupCannotUpdateDefault",
            "Updating default security group not allowed.",
        ));
    }
    Hooks::copied(call, group, given)
}

fn delete(call: &Call<'_>, group: &Object) -> Outcome<()> {
    if group.text("name") == "default" {
        return Err(refuse(
            409,
            "SecurityGroupCannotRemoveDefault",
            "Insufficient rights for removing default security group.",
        ));
    }
    let cloud = &call.cloud;
    let used = cloud.any(&PORT, "security_groups", &group.id)?;
    if used {
        return Err(refuse(
            409,
            "SecurityGroupInUse",
            format!("Security Group {} in use.", group.id),
        ));
    }
    // Its own rules go with it, and those of other groups that name it.
    for key in ["security_group_id", "remote_group_id"] {
        for rule in cloud.find(&RULE, key, &group.id)? {
            cloud.remove(&RULE, &rule)?;
        }
    }
    Ok(())
}

fn show(call: &Call<'_>, group: &Object) -> Outcome<Body> {
    let rules = call.cloud.find(&RULE, "security_group_id", &group.id)?;
    let shown = |rule: &Object| {
        let mut body = json::public(&rule.body);
        body.insert("tags".to_owned(), json!([]));
        Value::Object(body)
    };
    let rules: Vec<Value> = rules.iter().map(shown).collect();
    let mut body = json::public(&group.body);
    body.insert("security_group_rules".to_owned(), rules.into());
    Ok(body)
}
