//! [Floating IPs](https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips).

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{ApplyReply, Pending, PollReply, Tenure};
use terrarium_value::Value;

use super::association::{self, Address};
use super::network::check_domain;
use super::{is_exhausted, is_unreachable};
use crate::client::{ApiError, Failure, Service, Verb};
use crate::data::PlainData;
use crate::look::{Look, field};
use crate::plan::Draft;
use crate::schema::{
    ALL_TAGS, DataSource, Doc, MarkerField, Marks, Only, REGION, Resource, Status, TAGS, Timeouts,
    VALUE_SPECS, text, text_set, texts,
};
use crate::verbs::{
    Act, Change, Hooks, Scope, create_body, encoded, finish_create, poll, unwrapped,
};

pub(crate) const FLOATINGIP: Resource = Resource {
    name: "openstack_networking_floatingip_v2",
    doc: Doc::of("A floating IP: an address that is reached from outside."),
    service: Service::Network,
    path: "/floatingips",
    list_path: "/floatingips",
    envelope: "floatingip",
    collection: "floatingips",
    microversion: None,
    attributes: &[
        text("address").optional_computed().force_new().wire("floating_ip_address"),
        ALL_TAGS,
        text("description"),
        text("dns_domain").optional_computed().force_new(),
        text("dns_name").optional_computed().force_new(),
        text("fixed_ip").optional_computed().wire("fixed_ip_address"),
        text("pool").required().force_new().not_sent(),
        text("port_id").optional_computed(),
        REGION,
        text("subnet_id").optional_computed().local(),
        texts("subnet_ids").conflicts(&["subnet_id"]).local(),
        TAGS,
        text("tenant_id").optional_computed().force_new(),
        VALUE_SPECS,
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["ACTIVE", "DOWN"], failed: &["ERROR"] },
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::Description,
    tags: true,
    marks: Marks {
        exclusive: &[Only::at("port_id").part("fixed_ip").on_behalf("address")],
        scarce: true,
        quota: Some("floatingip"),
        touches: &[(Service::Network, "ports"), (Service::Compute, "servers")],
        ..Marks::NONE
    },
    hooks: &FloatingIpHooks,
};

/// As the first major version called it: without a port, which an association gives it.
pub(crate) const COMPUTE_FLOATINGIP: Resource = Resource {
    name: "openstack_compute_floatingip_v2",
    doc: Doc::of("A floating IP, by the name it had in older versions."),
    attributes: &[
        text("address").computed().wire("floating_ip_address"),
        text("fixed_ip").computed().wire("fixed_ip_address"),
        text("instance_id").computed(),
        text("pool").required().force_new().not_sent(),
        REGION,
    ],
    timeouts: Timeouts::NONE,
    tags: false,
    marks: Marks { exclusive: &[], ..FLOATINGIP.marks },
    ..FLOATINGIP
};

struct FloatingIpHooks;

