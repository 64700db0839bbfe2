//! How the provider looks for what an interrupted run made.

use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Candidate, FindReply, FindRequest};
use terrarium_value::{Causes, Map, Type, Value};

use super::cloud::{Inside, Object};
use super::kind::resource_schema;
use super::provider::{POLL, TIMEOUT};

pub(super) fn find(inside: &Inside, request: &FindRequest) -> FindReply {
    let intent = &request.intent;
    let name = request.planned.as_ref().and_then(|it| it.get("name")?.as_str().map(str::to_owned));
    let alike = |object: &Object| {
        object.marker.is_none()
            && object.created_at >= intent.at
            && object.state.get("name").and_then(Value::as_str) == name.as_deref()
    };
    let marked = |object: &Object| object.marker.as_deref() == Some(intent.marker.as_str());
    let of_kind = inside.objects.iter().filter(|(_, object)| *object.kind == *request.kind);
    let candidates = of_kind
        .filter(|(_, object)| marked(object) || alike(object))
        .map(|(id, object)| candidate(*id, object, marked(object)))
        .collect();
    let candidates = (!inside.deaf).then_some(candidates);
    FindReply { candidates, diagnostics: Diagnostics::new() }
}

fn candidate(id: u64, object: &Object, marked: bool) -> Candidate {
    let id = id.to_string();
    let state = only_id(&object.kind, &id);
    let pending = (object.building > 0).then(|| accepted(&object.kind, &id));
    let created_at = Some(object.created_at);
    Candidate {
        id: id.as_str().into(),
        marked,
        created_at,
        state,
        private: None,
        pending,
        lacks: None,
    }
}

/// Work that the cloud took on.
pub(crate) fn accepted(kind: &str, id: &str) -> Accepted {
    Accepted {
        id: id.into(),
        state: Some(only_id(kind, id)),
        private: None,
        poll_after: POLL,
        timeout: TIMEOUT,
    }
}

/// Planned values of which only the name is known.
pub(crate) fn of_name(kind: &str, name: &str) -> Value {
    let known = only_id(kind, name).to_map().unwrap().into_iter();
    let computed = |name: &str| matches!(name, "id" | "token" | "zone" | "status");
    Value::object_of(known.map(|(attribute, value)| match &*attribute {
        "name" => (attribute, Value::string(name)),
        it if computed(it) => (attribute, Value::unknown(Type::String, Causes::NONE)),
        // Blocks, of which there are none.
        "disk" => (attribute, Value::list(element(&value), Vec::new())),
        "rule" => (attribute, Value::set(element(&value), Vec::new())),
        _ => (attribute, value),
    }))
}

fn element(collection: &Value) -> Type {
    match collection.ty() {
        Type::List(element) | Type::Set(element) => (*element).clone(),
        other => panic!("{other:?} has no elements"),
    }
}

/// Values of which only the id is known.
pub(super) fn only_id(kind: &str, id: &str) -> Value {
    let block = resource_schema(kind).unwrap().block;
    let attributes = block.attributes.iter().map(|(name, attribute)| {
        let known = &**name == "id";
        let value = if known { Value::string(id) } else { Value::null(attribute.ty.clone()) };
        (name.clone(), value)
    });
    let blocks = block.blocks.iter().map(|(name, nested)| (name.clone(), Value::null(nested.ty())));
    Value::object(attributes.chain(blocks).collect::<Map>())
}
