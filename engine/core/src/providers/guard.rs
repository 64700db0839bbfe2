//! Around each configured provider: it answers in time and as often as it was asked, or that is one
//! diagnostic. Nobody else has to think of a provider that is slow, dead or wrong.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    ApplyReply, ApplyRequest, DataReply, DataRequest, Doubt, DoubtKind, FindReply, FindRequest,
    ImportRequest, Imported, Lender, Marked, MoveRequest, OpenRequest, Opened, Pending, PlanReply,
    PlanRequest, PlannedFact, PollOutcome, PollReply, Private, Probe, Provider, ReadReply,
    ReadRequest,
};
use terrarium_value::Value;

use super::deadlines::{Deadlines, Late};
use crate::codes;

/// Asks a provider, and waits no longer than its deadline.
#[derive(Clone)]
pub(super) struct Asking {
    source: Name,
    deadlines: Deadlines,
}

impl Asking {
    pub(super) fn new(source: Name, deadlines: Deadlines) -> Self {
        Self { source, deadlines }
    }

    /// Waits for the answer to a call, until its deadline.
    async fn ask<A>(
        &self,
        verb: &str,
        call: impl Future<Output = A> + Send,
    ) -> Result<A, Box<Diagnostic>> {
        let late = |late: Late| {
            let error = Diagnostic::error(codes::NO_ANSWER, format!("The provider {} does not answer", self.source))
                .detail(format!("It was asked to {verb}, and has not answered {late}."))
                .help("run the command again; if it stays so, look whether what the provider talks to can be reached");
            Box::new(error)
        };
        self.deadlines.answer(call).await.map_err(late)
    }

    /// Waits for the answers to a batch: as many as there are requests, or one diagnostic at the first of
    /// them, and nothing more at the others.
    pub(super) async fn ask_all<A>(
        &self,
        (verb, count): (&str, usize),
        call: impl Future<Output = Vec<A>> + Send,
        refused: impl Fn(Diagnostics) -> A + Send,
    ) -> Vec<A> {
        let why = match self.ask(verb, call).await {
            Ok(answers) if answers.len() == count => return answers,
            Ok(answers) => self.wrong(verb, count, answers.len()),
            Err(late) => *late,
        };
        let mut why: Diagnostics = why.into();
        (0..count).map(|_| refused(std::mem::take(&mut why))).collect()
    }

    fn wrong(&self, verb: &str, count: usize, answers: usize) -> Diagnostic {
        Diagnostic::error(codes::PROVIDER_BUG, "Provider produced invalid response").detail(format!(
            "The provider {} was asked to {verb} {count}, and answered {answers}. This is a bug in the provider, \
             which should be reported in the provider's own issue tracker.",
            self.source
        ))
    }
}

/// A provider that always answers.
pub(super) struct Guarded {
    inner: Arc<dyn Provider>,
    asking: Asking,
}

impl Guarded {
    pub(super) fn new(inner: Arc<dyn Provider>, asking: Asking) -> Self {
        Self { inner, asking }
    }
}

