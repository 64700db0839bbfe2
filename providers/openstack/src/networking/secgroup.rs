//! [Security groups](https://docs.openstack.org/api-ref/network/v2/#security-groups-security-groups).

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_provider::{ApplyReply, Tenure};
use terrarium_value::Value;

use crate::client::{ApiError, Failure, Service, Verb};
use crate::data::PlainData;
use crate::look::{Look, elements, field};
use crate::schema::{
    ALL_TAGS, DataSource, MarkerField, Marks, REGION, Resource, Status, TAGS, Timeouts, flag, text,
    text_set,
};
use crate::verbs::{Act, Hooks, Scope, create_body, encoded, finish_create, incomplete, unwrapped};

pub(crate) const SECGROUP: Resource = Resource {
    name: "openstack_networking_secgroup_v2",
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
    marks: Marks::NONE,
    hooks: &SecgroupHooks,
};

struct SecgroupHooks;

#[async_trait]
impl Hooks for SecgroupHooks {
    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let body = create_body(scope, act);
        let call =
            scope.call(Verb::Post, "/security-groups").body(json!({ "security_group": body }));
        let reply = scope.session.create(act.step(), &call).await?;
        let object = unwrapped(reply, "security_group");
        if act.planned().flag("delete_default_rules") == Some(true) {
            for rule in elements(&object, "security_group_rules") {
                let path = format!("/security-group-rules/{}", encoded(field(rule, "id")));
                let call = scope.call(Verb::Delete, path);
                match scope.session.mutate(&mut act.step(), &call).await {
                    Err(Failure::Refused(error)) if !error.is_not_found() => {
                        return Ok(incomplete(scope, &object, &act.planned(), &error));
                    }
                    Err(Failure::Unknown(doubt)) => return Err(Failure::Unknown(doubt)),
                    _ => {}
                }
            }
        }
        finish_create(scope, act, object).await
    }

    /// The rules that a group begins with go one by one after it was made.
    fn lacks(&self, object: &Json, planned: &Value) -> Option<String> {
        let unwanted = planned.flag("delete_default_rules") == Some(true);
        let rules = elements(object, "security_group_rules").len();
        (unwanted && rules > 0)
            .then(|| format!("{rules} of its default rules were not deleted any more"))
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        (error.status() == Some(409)).then(|| {
            "a port still uses the group; with `lifecycle { create_before_destroy = true }` a replaced group \
             leaves its ports first"
                .into()
        })
    }
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
