//! [Key pairs](https://docs.openstack.org/api-ref/compute/#keypairs-keypairs).

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use terrarium_provider::{ApplyReply, FindReply, FindRequest, Tenure};
use terrarium_value::{Map, Value};

use crate::client::{ApiError, Failure, Service, Verb};
use crate::data::{Ask, DataHooks};
use crate::look::{Look, field};
use crate::schema::{
    DataSource, Doc, MarkerField, Marks, REGION, Resource, Status, Timeouts, VALUE_SPECS, text,
};
use crate::verbs::{
    Act, Fetched, Hooks, Scope, create_body, created_at, encoded, found, in_lanes, is_young, made,
    unwrapped,
};

pub(crate) const KEYPAIR: Resource = Resource {
    name: "openstack_compute_keypair_v2",
    doc: Doc::of("A key pair, whose public key servers let in."),
    service: Service::Compute,
    path: "/os-keypairs",
    list_path: "",
    envelope: "keypair",
    collection: "keypairs",
    microversion: None,
    attributes: &[
        text("fingerprint").computed(),
        text("name").required().force_new(),
        text("private_key").computed().sensitive().not_read(),
        text("public_key").optional_computed().force_new().same(|a, b| a.trim() == b.trim()),
        REGION,
        text("user_id").optional_computed().force_new(),
        VALUE_SPECS,
    ],
    timeouts: Timeouts::NONE,
    status: Status::NONE,
    retry_delete: &[],
    slow_delete: false,
    marker: MarkerField::None,
    tags: false,
    marks: Marks::NONE,
    hooks: &KeypairHooks,
};

/// The microversion from which a key pair may belong to another user.
const FOR_A_USER: Option<&str> = Some("2.10");

struct KeypairHooks;

#[async_trait]
impl Hooks for KeypairHooks {
    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        let body = json!({ "keypair": create_body(scope, act) });
        let version = act.planned().text("user_id").and(FOR_A_USER);
        let call = scope.call(Verb::Post, "/os-keypairs").body(body).microversion(version);
        let reply = scope.session.create(act.step(), &call).await?;
        made(scope, act, named(unwrapped(reply, "keypair"))).await
    }

    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        in_lanes(scope.session, ids, |id| async { Ok(scope.fetch_one(id).await?.map(named)) }).await
    }

    fn decode(&self, object: &Json, _known: &Value, out: &mut Map) {
        // Shown once only, in the answer to a create without a public key.
        let private_key = field(object, "private_key");
        if !private_key.is_empty() {
            out.insert("private_key".into(), Value::string(private_key));
        } else if out.get("private_key").is_none_or(Value::is_null) {
            out.insert("private_key".into(), Value::string(""));
        }
    }

    /// The name is unique per user, so it finds a lost create; its age tells that from the user's own.
    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        let planned = request.planned.as_ref();
        let name = planned.and_then(|planned| planned.text("name")).unwrap_or_default();
        let user = planned.and_then(|planned| planned.text("user_id"));
        let query = user.map(|user| vec![("user_id", user.to_owned())]).unwrap_or_default();
        let call = scope.read(scope.path(name)).query(query);
        let fetched = scope.session.find(&call.microversion(user.and(FOR_A_USER))).await;
        let key = planned.and_then(|planned| planned.text("public_key")).map(str::trim);
        let fits = |object: &Json| {
            key.is_none_or(|key| field(object, "public_key").trim() == key)
                && is_young(scope, request, created_at(object))
        };
        let objects = fetched.map(|reply| {
            let object = reply.map(|reply| unwrapped(reply, "keypair"));
            object.into_iter().filter(fits).map(|object| (named(object), false)).collect()
        });
        found(scope, request, objects)
    }

    fn lacks(&self, _object: &Json, planned: &Value) -> Option<String> {
        let generated = planned.text("public_key").is_none();
        generated.then(|| "its private key was shown once, in the answer that was lost".into())
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        (error.status() == Some(409)).then(|| {
            "a key pair of this name exists: import it with its name, or choose another".into()
        })
    }
}

/// Gives a key pair its id, which is its name.
fn named(mut object: Json) -> Json {
    let name = object.get("name").cloned();
    if let (Some(name), Some(object)) = (name, object.as_object_mut()) {
        object.insert("id".into(), name);
    }
    object
}

pub(crate) const KEYPAIR_DATA: DataSource = DataSource {
    name: "openstack_compute_keypair_v2",
    thing: "key pair",
    service: Service::Compute,
    path: "/os-keypairs",
    collection: "keypairs",
    attributes: &[
        text("fingerprint").computed(),
        text("name").required(),
        text("public_key").computed(),
        text("region").optional_computed().local(),
        text("user_id").optional_computed(),
    ],
    shared: false,
    tenure: Tenure::None,
    lends: &[],
    hooks: &KeypairData,
};

struct KeypairData;

#[async_trait]
impl DataHooks for KeypairData {
    async fn list(&self, ask: &Ask<'_>) -> Result<Vec<Json>, ApiError> {
        let name = ask.config.text("name").unwrap_or_default();
        let user = ask.config.text("user_id");
        let query = user.map(|user| vec![("user_id", user.to_owned())]).unwrap_or_default();
        let call = ask
            .get(format!("/os-keypairs/{}", encoded(name)))
            .query(query)
            .microversion(FOR_A_USER);
        let reply = ask.session.shared_find(&call).await?;
        Ok(reply.into_iter().map(|reply| named(unwrapped(reply, "keypair"))).collect())
    }
}
