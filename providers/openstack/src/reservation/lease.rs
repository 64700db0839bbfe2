//! [Leases](https://docs.openstack.org/api-ref/reservation/v1/#leases): what happens to them.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    ApplyReply, FindReply, FindRequest, Pending, PlanReply, PlanRequest, PollReply, Term,
};
use terrarium_value::{Map, Value};

use super::part::PartKind;
use super::{apply, check, errors, looks, plan, recover, term};
use crate::client::{ApiError, Failure};
use crate::look::{Look, field};
use crate::verbs::{Act, Fetched, Hooks, Scope, in_lanes};

/// A lease's own ways; `only` is what a convenience type reserves.
pub(crate) struct LeaseHooks {
    pub(crate) only: Option<PartKind>,
}

#[async_trait]
impl Hooks for LeaseHooks {
    fn validate(&self, config: &Value, diagnostics: &mut Diagnostics) {
        check::validate(self.only, config, diagnostics);
    }

    async fn plan_many(
        &self,
        scope: &Scope<'_>,
        planning: crate::plan::Planning,
        requests: &[PlanRequest],
    ) -> Vec<PlanReply> {
        plan::plan_many(self.only, scope, planning, requests).await
    }

    /// Reads leases: one by its id, several with the one list that Blazar has.
    async fn fetch(&self, scope: &Scope<'_>, ids: &[String]) -> Vec<Fetched> {
        if ids.len() < 2 {
            return in_lanes(scope.session, ids, |id| scope.fetch_one(id)).await;
        }
        let call = scope.read(scope.row.list_path);
        let listed: HashMap<String, Json> =
            match scope.session.list(&call, scope.row.collection).await {
                Ok(all) => all.into_iter().map(|one| (field(&one, "id").to_owned(), one)).collect(),
                Err(error) => return ids.iter().map(|_| Err(error.clone())).collect(),
            };
        // The list is of one project: only a GET of its own proves that a lease is gone.
        in_lanes(scope.session, ids, |id| async {
            match listed.get(id) {
                Some(lease) => Ok(Some(lease.clone())),
                None => scope.fetch_one(id).await,
            }
        })
        .await
    }

    async fn enrich(
        &self,
        scope: &Scope<'_>,
        object: &mut Json,
        known: &Value,
    ) -> Result<(), ApiError> {
        looks::enrich(self.only, scope, object, known).await
    }

    fn decode(&self, object: &Json, known: &Value, out: &mut Map) {
        looks::decode(self.only, object, known, out);
    }

    fn term(&self, object: &Json, known: &Value, now: Timestamp) -> Option<Term> {
        term::term(object, known.text("time_zone"), now)
    }

    async fn create(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        apply::create(self.only, scope, act).await
    }

    async fn update(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        apply::update(self.only, scope, act).await
    }

    async fn delete(&self, scope: &Scope<'_>, act: &mut Act<'_>) -> Result<ApplyReply, Failure> {
        apply::delete(scope, act).await
    }

    async fn poll(&self, scope: &Scope<'_>, pending: &Pending, object: Option<Json>) -> PollReply {
        apply::poll(scope, pending, object).await
    }

    async fn find(&self, scope: &Scope<'_>, request: &FindRequest) -> FindReply {
        recover::find_lease(scope, request).await
    }

    fn help(&self, error: &ApiError) -> Option<String> {
        errors::help(error)
    }

    fn fault(&self, object: &Json) -> Option<String> {
        looks::fault(object)
    }
}
