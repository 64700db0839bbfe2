//! [Router interfaces](https://docs.openstack.org/api-ref/network/v2/#add-interface-to-router): a port
//! of a router on a subnet.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_provider::{ApplyReply, FindReply, FindRequest};
use terrarium_value::{Map, Value};

use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, elements, field};
use crate::schema::{
    Doc, Literal, MarkerField, Marks, REGION, Resource, Status, Timeouts, flag, text,
};
use crate::verbs::{Act, Hooks, Scope, delete_reply, encoded, found, instant, is_young, made};

pub(crate) const ROUTER_INTERFACE: Resource = Resource {
    name: "openstack_networking_router_interface_v2",
    doc: Doc::of("A router's interface on a subnet."),
    service: Service::Network,
    path: "/ports",
    list_path: "/ports",
    envelope: "port",
    collection: "ports",
    microversion: None,
    attributes: &[
        flag("force_destroy").or(Literal::Bool(false)).local(),
        text("port_id").optional_computed().force_new().wire("id"),
        REGION,
        text("router_id").required().force_new().wire("device_id"),
        text("subnet_id").optional_computed().force_new().local(),
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["ACTIVE", "DOWN"], failed: &["ERROR"] },
    retry_delete: &[409],
    slow_delete: false,
    marker: MarkerField::None,
    tags: false,
    marks: Marks {
        turns: &["router_id"],
        occupies: &["subnet_id"],
        touches: &[(Service::Network, "ports"), (Service::Network, "floatingips")],
        ..Marks::GUEST
    },
    hooks: &InterfaceHooks,
};

struct InterfaceHooks;

#[async_trait]
impl Hooks for InterfaceHooks {
    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        let router = planned.text("router_id").unwrap_or_default();
        let body = match (planned.text("subnet_id"), planned.text("port_id")) {
            (Some(subnet), _) => json!({ "subnet_id": subnet }),
            (None, Some(port)) => json!({ "port_id": port }),
            (None, None) => {
                return Err(Failure::other("one of subnet_id and port_id must be given"));
            }
        };
        let path = format!("/routers/{}/add_router_interface", encoded(router));
        let call = scope.call(Verb::Put, path).body(body);
        let reply = scope.session.create(act.step(), &call).await?;
        let port = field(&reply, "port_id").to_owned();
        let object = match scope.fetch_one(&port).await {
            Ok(Some(object)) => object,
            // The interface exists whatever the look at its port says: it is polled.
            _ => json!({"id": port, "status": "BUILD", "device_id": router,
                "fixed_ips": [{"subnet_id": field(&reply, "subnet_id")}]}),
        };
        made(scope, act, object).await
    }

    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        Ok(ApplyReply::done(Some(planned.clone()), scope.private(&planned)))
    }

    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let prior = act.prior;
        let router = prior.and_then(|prior| prior.text("router_id")).unwrap_or_default();
        if prior.and_then(|prior| prior.flag("force_destroy")) == Some(true) {
            drop_routes(scope, act, router).await?;
        }
        // By subnet wherever it is known: by port, Neutron removes a sibling's interface as well.
        let body = match prior.and_then(|prior| prior.text("subnet_id")) {
            Some(subnet) => json!({ "subnet_id": subnet }),
            None => json!({ "port_id": act.id() }),
        };
        let path = format!("/routers/{}/remove_router_interface", encoded(router));
        let call = scope.call(Verb::Put, path).body(body);
        let sent = scope.session.mutate(&mut act.step(), &call).await.map(|_| ());
        delete_reply(scope, act, sent).await
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        let fixed = elements(object, "fixed_ips");
        let subnet = match (fixed, known.text("subnet_id")) {
            ([one], _) => field(one, "subnet_id"),
            (_, Some(known)) => known,
            _ => "",
        };
        out.insert("subnet_id".into(), Value::string(subnet));
    }

    /// A router has one interface on a subnet: what came there since the intent is what was asked for.
    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        let Some(planned) = &request.planned else { return found(scope, request, Ok(Vec::new())) };
        let router = planned.text("router_id").unwrap_or_default();
        // One list of all is for many.
        let query = vec![("device_id", router.to_owned())];
        let query = if scope.among_others { Vec::new() } else { query };
        let call = scope.read("/ports").query(query);
        let ports = scope.session.shared_list(&call, "ports").await;
        let of_router = |port: &Json| field(port, "device_id") == router;
        let fits = |port: &Json| match (planned.text("subnet_id"), planned.text("port_id")) {
            (Some(subnet), _) => {
                elements(port, "fixed_ips").iter().any(|one| field(one, "subnet_id") == subnet)
            }
            (None, Some(wanted)) => field(port, "id") == wanted,
            (None, None) => false,
        };
        // A port of one's own, or one that has several subnets, was there before it became an interface.
        let since = |port: &Json| {
            let of_its_own =
                planned.text("subnet_id").is_some() && elements(port, "fixed_ips").len() < 2;
            instant(port, if of_its_own { "created_at" } else { "updated_at" })
        };
        let ours =
            |port: &Json| of_router(port) && fits(port) && is_young(scope, request, since(port));
        let ports = ports.map(|ports| {
            ports.iter().filter(|port| ours(port)).map(|port| (port.clone(), true)).collect()
        });
        found(scope, request, ports)
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        error
            .is_conflict_of_a_removal()
            .then(|| "remove the floating IPs and routes that need the interface first".into())
    }
}

async fn drop_routes(scope: &Scope<'_>, act: &mut Act<'_>, router: &str) -> Result<(), Failure> {
    let path = format!("/routers/{}", encoded(router));
    let call = scope.call(Verb::Put, path).body(json!({"router": {"routes": []}}));
    match scope.session.mutate(&mut act.step(), &call).await {
        Err(failure) if failure.status() != Some(404) => Err(failure),
        _ => Ok(()),
    }
}
