//! What a provider is asked to plan: the configuration of an instance, merged with what is recorded of it.

use std::sync::Arc;

use terrarium_address::{AttrPath, ResourceAddr};
use terrarium_lang::config::IgnoreChanges;
use terrarium_provider::PlanRequest;
use terrarium_value::{Cause, Causes, Kind, Unknown, Value, When};

use super::candidate::{Candidate, Prior};
use super::group::Group;
use crate::proposed;

/// Builds the question about one instance.
pub(super) fn request(
    group: &Group<'_>,
    candidate: &Candidate,
    prior: Option<&Prior>,
) -> PlanRequest {
    let mut config = candidate.config.clone().unmarked_deep();
    if let Some(prior) = prior {
        config = ignoring(&group.resource.lifecycle.ignore_changes, &prior.value, config);
    }
    let before = prior.map(|prior| prior.value.clone().unmarked_deep());
    PlanRequest {
        kind: group.resource.block.kind.clone(),
        addr: candidate.addr.clone(),
        proposed: proposed::merge(&group.schema.block, before.as_ref(), &config, &candidate.causes),
        prior: before,
        config,
        private: prior.and_then(|prior| prior.private.clone()),
        ended: prior.and_then(|prior| prior.ended.as_ref()).map(|ended| ended.at),
        replaces: None,
        claims: Arc::default(),
    }
}

/// The causes of what an instance leaves unknown.
pub(crate) fn causes_of(addr: &ResourceAddr) -> Causes {
    crate::fate::causes(addr, When::Apply)
}

/// Gives unknown parts without a cause this one.
pub(super) fn with_causes(value: Value, causes: &Causes) -> Value {
    if value.is_wholly_known() {
        return value;
    }
    replaced(&value, Causes::is_empty, causes)
}

/// Replaces the causes of what waits for the instance itself.
pub(super) fn recaused(value: &Value, addr: &ResourceAddr, causes: &Causes) -> Value {
    let names =
        |cause: &Cause| matches!(cause, Cause::Instance { addr: named, .. } if named == addr);
    replaced(value, |old| old.iter().any(names), causes)
}

/// Gives unknown parts other causes, where theirs are meant. Parts that are alike become one value.
fn replaced(value: &Value, is_meant: impl Fn(&Causes) -> bool, causes: &Causes) -> Value {
    let is_meant = |unknown: &Unknown| is_meant(&unknown.causes);
    let mut made: Vec<(Unknown, Value)> = Vec::new();
    value.transform(&mut |_: &AttrPath, part: Value| match part.kind() {
        Kind::Unknown(unknown) if is_meant(unknown) => {
            let marks = part.marks();
            if let Some((_, new)) = made.iter().find(|(old, _)| old == unknown) {
                return new.clone().marked(marks);
            }
            let new = Value::refined(Unknown { causes: causes.clone(), ..unknown.clone() });
            made.push((unknown.clone(), new.clone()));
            new.marked(marks)
        }
        _ => part,
    })
}

/// Puts the prior values in place of what `ignore_changes` names.
pub(crate) fn ignoring(ignored: &IgnoreChanges, prior: &Value, config: Value) -> Value {
    match ignored {
        IgnoreChanges::None => config,
        IgnoreChanges::All => prior.clone().unmarked_deep(),
        IgnoreChanges::Paths(paths) => {
            let prior = prior.clone().unmarked_deep();
            config.transform(&mut |path: &AttrPath, part: Value| {
                if paths.contains(path) { prior.at(path).unwrap_or(part) } else { part }
            })
        }
    }
}
