//! A floating IP given to a server rather than to a port: a type of the 1.x provider, whose call Nova
//! has dropped. The server's port is looked up, and the address goes there.

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::{ApplyReply, FindReply, FindRequest, Pending, PollReply};
use terrarium_value::{Map, Value};

use super::association::{self, Address};
use super::floatingip_associate::by_address;
use crate::client::{ApiError, Call, Failure, Service, Verb};
use crate::look::{Look, elements, field};
use crate::schema::{
    Doc, MarkerField, Marks, Only, REGION, Resource, Status, Timeouts, flag, text,
};
use crate::verbs::{Act, Fetched, Hooks, Scope, encoded, found, in_lanes, poll};

pub(crate) const SERVER_FLOATINGIP: Resource = Resource {
    name: "openstack_compute_floatingip_associate_v2",
    doc: Doc::of("A floating IP on a server."),
    service: Service::Network,
    path: "/floatingips",
    list_path: "",
    envelope: "floatingip",
    collection: "floatingips",
    microversion: None,
    attributes: &[
        text("fixed_ip").force_new().local(),
        text("floating_ip").required().force_new().wire("floating_ip_address"),
        text("instance_id").required().force_new().wire("device_id"),
        REGION,
        flag("wait_until_associated").force_new().local(),
    ],
    timeouts: Timeouts { create: Some(600), update: None, delete: None },
    status: Status::NONE,
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::None,
    tags: false,
    marks: Marks {
        occupies: &["floating_ip", "instance_id"],
        exclusive: &[
            Only::at("floating_ip").handed_over(),
            Only::at("instance_id").part("fixed_ip").on_behalf("floating_ip").not_by_successor(),
        ],
        touches: &[(Service::Network, "ports"), (Service::Compute, "servers")],
        ..Marks::GUEST
    },
    hooks: &ServerFloatingIpHooks,
};

struct ServerFloatingIpHooks;

#[async_trait]
impl Hooks for ServerFloatingIpHooks {
    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        let address = by_address(scope, planned.text("floating_ip").unwrap_or_default()).await?;
        let id = field(&address, "id").to_owned();
        let server = planned.text("instance_id").unwrap_or_default();
        let fixed = planned.text("fixed_ip");
        let body = |port: String| {
            let mut body = JsonMap::from_iter([("port_id".to_owned(), json!(port))]);
            body.extend(fixed.map(|fixed| ("fixed_ip_address".to_owned(), json!(fixed))));
            body
        };
        let bodies = ports_of(scope, server, fixed).await?.into_iter().map(body).collect();
        let address = Address { id: &id, object: &address, exists: false };
        association::associate(scope, act, address, bodies).await
    }

    /// Takes the address from the server, unless it is with another one by now.
    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let Some((id, _)) = held(scope, act.id()).await? else {
            return Ok(ApplyReply::done(None, None));
        };
        let call =
            scope.call(Verb::Put, scope.path(&id)).body(json!({"floatingip": {"port_id": null}}));
        match scope.session.mutate(&mut act.step(), &call).await {
            Err(failure) if !matches!(failure.status(), Some(404 | 409)) => Err(failure),
            _ => Ok(ApplyReply::done(None, None)),
        }
    }

    /// It exists while the address belongs to a port of the server.
    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        in_lanes(scope.session, ids, |id| look(scope, id)).await
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        let server = known.text("instance_id").unwrap_or_else(|| field(object, "device_id"));
        let address = field(object, "floating_ip_address");
        let fixed = known.text("fixed_ip").unwrap_or_default();
        out.insert("id".into(), Value::string(format!("{address}/{server}/{fixed}")));
        out.insert("instance_id".into(), Value::string(server));
        out.insert("fixed_ip".into(), Value::string(fixed));
    }

    fn imported(&self, scope: &Scope<'_>, _object: &Json, id: &str) -> Value {
        let shell = crate::verbs::shell(scope, id);
        let mut values = shell.to_map().unwrap_or_default();
        let fixed = id.splitn(3, '/').nth(2).unwrap_or_default();
        values.insert("fixed_ip".into(), Value::string(fixed));
        Value::object(values)
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        match association::poll(pending) {
            Some(reply) => reply,
            None => poll(scope, pending, object).await,
        }
    }

    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        let planned = request.planned.as_ref();
        let id = planned.and_then(|planned| {
            let fixed = planned.text("fixed_ip").unwrap_or_default();
            Some(format!(
                "{}/{}/{fixed}",
                planned.text("floating_ip")?,
                planned.text("instance_id")?
            ))
        });
        let fetched = look(scope, id.as_deref().unwrap_or_default()).await;
        found(
            scope,
            request,
            fetched.map(|object| object.map(|object| (object, true)).into_iter().collect()),
        )
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        association::help(error)
    }
}

fn find_address<'s>(scope: &'s Scope<'_>, address: &str) -> Call<'s> {
    let query = vec![("floating_ip_address", address.to_owned())];
    scope.read("/floatingips").query(query)
}

/// Reads the association that an id names: `<address>/<server>/<fixed address>`.
async fn look(scope: &Scope<'_>, id: &str) -> Fetched {
    Ok(held(scope, id).await?.map(|(_, association)| association))
}

/// Reads the association that an id names, with the floating IP's own id.
async fn held(scope: &Scope<'_>, id: &str) -> Result<Option<(String, Json)>, ApiError> {
    let mut parts = id.splitn(3, '/');
    let (Some(address), Some(server)) = (parts.next(), parts.next()) else { return Ok(None) };
    let all = scope.session.list(&find_address(scope, address), "floatingips").await?;
    let Some(floating) = all.first() else { return Ok(None) };
    let port = field(floating, "port_id");
    if port.is_empty() {
        return Ok(None);
    }
    let call = scope.read(format!("/ports/{}", encoded(port)));
    let Some(reply) = scope.session.find(&call).await? else { return Ok(None) };
    if reply.pointer("/port/device_id").and_then(Json::as_str) != Some(server) {
        return Ok(None);
    }
    let association = json!({"id": id, "floating_ip_address": address, "device_id": server});
    Ok(Some((field(floating, "id").to_owned(), association)))
}

/// Finds the server's ports with the fixed address, else those with an IPv4 address.
async fn ports_of(
    scope: &Scope<'_>,
    server: &str,
    fixed: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let call = scope.read("/ports").query(vec![("device_id", server.to_owned())]);
    let ports = scope.session.list(&call, "ports").await?;
    let fits = |port: &&Json| {
        let fixed_ips = elements(port, "fixed_ips").iter();
        fixed_ips.map(|one| field(one, "ip_address")).any(|address| match fixed {
            Some(fixed) => address == fixed,
            None => !address.contains(':'),
        })
    };
    let ports: Vec<String> =
        ports.iter().filter(fits).map(|port| field(port, "id").to_owned()).collect();
    if ports.is_empty() {
        let which =
            fixed.map_or("an IPv4 address".to_owned(), |fixed| format!("the address {fixed}"));
        return Err(Failure::other(format!("the server {server} has no port with {which}")));
    }
    Ok(ports)
}
