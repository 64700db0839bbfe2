//! [Floating IPs](https://docs.openstack.org/api-ref/network/v2/#floating-ips-floatingips): which port
//! has one.

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_provider::{ApplyReply, FindReply, FindRequest, Pending, PollReply};

use super::association::{self, Address};
use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, field};
use crate::plan::Draft;
use crate::schema::{Doc, MarkerField, Marks, Only, REGION, Resource, Status, Timeouts, text};
use crate::verbs::{Act, Hooks, Scope, found, poll};

pub(crate) const FLOATINGIP_ASSOCIATE: Resource = Resource {
    name: "openstack_networking_floatingip_associate_v2",
    doc: Doc::of("A floating IP on a port."),
    service: Service::Network,
    path: "/floatingips",
    list_path: "/floatingips",
    envelope: "floatingip",
    collection: "floatingips",
    microversion: None,
    attributes: &[
        text("fixed_ip").optional_computed().wire("fixed_ip_address"),
        text("floating_ip").required().force_new().wire("floating_ip_address"),
        text("port_id").required(),
        REGION,
    ],
    timeouts: Timeouts::NONE,
    status: Status::NONE,
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::None,
    tags: false,
    marks: Marks {
        occupies: &["floating_ip", "port_id"],
        exclusive: &[
            Only::at("floating_ip").handed_over(),
            Only::at("port_id").part("fixed_ip").on_behalf("floating_ip").not_by_successor(),
        ],
        // It keeps an address and a port that are both scarce: it comes with those that they are for.
        scarce: true,
        touches: &[(Service::Network, "ports"), (Service::Compute, "servers")],
        ..Marks::GUEST
    },
    hooks: &AssociateHooks,
};

struct AssociateHooks;

#[async_trait]
impl Hooks for AssociateHooks {
    fn plan(&self, draft: &mut Draft<'_>) {
        association::plan(draft);
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let id = match association::waiting_id(act) {
            Some(id) => id,
            None => id_of(scope, act.planned().text("floating_ip").unwrap_or_default()).await?,
        };
        let bodies = vec![association::body(&act.planned())];
        let address = Address { id: &id, object: &Json::Null, exists: false };
        association::associate(scope, act, address, bodies).await
    }

    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let id = act.id();
        let object = scope.fetch_one(id).await?.unwrap_or(Json::Null);
        let bodies = vec![association::body(&act.planned())];
        let address = Address { id, object: &object, exists: true };
        association::associate(scope, act, address, bodies).await
    }

    /// Takes the address from its port, unless another one has it by now: that is another's association.
    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let port = act.prior.and_then(|prior| prior.text("port_id")).unwrap_or_default();
        let object = scope.fetch_one(act.id()).await?;
        if object.is_none_or(|object| field(&object, "port_id") != port) {
            return Ok(ApplyReply::done(None, None));
        }
        let call = scope
            .call(Verb::Put, scope.path(act.id()))
            .body(json!({"floatingip": {"port_id": null}}));
        match scope.session.mutate(&mut act.step(), &call).await {
            Ok(_) => Ok(ApplyReply::done(None, None)),
            Err(failure) if failure.status() == Some(404) => Ok(ApplyReply::done(None, None)),
            Err(failure) => Err(failure),
        }
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        match association::poll(pending) {
            Some(reply) => reply,
            None => poll(scope, pending, object).await,
        }
    }

    /// An association is what its address says: it was made if the address has the planned port.
    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        let planned = request.planned.as_ref();
        let address = planned.and_then(|planned| planned.text("floating_ip")).unwrap_or_default();
        let port = planned.and_then(|planned| planned.text("port_id"));
        // One list of all is for many.
        let there = if scope.among_others {
            among_all(scope, address).await
        } else {
            by_address(scope, address).await
        };
        let objects = match there {
            Ok(object) if port == Some(field(&object, "port_id")) => Ok(vec![(object, true)]),
            Ok(_) | Err(Failure::Refused(ApiError::Other(_))) => Ok(Vec::new()),
            Err(Failure::Refused(error)) => Err(error),
            Err(Failure::Unknown(doubt)) => Err(ApiError::Other(doubt.to_string())),
        };
        found(scope, request, objects)
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        association::help(error)
    }
}

/// Returns the id of an address, which stays the same wherever the address goes: all are asked for once,
/// whatever the number of associations.
async fn id_of(scope: &Scope<'_>, address: &str) -> Result<String, Failure> {
    let call = scope.read("/floatingips");
    let all = scope.session.identities(&call, "floatingips").await?;
    let known = all.iter().find(|one| field(one, "floating_ip_address") == address);
    match known {
        Some(known) => Ok(field(known, "id").to_owned()),
        // Made by others since, or another project's.
        None => Ok(field(&by_address(scope, address).await?, "id").to_owned()),
    }
}

/// Finds an address in the list of all, which others who look for theirs share.
async fn among_all(scope: &Scope<'_>, address: &str) -> Result<Json, Failure> {
    let all = scope.session.shared_list(&scope.read("/floatingips"), "floatingips").await?;
    let known = all.iter().find(|one| field(one, "floating_ip_address") == address);
    known
        .cloned()
        .ok_or_else(|| Failure::other(format!("no floating IP has the address {address}")))
}

pub(crate) async fn by_address(scope: &Scope<'_>, address: &str) -> Result<Json, Failure> {
    let query = vec![("floating_ip_address", address.to_owned())];
    let call = scope.read("/floatingips").query(query);
    scope.only(&call, "floatingips", &format!("floating IP with the address {address}")).await
}
