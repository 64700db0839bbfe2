//! [Volumes](https://docs.openstack.org/api-ref/block-storage/v3/#volumes-volumes).

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map as JsonMap, Value as Json, json};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Action, ApplyReply, Pending, PollOutcome, PollReply};
use terrarium_value::{Map, Type, Value};

use crate::client::{ApiError, Failure, Service, Verb};
use crate::look::{Look, elements, field};
use crate::plan::Draft;
use crate::schema::{
    Attr, Doc, Literal, MarkerField, Marks, REGION, Resource, Status, Timeouts, block_set, flag,
    int, object_set, text, text_map, texts,
};
use crate::verbs::{
    Act, Change, Hooks, Known, MARKER_KEY, Note, Scope, create_body, decode, delete, encoded,
    finish, made, poll, unwrapped, waiting,
};
use crate::wire::map_value;

const ATTACHMENT: &[Attr] = &[
    text("device").computed(),
    text("id").computed(),
    text("instance_id").computed().wire("server_id"),
];

const HINTS: &[Attr] = &[
    text_map("additional_properties").force_new(),
    texts("different_host").force_new(),
    text("local_to_instance").force_new(),
    text("query").force_new(),
    texts("same_host").force_new(),
];

pub(crate) const VOLUME: Resource = Resource {
    name: "openstack_blockstorage_volume_v3",
    doc: Doc::of("A volume: a disk of its own."),
    service: Service::Volume,
    path: "/volumes",
    list_path: "/volumes/detail",
    envelope: "volume",
    collection: "volumes",
    microversion: None,
    attributes: &[
        object_set("attachment", ATTACHMENT).wire("attachments"),
        text("availability_zone").optional_computed().force_new(),
        text("backup_id").force_new().not_read().conflicts(&[
            "snapshot_id",
            "source_vol_id",
            "image_id",
        ]),
        text("consistency_group_id").force_new().wire("consistencygroup_id").not_read(),
        text("description"),
        flag("enable_online_resize").local(),
        text("image_id").force_new().wire("imageRef").not_read().conflicts(&[
            "snapshot_id",
            "source_vol_id",
            "backup_id",
        ]),
        text_map("metadata").optional_computed(),
        text("name"),
        REGION,
        block_set("scheduler_hints", HINTS).local(),
        int("size").required(),
        text("snapshot_id").force_new().conflicts(&["source_vol_id", "image_id", "backup_id"]),
        text("source_replica").force_new().not_read(),
        text("source_vol_id").force_new().wire("source_volid").conflicts(&[
            "snapshot_id",
            "image_id",
            "backup_id",
        ]),
        text("volume_retype_policy")
            .or(Literal::Text("never"))
            .one_of(&["never", "on-demand"])
            .local(),
        text("volume_type").optional_computed(),
    ],
    timeouts: Timeouts::USUAL,
    status: Status { ready: &["available", "in-use"], failed: &["error"] },
    retry_delete: &[],
    slow_delete: true,
    marker: MarkerField::Metadata,
    tags: false,
    marks: Marks {
        quota: Some("volumes"),
        touches: &[(Service::Compute, "servers")],
        ..Marks::NONE
    },
    hooks: &VolumeHooks,
};

struct VolumeHooks;

/// The stage of an update that follows an extension.
const RETYPE: &str = "retype";

/// The stage of an update that writes name, description and metadata.
const WRITE: &str = "write";

/// The stage of a delete whose volume is being detached.
const DETACHING: &str = "detaching";

#[async_trait]
impl Hooks for VolumeHooks {
    fn plan(&self, draft: &mut Draft<'_>) {
        if draft.major < 2 && draft.changes("volume_type") {
            draft.force_new("volume_type");
        }
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let planned = act.planned();
        let mut body =
            JsonMap::from_iter([("volume".to_owned(), Json::Object(create_body(scope, act)))]);
        let hints = scheduler_hints(&planned);
        if !hints.is_empty() {
            body.insert("OS-SCH-HNT:scheduler_hints".into(), Json::Object(hints));
        }
        let version = planned.text("backup_id").and(Some("3.47"));
        let call =
            scope.call(Verb::Post, "/volumes").body(Json::Object(body)).microversion(version);
        let reply = scope.session.create(act.step(), &call).await?;
        made(scope, act, unwrapped(reply, "volume")).await
    }

