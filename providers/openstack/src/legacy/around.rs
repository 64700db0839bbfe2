//! The provider as an older major version was: around that of today, which never sees what is no more.

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::{Mode, Name};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    ApplyReply, ApplyRequest, DataOutcome, DataReply, DataRequest, FindReply, FindRequest,
    ImportRequest, Imported, Lender, Marked, Pending, PlanOutcome, PlanReply, PlanRequest,
    PlannedFact, PollReply, Provider, ReadOutcome, ReadReply, ReadRequest,
};
use terrarium_value::Value;

use super::Old;
use crate::provider::OpenStackProvider;

/// A provider of an older major version.
pub(crate) struct OldVersion {
    inner: OpenStackProvider,
    major: u64,
}

impl OldVersion {
    /// Puts it around today's.
    pub(crate) fn around(inner: OpenStackProvider, major: u64) -> Self {
        Self { inner, major }
    }

    fn of(&self, kind: &str) -> Option<Old> {
        super::of(self.major, Mode::Managed, kind)
    }
}

#[async_trait]
impl Provider for OldVersion {
    async fn plan_many(&self, mut requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        let asked = requests.iter_mut().map(|request| {
            let old = self.of(&request.kind)?;
            request.proposed = old.without(&request.proposed);
            let config = old.modernise(&mut request.config);
            Some((old, config))
        });
        let asked: Vec<Option<(Old, Value)>> = asked.collect();
        let mut replies = self.inner.plan_many(requests).await;
        for (asked, reply) in asked.iter().zip(&mut replies) {
            if let (Some((old, known)), PlanOutcome::Planned(change)) = (asked, &mut reply.outcome)
            {
                change.planned = old.old(&change.planned, Some(known));
            }
        }
        replies
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        let asked = requests.iter().map(|it| Some((self.of(&it.kind)?, it.state.clone())));
        let asked: Vec<Option<(Old, Value)>> = asked.collect();
        let mut replies = self.inner.read_many(requests).await;
        for (asked, reply) in asked.iter().zip(&mut replies) {
            if let (Some((old, known)), ReadOutcome::Found { state, .. }) =
                (asked, &mut reply.outcome)
            {
                *state = old.old(state, Some(known));
            }
        }
        replies
    }

    async fn read_data_many(&self, mut requests: Vec<DataRequest>) -> Vec<DataReply> {
        let asked = requests.iter_mut().map(|request| {
            let old = super::of(self.major, Mode::Data, &request.kind)?;
            let config = old.modernise(&mut request.config);
            Some((old, config))
        });
        let asked: Vec<Option<(Old, Value)>> = asked.collect();
        let mut replies = self.inner.read_data_many(requests).await;
        for (asked, reply) in asked.iter().zip(&mut replies) {
            if let (Some((old, known)), DataOutcome::Read { state, .. }) =
                (asked, &mut reply.outcome)
            {
                *state = old.old(state, Some(known));
            }
        }
        replies
    }

    fn judges_plans(&self) -> bool {
        self.inner.judges_plans()
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        self.inner.check_plan(facts).await
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        let Some(old) = self.of(kind) else { return self.inner.apply(kind, request).await };
        let known = request.planned.clone().or_else(|| request.prior.clone());
        let config = request.config.as_ref().map(|config| old.modern(config));
        let mut reply = self.inner.apply(kind, ApplyRequest { config, ..request }).await;
        old.applied(&mut reply, known.as_ref());
        reply
    }

    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        let mut replies = self.inner.poll_many(pending).await;
        for (one, reply) in pending.iter().zip(&mut replies) {
            if let Some(old) = self.of(&one.kind) {
                old.polled(reply, one.planned.as_ref().or(one.accepted.state.as_ref()));
            }
        }
        replies
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        let mut imported = self.inner.import(kind, request).await?;
        for one in &mut imported {
            if let Some(old) = self.of(&one.kind) {
                one.state = old.old(&one.state, None);
            }
        }
        Ok(imported)
    }

    fn follow_ups(&self, kind: &str, planned: &Value) -> Vec<Name> {
        self.inner.follow_ups(kind, planned)
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        let mut replies = self.inner.find_many(requests).await;
        for (request, reply) in requests.iter().zip(&mut replies) {
            let Some(old) = self.of(&request.kind) else { continue };
            for found in reply.candidates.iter_mut().flatten() {
                found.state = old.old(&found.state, request.planned.as_ref());
            }
        }
        replies
    }

    async fn marked_many(&self, kinds: &[Name]) -> Vec<Marked> {
        self.inner.marked_many(kinds).await
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        self.inner.lenders(values).await
    }

    fn cloud_time(&self, kind: &str, values: Option<&Value>, at: Timestamp) -> Option<Timestamp> {
        self.inner.cloud_time(kind, values, at)
    }

    async fn credentials_end(&self) -> Option<Timestamp> {
        self.inner.credentials_end().await
    }

    fn is_same_object(&self, kind: &str, one: &Value, other: &Value) -> bool {
        self.inner.is_same_object(kind, one, other)
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        self.inner.realm().await
    }
}
