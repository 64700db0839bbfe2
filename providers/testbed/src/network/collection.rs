//! What all collections do alike: list, show, create, update, delete.

use serde_json::{Value, json};

use super::{
    attribute::{self, Attribute},
    bad, listing, not_found, tags, touch,
};
use crate::{
    call::Call,
    json::{self, Body},
    reply::{Outcome, Reply, refuse},
    store::{Kind, Object},
};

/// A row: one collection of the API.
pub(super) struct Collection {
    /// Segment of the path, with dashes.
    pub(super) plural: &'static str,
    /// Envelope of one object, with underscores.
    pub(super) singular: &'static str,
    pub(super) kind: &'static Kind,
    pub(super) attributes: &'static [Attribute],
    /// Exception type and text for an id that nobody has; `{}` is the id.
    pub(super) missing: (&'static str, &'static str),
    /// How many a project may have unless the world's settings say otherwise; -1 is unlimited.
    pub(super) quota: i64,
    pub(super) hooks: Hooks,
}

/// What is a collection's own.
pub(super) struct Hooks {
    /// Makes the object from checked input.
    pub(super) create: fn(&Call<'_>, &Body) -> Outcome<Object>,
    /// Changes the object by checked input; the machinery writes it back.
    pub(super) update: fn(&Call<'_>, &mut Object, &Body) -> Outcome<()>,
    /// Refuses, or gives back what the object holds; the machinery removes it.
    pub(super) delete: fn(&Call<'_>, &Object) -> Outcome<()>,
    /// Tells whether the caller's project sees an object.
    pub(super) visible: fn(&Call<'_>, &Object) -> bool,
    /// Returns an object as it is shown.
    pub(super) show: fn(&Call<'_>, &Object) -> Outcome<Body>,
    /// Answers `PUT /{collection}/{id}/{action}`.
    pub(super) action: fn(&Call<'_>, Object, &str) -> Outcome<Reply>,
}

impl Hooks {
    /// Tells whether an object is of the caller's project.
    pub(super) fn own(call: &Call<'_>, object: &Object) -> bool {
        object.project == call.who.project
    }

    /// Shows an object as it is kept.
    #[expect(clippy::unnecessary_wraps, reason = "a hook, of which others can fail")]
    pub(super) fn as_kept(_: &Call<'_>, object: &Object) -> Outcome<Body> {
        Ok(json::public(&object.body))
    }

    /// Copies what was sent, which most attributes need only.
    #[expect(clippy::unnecessary_wraps, reason = "a hook, of which others can fail")]
    pub(super) fn copied(_: &Call<'_>, object: &mut Object, given: &Body) -> Outcome<()> {
        object.body.extend(given.clone());
        Ok(())
    }

    pub(super) fn no_action(_: &Call<'_>, _: Object, _: &str) -> Outcome<Reply> {
        Err(not_found())
    }
}

impl Collection {
    /// Key of a list's envelope.
    pub(super) fn list_key(&self) -> String {
        self.plural.replace('-', "_")
    }

    /// Answers a call whose path after the collection's name is `rest`.
    pub(super) fn answer(&self, call: &Call<'_>, rest: &[&str]) -> Outcome<Reply> {
        match (call.method.as_str(), rest) {
            ("GET", []) => listing::list(self, call),
            ("POST", []) => self.create(call),
            ("GET", [id]) => {
                let object = self.find(call, id)?;
                let shown = listing::narrow(call, (self.hooks.show)(call, &object)?);
                Ok(Reply::json(200, json!({self.singular: shown})))
            }
            ("PUT", [id]) => self.update(call, id),
            ("DELETE", [id]) => self.delete(call, id),
            (_, [id, "tags", rest @ ..]) => tags::answer(self, call, self.find(call, id)?, rest),
            ("PUT", [id, action]) => {
                let object = self.find(call, id)?;
                (self.hooks.action)(call, object, action)
            }
            _ => Err(not_found()),
        }
    }

    /// Returns the visible object `id`, or the collection's 404.
    pub(super) fn find(&self, call: &Call<'_>, id: &str) -> Outcome<Object> {
        let object = call.cloud.get(self.kind, id)?;
        object
            .filter(|object| (self.hooks.visible)(call, object))
            .ok_or_else(|| refuse(404, self.missing.0, self.missing.1.replace("{}", id)))
    }

    /// Returns the object `id` for a change: what is only shared with the caller is not found.
    fn find_own(&self, call: &Call<'_>, id: &str, verb: &str) -> Outcome<Object> {
        let object = self.find(call, id)?;
        if object.project == call.who.project {
            return Ok(object);
        }
        Err(super::forbidden(&format!("rule:{verb}_{}", self.singular)))
    }

    fn create(&self, call: &Call<'_>) -> Outcome<Reply> {
        if let Some(Value::Array(list)) = call.body.get(self.list_key()) {
            let shown = list
                .iter()
                .map(|given| self.create_one(call, given).map(Value::Object))
                .collect::<Outcome<Vec<Value>>>()?;
            return Ok(Reply::json(201, json!({self.list_key(): shown})));
        }
        let given = call
            .body
            .get(self.singular)
            .ok_or_else(|| bad(format!("Unable to find '{}' in request body", self.singular)))?;
        let shown = self.create_one(call, given)?;
        Ok(Reply::json(201, json!({self.singular: shown})))
    }

    fn create_one(&self, call: &Call<'_>, given: &Value) -> Outcome<Body> {
        let given = attribute::for_create(self.attributes, &json::map(given.clone()))?;
        for key in ["tenant_id", "project_id"] {
            let project = json::text(&given, key);
            if !project.is_empty() && project != call.who.project {
                return Err(super::forbidden(&format!(
                    "(rule:create_{0} and rule:create_{0}:{key})",
                    self.singular
                )));
            }
        }
        self.check_quota(call)?;
        let object = (self.hooks.create)(call, &given)?;
        (self.hooks.show)(call, &object)
    }

    fn check_quota(&self, call: &Call<'_>) -> Outcome<()> {
        let Some(limit) = call.cloud.limit(self.kind.name, self.quota) else { return Ok(()) };
        if call.cloud.used(&call.who.project, self.kind.name)? < limit {
            return Ok(());
        }
        let message = format!("Quota exceeded for resources: ['{}'].", self.kind.name);
        Err(refuse(409, "OverQuota", message))
    }

    fn update(&self, call: &Call<'_>, id: &str) -> Outcome<Reply> {
        let mut object = self.find_own(call, id, "update")?;
        let given = call
            .body
            .get(self.singular)
            .ok_or_else(|| bad(format!("Unable to find '{}' in request body", self.singular)))?;
        let given = attribute::for_update(self.attributes, &json::map(given.clone()))?;
        (self.hooks.update)(call, &mut object, &given)?;
        touch(&call.cloud, &mut object);
        call.cloud.put(self.kind, &object)?;
        let shown = (self.hooks.show)(call, &object)?;
        Ok(Reply::json(200, json!({self.singular: shown})))
    }

    fn delete(&self, call: &Call<'_>, id: &str) -> Outcome<Reply> {
        let object = self.find_own(call, id, "delete")?;
        (self.hooks.delete)(call, &object)?;
        call.cloud.remove(self.kind, &object)?;
        Ok(Reply::empty(204))
    }
}