    fn decode(&self, object: &Json, _known: &Value, out: &mut Map) {
        let metadata = object.get("metadata").and_then(Json::as_object);
        let metadata = metadata.into_iter().flatten().filter(|(key, _)| *key != MARKER_KEY);
        let metadata = metadata.map(|(key, value)| (key.as_str(), crate::wire::scalar_text(value)));
        out.insert("metadata".into(), map_value(metadata));
    }

    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let (Some(prior), Some(planned)) = (act.prior, act.planned) else {
            return Err(Failure::other("an update needs values before and after"));
        };
        let change = Change { row: scope.row, prior, planned, config: act.config };
        let stage = Note::of(act.private).next;
        if stage.is_empty() && change.of("size") {
            extend(scope, act, planned).await?;
            return Ok(accepted(scope, act, after_extension(&change)));
        }
        if stage != WRITE && change.of("volume_type") {
            let policy = planned.text("volume_retype_policy").unwrap_or("never");
            let retype =
                json!({"new_type": planned.text("volume_type"), "migration_policy": policy});
            action(scope, act, json!({ "os-retype": retype }), None).await?;
            return Ok(accepted(scope, act, WRITE));
        }
        let object = write(scope, act, &change).await?;
        Ok(ApplyReply::done(Some(decode(scope, &object, planned)), scope.private(planned)))
    }

    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let Some(volume) = scope.fetch_one(act.id()).await? else {
            return Ok(ApplyReply::done(None, None));
        };
        let attached = elements(&volume, "attachments");
        if field(&volume, "status") == "deleting" || attached.is_empty() {
            return delete(scope, act).await;
        }
        for attachment in attached {
            detach(scope, act, field(attachment, "server_id")).await?;
        }
        Ok(accepted(scope, act, DETACHING))
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        let note = Note::of(&pending.accepted.private);
        let status =
            object.as_ref().map(|object| field(object, "status").to_owned()).unwrap_or_default();
        let at_work = matches!(
            status.as_str(),
            "extending" | "retyping" | "in-use" | "attaching" | "detaching"
        );
        match (pending.action, object) {
            (Action::Delete, Some(_)) if note.next == DETACHING && at_work => {
                waiting(pending, &status)
            }
            (Action::Delete, Some(_)) if note.next == DETACHING => {
                go_on(scope, pending, &Note::default())
            }
            (Action::Update, Some(_)) if matches!(status.as_str(), "extending" | "retyping") => {
                waiting(pending, &status)
            }
            (Action::Update, Some(object)) if !status.starts_with("error") => {
                match note.next.as_str() {
                    "" => finish(scope, pending, object).await,
                    _ => go_on(scope, pending, &note),
                }
            }
            (_, object) => poll(scope, pending, object).await,
        }
    }
}