#[async_trait]
impl Hooks for FloatingIpHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        check_domain(config, diagnostics);
    }

    fn plan(&self, draft: &mut Draft<'_>) {
        association::plan(draft);
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        if let Some(id) = association::waiting_id(act) {
            let object = scope.fetch_one(&id).await?.unwrap_or(Json::Null);
            let bodies = vec![association::body(&act.planned())];
            let address = Address { id: &id, object: &object, exists: true };
            return association::associate(scope, act, address, bodies).await;
        }
        let planned = act.planned();
        let mut body = create_body(scope, act);
        body.insert("floating_network_id".into(), json!(pool_id(scope, &planned).await?));
        match post(scope, act, &planned, body.clone()).await {
            Ok(object) => finish_create(scope, act, object).await,
            Err(Failure::Refused(error))
                if is_unreachable(&error) && body.contains_key("port_id") =>
            {
                // Nothing was made: make the address alone, and give it to the port when it can be reached.
                body.remove("port_id");
                body.remove("fixed_ip_address");
                let object = post(scope, act, &planned, body).await?;
                let address = Address { id: field(&object, "id"), object: &object, exists: true };
                association::later(scope, act, address, error)
            }
            Err(failure) => Err(failure),
        }
    }

    fn update_body(&self, change: &Change<'_>, body: &mut JsonMap<String, Json>) {
        if change.of("port_id") || change.of("fixed_ip") {
            body.remove("fixed_ip_address");
            body.extend(association::body(change.planned));
        }
    }

    async fn enrich(
        &self,
        scope: &Scope<'_>,
        object: &mut Json,
        known: &Value,
    ) -> Result<(), ApiError> {
        let network = field(object, "floating_network_id").to_owned();
        let call = scope.get(Service::Network, format!("/networks/{}", encoded(&network)));
        let name = scope.session.name_of(&call, "/network/name").await?;
        // An invisible network is no reason to replace the address.
        let pool = name.as_deref().or_else(|| known.text("pool")).unwrap_or_default();
        let pool = json!(pool);
        let instance = match field(object, "port_id") {
            port if scope.row.name == COMPUTE_FLOATINGIP.name && !port.is_empty() => {
                let call = scope.read(format!("/ports/{}", encoded(port)));
                let found = scope.session.find(&call).await?;
                found.and_then(|reply| reply.pointer("/port/device_id").cloned())
            }
            _ => None,
        };
        if let Some(object) = object.as_object_mut() {
            object.insert("pool".into(), pool);
            object.extend(instance.map(|instance| ("instance_id".to_owned(), instance)));
        }
        Ok(())
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut terrarium_value::Map) {
        if object.get("pool").is_none() {
            out.insert("pool".into(), Value::string(known.text("pool").unwrap_or_default()));
        }
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        match association::poll(pending) {
            Some(reply) => reply,
            None => poll(scope, pending, object).await,
        }
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        association::help(error)
    }
}

async fn pool_id(scope: &Scope<'_>, planned: &Value) -> Result<String, Failure> {
    let pool = planned.text("pool").unwrap_or_default();
    let call = scope.get(Service::Network, "/networks").query(vec![("name", pool.to_owned())]);
    let networks = scope.session.named(&call, "networks").await?;
    let exact = networks.iter().find(|network| field(network, "name") == pool);
    exact.map(|network| field(network, "id").to_owned()).ok_or_else(|| {
        Failure::other(format!(
            "Error retrieving floating IP pool name: there is no network named {pool:?}"
        ))
    })
}

/// Sends the create, trying the subnets one by one where several are given.
async fn post(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    planned: &Value,
    body: JsonMap<String, Json>,
) -> Result<Json, Failure> {
    let mut subnets: Vec<Option<&str>> =
        planned.texts("subnet_ids").into_iter().map(Some).collect();
    if subnets.is_empty() {
        subnets.push(planned.text("subnet_id"));
    }
    let last = subnets.len() - 1;
    for (at, subnet) in subnets.into_iter().enumerate() {
        let mut body = body.clone();
        if let Some(subnet) = subnet {
            body.insert("subnet_id".into(), json!(subnet));
        }
        let call = scope.call(Verb::Post, "/floatingips").body(json!({ "floatingip": body }));
        match scope.session.create(act.step(), &call).await {
            Err(failure) if at < last && is_exhausted(&failure) => {}
            sent => return sent.map(|reply| unwrapped(reply, "floatingip")),
        }
    }
    Err(Failure::other("no subnet of the floating IP's pool has an address left"))
}

pub(crate) const FLOATINGIP_DATA: DataSource = DataSource {
    name: "openstack_networking_floatingip_v2",
    thing: "floating IP",
    service: Service::Network,
    path: "/floatingips",
    collection: "floatingips",
    attributes: &[
        text("address").wire("floating_ip_address").filter(),
        ALL_TAGS,
        text("description").filter(),
        text("dns_domain").computed(),
        text("dns_name").computed(),
        text("fixed_ip").wire("fixed_ip_address").filter(),
        // The network's id here, its name in the resource.
        text("pool").wire("floating_network_id").filter(),
        text("port_id").filter(),
        text("region").local(),
        text("status").filter(),
        text_set("tags").filter().not_read(),
        text("tenant_id").filter(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &PlainData,
};
