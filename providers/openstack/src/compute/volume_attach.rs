//! [Attached volumes](https://docs.openstack.org/api-ref/compute/#servers-with-volume-attachments-servers-os-volume-attachments).

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_provider::{
    Accepted, Action, ApplyReply, FindReply, FindRequest, Pending, PollReply,
};
use terrarium_value::{Map, Value};

use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, elements, field};
use crate::plan::Draft;
use crate::schema::{
    Doc, Literal, MarkerField, Marks, Only, REGION, Resource, Status, Timeouts, block_set, flag,
    text,
};
use crate::verbs::{
    Act, Fetched, Hooks, Known, Scope, decode, delete_reply, encoded, finish, found, in_lanes,
    instant, is_young, poll, unwrapped, waiting,
};

pub(crate) const VOLUME_ATTACH: Resource = Resource {
    name: "openstack_compute_volume_attach_v2",
    doc: Doc::of("A volume on a server."),
    service: Service::Compute,
    path: "/servers",
    list_path: "",
    envelope: "volumeAttachment",
    collection: "volumeAttachments",
    microversion: None,
    attributes: &[
        text("device").optional_computed().local(),
        text("instance_id").required().force_new().wire("serverId"),
        flag("multiattach").force_new().local(),
        REGION,
        text("tag").force_new().local(),
        block_set("vendor_options", &[flag("ignore_volume_confirmation").or(Literal::Bool(false))])
            .force_new()
            .at_most(1)
            .local(),
        text("volume_id").required().force_new().wire("volumeId"),
    ],
    timeouts: Timeouts::USUAL,
    status: Status::NONE,
    retry_delete: &[400, 409],
    slow_delete: true,
    marker: MarkerField::None,
    tags: false,
    marks: Marks {
        turns: &["instance_id"],
        occupies: &["instance_id"],
        exclusive: &[Only::at("volume_id").shared_if("multiattach")],
        touches: &[(Service::Volume, "volumes")],
        ..Marks::GUEST
    },
    hooks: &AttachHooks,
};

struct AttachHooks;

#[async_trait]
impl Hooks for AttachHooks {
    fn plan(&self, draft: &mut Draft<'_>) {
        // There is no update: another device is another attachment.
        if draft.changes("device") {
            draft.force_new("device");
        }
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        let server = planned.text("instance_id").unwrap_or_default();
        let mut body =
            JsonMap::from_iter([("volumeId".to_owned(), json!(planned.text("volume_id")))]);
        for name in ["device", "tag"] {
            if let Some(text) = planned.text(name) {
                body.insert(name.into(), json!(text));
            }
        }
        let multiattach = planned.flag("multiattach") == Some(true);
        let version =
            if multiattach { Some("2.60") } else { planned.text("tag").and(Some("2.49")) };
        let path = format!("/servers/{}/os-volume_attachments", encoded(server));
        let call = scope
            .call(Verb::Post, path)
            .body(json!({ "volumeAttachment": body }))
            .microversion(version);
        let reply = scope.session.create(act.step(), &call).await?;
        let object = identified(unwrapped(reply, "volumeAttachment"), server);
        Ok(ApplyReply::accepted(Accepted {
            id: field(&object, "id").into(),
            state: Some(decode(scope, &object, &planned)),
            private: scope.private(&planned),
            poll_after: std::time::Duration::from_secs(2),
            timeout: scope.timeout(Action::Create, act.planned),
        }))
    }

    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        in_lanes(scope.session, ids, |id| async move {
            let (server, volume) = id.split_once('/').unwrap_or((id, ""));
            let path = path(server, volume);
            let reply = scope.session.find(&scope.read(path)).await?;
            Ok(reply.map(|reply| identified(unwrapped(reply, "volumeAttachment"), server)))
        })
        .await
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        // The hypervisor may have chosen another name than the configured one: that is no difference.
        let device = known.text("device").unwrap_or_else(|| field(object, "device"));
        out.insert("device".into(), Value::string(device));
    }

    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let (server, volume) = act.id().split_once('/').unwrap_or((act.id(), ""));
        let call = scope.call(Verb::Delete, path(server, volume));
        let sent = scope.session.mutate(&mut act.step(), &call).await.map(|_| ());
        delete_reply(scope, act, sent).await
    }

    /// Attached is what Nova lists and Cinder calls in use.
    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        if pending.action == Action::Delete {
            return poll(scope, pending, object).await;
        }
        // Nova lists the attachment a moment after it took it.
        let Some(object) = object else { return waiting(pending, "attaching") };
        let ignores = |one: &Value| one.flag("ignore_volume_confirmation") == Some(true);
        if pending.known().items("vendor_options").iter().any(ignores) {
            return finish(scope, pending, object).await;
        }
        let volume = field(&object, "volumeId");
        let call = scope.get(Service::Volume, format!("/volumes/{}", encoded(volume)));
        let status = match scope.session.find(&call).await {
            Ok(Some(reply)) => {
                field(reply.get("volume").unwrap_or(&Json::Null), "status").to_owned()
            }
            Ok(None) => "gone".to_owned(),
            Err(error) => return waiting(pending, &error.to_string()),
        };
        match status.as_str() {
            "in-use" => finish(scope, pending, object).await,
            _ => waiting(pending, &status),
        }
    }

    /// A volume is attached to a server once: what is attached since the intent is what was asked for.
    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        let planned = request.planned.as_ref();
        let id = planned.and_then(|planned| {
            Some(format!("{}/{}", planned.text("instance_id")?, planned.text("volume_id")?))
        });
        let Some(id) = id else { return found(scope, request, Ok(Vec::new())) };
        let mut fetched =
            self.fetch(scope, std::slice::from_ref(&id)).await.pop().unwrap_or(Ok(None));
        if let Ok(Some(object)) = &fetched {
            match attached_at(scope, object).await {
                Ok(at) if !is_young(scope, request, at) => fetched = Ok(None),
                Ok(_) => {}
                Err(error) => fetched = Err(error),
            }
        }
        found(
            scope,
            request,
            fetched.map(|object| object.into_iter().map(|object| (object, true)).collect()),
        )
    }
}

/// Returns since when a volume is attached, as far as Cinder tells; while it is being attached, since when
/// that is so.
async fn attached_at(scope: &Scope<'_>, attachment: &Json) -> Result<Option<Timestamp>, ApiError> {
    let volume = encoded(field(attachment, "volumeId"));
    let call = scope.get(Service::Volume, format!("/volumes/{volume}"));
    let Some(reply) = scope.session.find(&call).await? else { return Ok(None) };
    let volume = unwrapped(reply, "volume");
    let server = field(attachment, "serverId");
    let link =
        elements(&volume, "attachments").iter().find(|one| field(one, "server_id") == server);
    let attached = link.and_then(|link| instant(link, "attached_at"));
    Ok(attached.or_else(|| instant(&volume, "updated_at")))
}

fn path(server: &str, volume: &str) -> String {
    format!("/servers/{}/os-volume_attachments/{}", encoded(server), encoded(volume))
}

/// Gives an attachment the id by which the state knows it: `<server>/<volume>`.
fn identified(mut object: Json, server: &str) -> Json {
    let volume = field(&object, "volumeId").to_owned();
    if let Some(object) = object.as_object_mut() {
        object.insert("id".into(), json!(format!("{server}/{volume}")));
        object.insert("serverId".into(), json!(server));
    }
    object
}