#[async_trait]
impl Provider for Guarded {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        let count = requests.len();
        let call = self.inner.plan_many(requests);
        self.asking.ask_all(("plan", count), call, PlanReply::refused).await
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        let count = requests.len();
        let call = self.inner.read_many(requests);
        self.asking.ask_all(("read", count), call, ReadReply::refused).await
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        let count = requests.len();
        let call = self.inner.read_data_many(requests);
        self.asking.ask_all(("read data sources,", count), call, DataReply::refused).await
    }

    fn judges_plans(&self) -> bool {
        self.inner.judges_plans()
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        let call = self.inner.check_plan(facts);
        self.asking.ask("check the plan", call).await.unwrap_or_else(|late| (*late).into())
    }

    async fn probe_many(&self, probes: &[Probe]) -> Vec<bool> {
        let call = self.inner.probe_many(probes);
        self.asking.ask_all(("probe", probes.len()), call, |_| false).await
    }

    /// What was sent and not answered is in doubt: recovery looks before anybody acts.
    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        let attempted = format!("{:?} of {}", request.action, request.addr).to_lowercase();
        match self.asking.ask("apply", self.inner.apply(kind, request)).await {
            Ok(reply) => reply,
            Err(late) => {
                let (symptom, kind) = (late.detail, DoubtKind::Lost);
                ApplyReply::unknown(Doubt { attempted, symptom, kind })
            }
        }
    }

    /// A question without an answer says nothing about the work: the engine's own timer ends it.
    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        match self.asking.ask("tell how its work stands", self.inner.poll_many(pending)).await {
            Ok(replies) if replies.len() == pending.len() => replies,
            _ => pending.iter().map(not_told).collect(),
        }
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        let call = self.inner.import(kind, request);
        self.asking.ask("import an object", call).await.unwrap_or_else(|late| Err((*late).into()))
    }

    fn follow_ups(&self, kind: &str, planned: &Value) -> Vec<Name> {
        self.inner.follow_ups(kind, planned)
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        let call = self.inner.find_many(requests);
        let refused = |diagnostics| FindReply { candidates: None, diagnostics };
        self.asking.ask_all(("look for", requests.len()), call, refused).await
    }

    async fn marked_many(&self, kinds: &[Name]) -> Vec<Marked> {
        let call = self.inner.marked_many(kinds);
        self.asking.ask("list what carries a marker", call).await.unwrap_or_default()
    }

    fn cloud_time(&self, kind: &str, values: Option<&Value>, at: Timestamp) -> Option<Timestamp> {
        self.inner.cloud_time(kind, values, at)
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        let call = self.inner.lenders(values);
        self.asking.ask_all(("look lenders up for", values.len()), call, |_| None).await
    }

    async fn move_state(&self, request: &MoveRequest) -> Option<Result<Imported, Diagnostics>> {
        let call = self.inner.move_state(request);
        self.asking
            .ask("move an object", call)
            .await
            .unwrap_or_else(|late| Some(Err((*late).into())))
    }

    fn is_same_object(&self, kind: &str, one: &Value, other: &Value) -> bool {
        self.inner.is_same_object(kind, one, other)
    }

    async fn identity(&self, kind: &str, state: &Value) -> Option<Value> {
        self.asking.ask("identify an object", self.inner.identity(kind, state)).await.ok().flatten()
    }

    async fn open(&self, request: &OpenRequest) -> Option<Result<Opened, Diagnostics>> {
        let call = self.inner.open(request);
        self.asking.ask("open", call).await.unwrap_or_else(|late| Some(Err((*late).into())))
    }

    async fn renew(&self, kind: &str, private: &Private) -> Result<Option<Timestamp>, Diagnostics> {
        let call = self.inner.renew(kind, private);
        self.asking.ask("renew", call).await.unwrap_or_else(|late| Err((*late).into()))
    }

    async fn close(&self, kind: &str, private: &Private) -> Diagnostics {
        let call = self.inner.close(kind, private);
        self.asking.ask("close", call).await.unwrap_or_else(|late| (*late).into())
    }

    async fn stop(&self) {
        // Nobody waits for it but this.
        let _ = self.asking.ask("stop", self.inner.stop()).await;
    }

    async fn credentials_end(&self) -> Option<Timestamp> {
        let call = self.inner.credentials_end();
        self.asking.ask("tell when its credentials end", call).await.ok().flatten()
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        let call = self.inner.realm();
        self.asking.ask("say where it acts", call).await.unwrap_or_else(|late| Err((*late).into()))
    }
}

/// Nothing new is known of a piece of work.
fn not_told(pending: &Pending) -> PollReply {
    let outcome = PollOutcome::Waiting {
        poll_after: pending.accepted.poll_after,
        status: "not answered for by the provider".to_owned(),
    };
    PollReply { outcome, diagnostics: Diagnostics::new() }
}

#[cfg(test)]
mod tests {
    /// Lists the methods between an opening line and the end of its block.
    fn methods<'a>(source: &'a str, opening: &str) -> Vec<(&'a str, &'a str)> {
        let (_, block) = source.split_once(opening).expect("the block");
        let (block, _) = block.split_once("\n}\n").expect("its end");
        let parts = block.split("    fn ").flat_map(|part| part.split("    async fn ")).skip(1);
        parts.map(|part| part.split_once(['(', '<']).expect("a signature")).collect()
    }

    #[test]
    fn every_method_of_the_contract_reaches_the_provider() {
        let contract = include_str!("../../../provider/src/provider.rs");
        let contract = methods(contract, "pub trait Provider: Send + Sync {");
        let guard = methods(include_str!("guard.rs"), "impl Provider for Guarded {");
        assert!(contract.len() > 20, "{contract:?}");
        for (name, _) in contract {
            let forwards = format!("self.inner.{name}(");
            let own = guard.iter().find(|(own, _)| *own == name);
            let body = own.map_or("", |(_, body)| body);
            // A default of the trait would answer in its place, and nobody would ask the provider.
            assert!(body.contains(&forwards), "the guard does not forward {name}");
        }
    }
}