fn after_extension(change: &Change<'_>) -> &'static str {
    if change.of("volume_type") {
        RETYPE
    } else if ["name", "description", "metadata"].iter().any(|name| change.of(name)) {
        WRITE
    } else {
        ""
    }
}

async fn extend(scope: &Scope<'_>, act: &mut Act<'_>, planned: &Value) -> Result<(), Failure> {
    let gone = || ApiError::Other(format!("the volume {} is gone", act.id()));
    let volume = scope.fetch_one(act.id()).await?.ok_or_else(gone)?;
    let online = planned.flag("enable_online_resize") == Some(true);
    if field(&volume, "status") == "in-use" && !online {
        return Err(Failure::other(format!(
            "the volume {} is attached: detach it first, or set enable_online_resize = true",
            act.id()
        )));
    }
    let body = json!({"os-extend": {"new_size": planned.int("size")}});
    action(scope, act, body, online.then_some("3.42")).await
}

async fn action(
    scope: &Scope<'_>,
    act: &mut Act<'_>,
    body: Json,
    version: Option<&str>,
) -> Result<(), Failure> {
    let path = format!("{}/action", scope.path(act.id()));
    let call = scope.call(Verb::Post, path).body(body).microversion(version);
    scope.session.once(&mut act.step(), &call).await.map(|_| ())
}

/// Writes what changed of name, description and metadata; the marker stays among the metadata.
async fn write(scope: &Scope<'_>, act: &mut Act<'_>, change: &Change<'_>) -> Result<Json, Failure> {
    let planned = change.planned;
    let gone = || ApiError::Other(format!("the volume {} is gone", act.id()));
    let there = scope.fetch_one(act.id()).await?.ok_or_else(gone)?;
    let mut body = JsonMap::new();
    for name in ["name", "description"].into_iter().filter(|name| change.of(name)) {
        body.insert(name.into(), json!(planned.text(name).unwrap_or_default()));
    }
    if change.of("metadata") && planned.has("metadata") {
        let mut metadata: JsonMap<String, Json> = planned
            .pairs("metadata")
            .into_iter()
            .map(|(key, text)| (key.to_owned(), json!(text)))
            .collect();
        if let Some(marker) = there.get("metadata").and_then(|metadata| metadata.get(MARKER_KEY)) {
            metadata.insert(MARKER_KEY.into(), marker.clone());
        }
        body.insert("metadata".into(), Json::Object(metadata));
    }
    if body.is_empty() {
        return Ok(there);
    }
    let call = scope.call(Verb::Put, scope.path(act.id())).body(json!({ "volume": body }));
    Ok(unwrapped(scope.session.mutate(&mut act.step(), &call).await?, "volume"))
}

async fn detach(scope: &Scope<'_>, act: &mut Act<'_>, server: &str) -> Result<(), Failure> {
    let path = format!("/servers/{}/os-volume_attachments/{}", encoded(server), encoded(act.id()));
    let call = scope.get(Service::Compute, path).sending(Verb::Delete);
    match scope.session.mutate(&mut act.step(), &call).await {
        Err(failure) if !matches!(failure.status(), Some(404 | 409)) => Err(failure),
        _ => Ok(()),
    }
}

fn accepted(scope: &Scope<'_>, act: &Act<'_>, next: &str) -> ApplyReply {
    let nothing = Value::null(Type::Dynamic);
    let values = act.planned.or(act.prior).unwrap_or(&nothing);
    ApplyReply::accepted(Accepted {
        id: act.id().into(),
        state: act.prior.cloned(),
        private: scope.private_with(values, &Note::next(next)),
        poll_after: Duration::from_secs(3),
        timeout: scope.timeout(act.action, Some(values)),
    })
}

fn go_on(scope: &Scope<'_>, pending: &Pending, note: &Note) -> PollReply {
    let state = pending.accepted.state.clone();
    let private = scope.private_with(&pending.known(), note);
    PollReply { outcome: PollOutcome::Continue { state, private }, diagnostics: Diagnostics::new() }
}

fn scheduler_hints(planned: &Value) -> JsonMap<String, Json> {
    let mut hints = JsonMap::new();
    let Some(block) = planned.items("scheduler_hints").first() else { return hints };
    for name in ["query", "local_to_instance"] {
        if let Some(text) = block.text(name) {
            hints.insert(name.into(), json!(text));
        }
    }
    for name in ["different_host", "same_host"] {
        let texts = block.texts(name);
        if !texts.is_empty() {
            hints.insert(name.into(), json!(texts));
        }
    }
    for (name, text) in block.pairs("additional_properties") {
        hints.insert(name.into(), json!(text));
    }
    hints
}
