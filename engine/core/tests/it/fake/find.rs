//! How the provider looks for what an interrupted run made.

use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{Accepted, Candidate, FindReply, FindRequest};
use terrarium_value::{Map, Value};

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
    let accepted = Accepted {
        id: id.as_str().into(),
        state: Some(state.clone()),
        private: None,
        poll_after: POLL,
        timeout: TIMEOUT,
    };
    let pending = (object.building > 0).then_some(accepted);
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
