//! What a resource type may do in its own way; each method has the generic one as its default.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map as JsonMap, Value as Json};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    ApplyReply, FindReply, FindRequest, Pending, PlanReply, PlanRequest, PollReply, Term,
};
use terrarium_value::{Map, Value};

use super::scope::{Act, Fetched, Scope};
use super::update::Change;
use crate::client::{ApiError, Failure};
use crate::plan::{Draft, Planning, plan};

/// A type's own ways.
#[async_trait]
pub(crate) trait Hooks: Send + Sync {
    /// Checks a configuration beyond its rows.
    fn validate(&self, _config: &Value, _diagnostics: &mut Diagnostics) {}

    /// Adjusts a plan.
    fn plan(&self, _draft: &mut Draft<'_>) {}

    /// Plans instances together.
    async fn plan_many(
        &self,
        scope: &Scope<'_>,
        planning: Planning,
        requests: &[PlanRequest],
    ) -> Vec<PlanReply> {
        requests.iter().map(|request| plan(scope.row, planning.major, request)).collect()
    }

    /// Returns the term of an object, where it has one.
    fn term(&self, _object: &Json, _known: &Value, _now: Timestamp) -> Option<Term> {
        None
    }

    /// Completes the body of a create; may look names up.
    async fn create_body(
        &self,
        _scope: &Scope<'_>,
        _act: &Act<'_>,
        _body: &mut JsonMap<String, Json>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Completes the body of an update.
    fn update_body(&self, _change: &Change<'_>, _body: &mut JsonMap<String, Json>) {}

    /// Adds to an object what its own representation lacks.
    async fn enrich(
        &self,
        _scope: &Scope<'_>,
        _object: &mut Json,
        _known: &Value,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// Fills in what is not field by field.
    fn decode(&self, _object: &Json, _known: &Value, _out: &mut Map) {}

    /// Returns the words of a failed object.
    fn fault(&self, _object: &Json) -> Option<String> {
        None
    }

    /// Returns the note of the step that an object is at within an update; `None` where it rests.
    fn at_step(&self, _object: &Json) -> Option<&'static str> {
        None
    }

    /// Returns what of a lost create can't be had again, in words: a key that is shown once.
    fn lacks(&self, _object: &Json, _planned: &Value) -> Option<String> {
        None
    }

    /// Returns what to do about a refusal, where this type knows.
    fn help(&self, _error: &ApiError) -> Option<String> {
        None
    }

    /// Returns the values of an object that is imported, before it is read.
    fn imported(&self, scope: &Scope<'_>, _object: &Json, id: &str) -> Value {
        super::shell(scope, id)
    }

    /// Reads objects.
    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        super::fetch(scope, ids).await
    }

    /// Creates one.
    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        super::create(scope, act).await
    }

    /// Names what is sent after the call that makes an object, beside its tags.
    fn follow_ups(&self, _planned: &Value) -> &'static [&'static str] {
        &[]
    }

    /// Sends what [`Hooks::follow_ups`] names, as far as that is not done; returns the object as it is then. All of it can be repeated.
    async fn follow_up(
        &self,
        _scope: &Scope<'_>,
        _act: &mut Act<'_>,
        object: Json,
    ) -> Result<Json, Failure> {
        Ok(object)
    }

    /// Updates one.
    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        super::update(scope, act).await
    }

    /// Deletes one.
    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        super::delete(scope, act).await
    }

    /// Says how a piece of work stands, given the object as it is now.
    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        super::poll(scope, pending, object).await
    }

    /// Looks for what an intent may have made.
    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        super::find(scope, request).await
    }
}
