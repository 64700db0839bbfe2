//! A provider that fails once: it never answers, it answers with an error, or it leaves answers out.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    Accepted, ApplyReply, ApplyRequest, Clock, Configured, DataReply, DataRequest, FindReply,
    FindRequest, ImportRequest, Imported, Lender, Pending, PlanReply, PlanRequest, PlannedFact,
    PollOutcome, PollReply, Provider, ReadReply, ReadRequest,
};

use super::Cloud;
use super::provider::{breathe, error};

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Schemas,
    Upgrade,
    Configure,
    Validate,
    Plan,
    Check,
    Read,
    Data,
    Apply,
    Poll,
    Import,
    Find,
}

pub(crate) const METHODS: [Method; 12] = [
    Method::Schemas,
    Method::Upgrade,
    Method::Configure,
    Method::Validate,
    Method::Plan,
    Method::Check,
    Method::Read,
    Method::Data,
    Method::Apply,
    Method::Poll,
    Method::Import,
    Method::Find,
];

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It never answers.
    Slow,
    /// It answers with an error.
    Dead,
    /// It leaves its last answer out; where there is one only, it is nonsense.
    Wrong,
}

pub(crate) const MANNERS: [Manner; 3] = [Manner::Slow, Manner::Dead, Manner::Wrong];

/// Lets everybody else go first, as a minute does.
pub(crate) struct Minute;

#[async_trait]
impl Clock for Minute {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn wait_until(&self, _at: Timestamp) {
        for _ in 0..100 {
            breathe().await;
        }
    }
}

/// Fails once, where it is this method's turn; `None`: it does not.
async fn fails(cloud: &Cloud, method: Method) -> Option<Manner> {
    let manner = {
        let mut inside = cloud.inside();
        let (which, manner) = inside.broken?;
        if which != method {
            return None;
        }
        inside.broken = None;
        manner
    };
    if manner == Manner::Slow {
        std::future::pending::<()>().await;
    }
    Some(manner)
}

fn died() -> Diagnostics {
    error("The plugin crashed", "its process ended with signal 9".into())
}

pub(super) async fn schemas(cloud: &Cloud) -> Result<(), Diagnostics> {
    match fails(cloud, Method::Schemas).await {
        None => Ok(()),
        Some(Manner::Wrong) => Err(Diagnostics::new()),
        Some(_) => Err(died()),
    }
}

pub(super) async fn configure(cloud: &Cloud) -> Option<Configured> {
    let manner = fails(cloud, Method::Configure).await?;
    let diagnostics = if manner == Manner::Wrong { Diagnostics::new() } else { died() };
    Some(Configured { provider: None, diagnostics })
}

/// Answers a batch of a provider that is not configured in its manner; `None`: as it should.
pub(super) async fn instead<A>(
    cloud: &Cloud,
    (method, count): (Method, usize),
    dead: impl Fn(Diagnostics) -> A,
) -> Option<Vec<A>> {
    if count == 0 {
        return None;
    }
    let manner = fails(cloud, method).await?;
    let count = if manner == Manner::Wrong { count - 1 } else { count };
    let mut why = died();
    Some((0..count).map(|_| dead(std::mem::take(&mut why))).collect())
}

pub(super) struct BrokenProvider {
    inner: Arc<dyn Provider>,
    cloud: Arc<Cloud>,
}

impl BrokenProvider {
    pub(super) fn new(inner: Arc<dyn Provider>, cloud: Arc<Cloud>) -> Self {
        Self { inner, cloud }
    }

    /// Answers a batch in its manner; `None`: as it should.
    async fn instead<A>(
        &self,
        (method, count): (Method, usize),
        dead: impl Fn(Diagnostics) -> A,
    ) -> Option<Vec<A>> {
        instead(&self.cloud, (method, count), dead).await
    }
}

#[async_trait]
impl Provider for BrokenProvider {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        match self.instead((Method::Plan, requests.len()), PlanReply::refused).await {
            Some(answers) => answers,
            None => self.inner.plan_many(requests).await,
        }
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        match fails(&self.cloud, Method::Check).await {
            Some(Manner::Dead) => died(),
            _ => self.inner.check_plan(facts).await,
        }
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        match self.instead((Method::Read, requests.len()), ReadReply::refused).await {
            Some(answers) => answers,
            None => self.inner.read_many(requests).await,
        }
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        match self.instead((Method::Data, requests.len()), DataReply::refused).await {
            Some(answers) => answers,
            None => self.inner.read_data_many(requests).await,
        }
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        match fails(&self.cloud, Method::Apply).await {
            Some(_) => ApplyReply::refused(died()),
            None => self.inner.apply(kind, request).await,
        }
    }

    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        // The work failed: what it was about is there.
        let dead = |(one, diagnostics): (&Pending, Diagnostics)| {
            let Accepted { state, private, .. } = one.accepted.clone();
            PollReply { outcome: PollOutcome::Refused { state, private }, diagnostics }
        };
        match self.instead((Method::Poll, pending.len()), |why| why).await {
            Some(answers) => pending.iter().zip(answers).map(dead).collect(),
            None => self.inner.poll_many(pending).await,
        }
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        match fails(&self.cloud, Method::Import).await {
            Some(Manner::Wrong) => Ok(Vec::new()),
            Some(_) => Err(died()),
            None => self.inner.import(kind, request).await,
        }
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        let dead = |diagnostics| FindReply { candidates: None, diagnostics };
        match self.instead((Method::Find, requests.len()), dead).await {
            Some(answers) => answers,
            None => self.inner.find_many(requests).await,
        }
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        self.inner.lenders(values).await
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        self.inner.realm().await
    }
}
