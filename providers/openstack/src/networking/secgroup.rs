//! [Security groups](https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups).

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::Value as Json;
use terrarium_provider::Tenure;
use terrarium_value::Value;

use crate::client::{ApiError, Failure, Service, Verb};
use crate::data::PlainData;
use crate::look::{Look, elements, field};
use crate::schema::{
    ALL_TAGS, DataSource, Doc, MarkerField, Marks, REGION, Resource, Status, TAGS, Timeouts, flag,
    text, text_set,
};
use crate::verbs::{Act, Hooks, Scope, created_at, encoded};

pub(crate) const SECGROUP: Resource = Resource {
    name: "openstack_networking_secgroup_v2",
    doc: Doc::of("A security group: rules of what may pass."),
    service: Service::Network,
    path: "/security-groups",
    list_path: "/security-groups",
    envelope: "security_group",
    collection: "security_groups",
    microversion: None,
    attributes: &[
        ALL_TAGS,
        flag("delete_default_rules").force_new().local(),
        text("description").optional_computed(),
        text("name").required(),
        REGION,
        flag("stateful").optional_computed(),
        TAGS,
        text("tenant_id").optional_computed().force_new(),
    ],
    timeouts: Timeouts::DELETE,
    status: Status::NONE,
    retry_delete: &[409],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        quota: Some("security_group"),
        touches: &[(Service::Network, "security-group-rules")],
        ..Marks::NONE
    },
    hooks: &SecgroupHooks,
};

struct SecgroupHooks;

#[async_trait]
impl Hooks for SecgroupHooks {
    fn follow_ups(&self, planned: &Value) -> &'static [&'static str] {
        match planned.flag("delete_default_rules") {
            Some(true) => &["delete_default_rules"],
            _ => &[],
        }
    }

    /// The rules that a group begins with go one by one after it was made.
    async fn follow_up(
        &self,
        scope: &Scope<'_>,
        act: &mut Act<'_>,
        mut object: Json,
    ) -> Result<Json, Failure> {
        let first = first_rules(&object);
        for rule in &first {
            let path = format!("/security-group-rules/{}", encoded(rule));
            let call = scope.call(Verb::Delete, path);
            match scope.session.mutate(&mut act.step(), &call).await {
                Err(Failure::Refused(error)) if error.is_not_found() => {}
                sent => drop(sent?),
            }
        }
        if let Some(rules) = object.get_mut("security_group_rules").and_then(Json::as_array_mut) {
            rules.retain(|rule| !first.iter().any(|one| one == field(rule, "id")));
        }
        Ok(object)
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        (error.status() == Some(409)).then(|| {
            "a port still uses the group; with `lifecycle { create_before_destroy = true }` a replaced group \
             leaves its ports first"
                .into()
        })
    }
}

/// How long after its group a rule may say that it was made, to be one of those that the group began with.
const TOGETHER: SignedDuration = SignedDuration::from_secs(2);

/// Lists the rules that a group began with: made together with it. What somebody added since stays.
fn first_rules(group: &Json) -> Vec<String> {
    let began = created_at(group).and_then(|at| at.checked_add(TOGETHER).ok());
    let is_first =
        |rule: &&Json| began.zip(created_at(rule)).is_none_or(|(latest, made)| made <= latest);
    let rules = elements(group, "security_group_rules").iter().filter(is_first);
    rules.map(|rule| field(rule, "id").to_owned()).collect()
}

pub(crate) const SECGROUP_DATA: DataSource = DataSource {
    name: "openstack_networking_secgroup_v2",
    thing: "security group",
    service: Service::Network,
    path: "/security-groups",
    collection: "security_groups",
    attributes: &[
        ALL_TAGS,
        text("description").filter(),
        text("name").filter(),
        REGION,
        text("secgroup_id").wire("id").filter(),
        flag("stateful").optional_computed().filter(),
        text_set("tags").filter().not_read(),
        text("tenant_id").optional_computed().force_new().filter(),
    ],
    // Configurations ask for eight of them by name: one list serves all.
    shared: true,
    tenure: Tenure::None,
    lends: &[],
    hooks: &PlainData,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::first_rules;

    #[test]
    fn rules_that_came_later_are_not_those_of_the_beginning() {
        let at = |second: u8| format!("2026-03-01T12:00:{second:02}Z");
        let group = |rules| json!({"created_at": at(10), "security_group_rules": rules});
        for (rules, expected) in [
            (
                json!([{"id": "a", "created_at": at(10)}, {"id": "b", "created_at": at(12)}]),
                vec!["a", "b"],
            ),
            (
                json!([{"id": "a", "created_at": at(10)}, {"id": "own", "created_at": at(13)}]),
                vec!["a"],
            ),
            (json!([{"id": "a"}]), vec!["a"]),
        ] {
            assert_eq!(first_rules(&group(rules)), expected);
        }
    }
}
