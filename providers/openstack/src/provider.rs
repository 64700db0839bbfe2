//! The configured provider: each request goes to its row's verb, grouped by region where that saves
//! calls.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Action, Answers, ApplyOutcome, ApplyReply, ApplyRequest, DataOutcome, DataReply, DataRequest,
    Deferral, FindReply, FindRequest, ImportRequest, Imported, Lender, Marked, Pending,
    PlanOutcome, PlanReply, PlanRequest, PlannedFact, PollOutcome, PollReply, Provider,
    ReadOutcome, ReadReply, ReadRequest, by_kind,
};
use terrarium_value::Value;

use crate::client::{ApiError, Failure, Session};
use crate::look::Look;
use crate::networking::check_addresses;
use crate::plan::Planning;
use crate::quota::check_quotas;
use crate::reservation::{check_units, lenders};
use crate::schema::Resource;
use crate::verbs::{
    Act, Fetched, Note, Scope, decode, follow_ups, found, in_lanes, marked, provision, waiting,
};
use crate::{codes, data, quota, tables};

/// A configured provider.
pub(crate) struct OpenStackProvider {
    session: Session,
    env: BTreeMap<String, String>,
    major: u64,
    /// Why nothing outside may be asked, where that is so.
    blocked: Option<String>,
}

impl OpenStackProvider {
    /// Builds it; nothing is sent.
    pub(crate) fn new(
        session: Session,
        env: BTreeMap<String, String>,
        major: u64,
        offline: bool,
        waits_for: Option<String>,
    ) -> Self {
        let blocked = if offline { Some("a run without -offline".to_owned()) } else { waits_for };
        Self { session, env, major, blocked }
    }

    fn scope(&self, row: &'static Resource, values: Option<&Value>) -> Scope<'_> {
        let region = values.and_then(|values| values.text("region")).unwrap_or_default().to_owned();
        let (session, env) = (&self.session, &self.env);
        Scope { session, row, region, env, patience: None, among_others: false }
    }

    fn deferral(&self) -> Option<Deferral> {
        self.blocked.as_ref().map(|reason| Deferral::until(None, reason.clone()))
    }

    /// Reads the objects of items, one batch per region; answers in the order of the items.
    async fn fetch_all(&self, row: &'static Resource, items: &[(&Value, String)]) -> Vec<Fetched> {
        let mut regions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (values, _)) in items.iter().enumerate() {
            regions.entry(values.text("region").unwrap_or_default()).or_default().push(at);
        }
        let mut all: Vec<Fetched> = items.iter().map(|_| Ok(None)).collect();
        for members in regions.values() {
            let some = members.iter().filter_map(|at| items.get(*at));
            let ids: Vec<String> = some.map(|(_, id)| id.clone()).collect();
            let first = members.first().and_then(|at| items.get(*at)).map(|(values, _)| *values);
            let fetched = row.hooks.fetch(&self.scope(row, first), &ids).await;
            for (at, one) in members.iter().zip(fetched) {
                if let Some(slot) = all.get_mut(*at) {
                    *slot = one;
                }
            }
        }
        all
    }

    async fn read_one(
        &self,
        row: &'static Resource,
        request: &ReadRequest,
        fetched: Fetched,
    ) -> ReadReply {
        let scope = self.scope(row, Some(&request.state));
        let found = match fetched {
            Ok(Some(mut object)) => {
                match row.hooks.enrich(&scope, &mut object, &request.state).await {
                    Ok(()) => Ok(Some(object)),
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        match found {
            Ok(Some(object)) => {
                let now = self.session.clock().now();
                let outcome = ReadOutcome::Found {
                    state: decode(&scope, &object, &request.state),
                    private: request.private.clone(),
                    term: row.hooks.term(&object, &request.state, now),
                };
                ReadReply { outcome, diagnostics: Diagnostics::new() }
            }
            Ok(None) => ReadReply::gone(),
            Err(error) => {
                ReadReply::refused(error.diagnostic(format!("Error reading {}", row.name)))
            }
        }
    }

    async fn act(&self, row: &'static Resource, request: ApplyRequest) -> ApplyReply {
        let ApplyRequest { action, prior, planned, config, private, permit, .. } = request;
        let values = planned.as_ref().or(prior.as_ref());
        let mut scope = self.scope(row, values);
        scope.patience = Some(scope.timeout(action, values));
        let Some(recorded) = Act::recorded_of(permit) else {
            return ApplyReply::refused(Diagnostic::error(
                codes::NO_PERMIT,
                format!("{} came to be changed without a recorded intent", row.name),
            ));
        };
        let mut act = Act {
            action,
            prior: prior.as_ref(),
            planned: planned.as_ref(),
            config: config.as_ref(),
            private: &private,
            recorded,
        };
        let (done, verb) = match action {
            Action::Create if prior.is_some() && Note::of(&private).next.is_empty() => {
                (provision(&scope, &mut act).await, "creating")
            }
            Action::Create => (row.hooks.create(&scope, &mut act).await, "creating"),
            Action::Update => (row.hooks.update(&scope, &mut act).await, "updating"),
            Action::Delete => (row.hooks.delete(&scope, &mut act).await, "deleting"),
        };
        match done {
            Ok(reply) => reply,
            Err(Failure::Unknown(doubt)) => ApplyReply::unknown(doubt),
            Err(Failure::Refused(error)) => {
                let diagnostics = explained(row, &error, verb).into();
                let outcome =
                    ApplyOutcome::Refused { state: prior.clone(), private: private.clone() };
                ApplyReply { outcome, diagnostics }
            }
        }
    }
}

fn explained(row: &Resource, error: &ApiError, verb: &str) -> Diagnostic {
    let diagnostic = error.diagnostic(format!("Error {verb} {}", row.name));
    match quota::help(error).or_else(|| row.hooks.help(error)) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn no_such(kind: &str) -> Diagnostic {
    Diagnostic::error(codes::INVALID, format!("The OpenStack provider has no type {kind:?}"))
}

fn unanswered() -> Diagnostic {
    Diagnostic::error(codes::INVALID, "The OpenStack provider left a request without an answer")
}

/// One batch of one type.
impl OpenStackProvider {
    async fn plan_kind(&self, kind: &str, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        match tables::resource(kind) {
            Some(row) => {
                let planning = Planning { major: self.major, online: self.blocked.is_none() };
                let scope = self.scope(row, None);
                let mut replies = row.hooks.plan_many(&scope, planning, &requests).await;
                for (request, reply) in requests.iter().zip(&mut replies) {
                    if let PlanOutcome::Planned(change) = &mut reply.outcome {
                        quota::claim(&self.session, row, request, change);
                    }
                }
                replies
            }
            None => requests.iter().map(|_| PlanReply::refused(no_such(kind))).collect(),
        }
    }

    async fn read_kind(&self, kind: &str, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        let Some(row) = tables::resource(kind) else {
            return requests.iter().map(|_| ReadReply::refused(no_such(kind))).collect();
        };
        if let Some(deferral) = self.deferral() {
            let reply = |_| ReadReply {
                outcome: ReadOutcome::Deferred(deferral.clone()),
                diagnostics: Diagnostics::new(),
            };
            return requests.iter().map(reply).collect();
        }
        let items: Vec<(&Value, String)> = requests
            .iter()
            .map(|request| {
                (&request.state, request.state.text("id").unwrap_or_default().to_owned())
            })
            .collect();
        let fetched = self.fetch_all(row, &items).await;
        let pairs: Vec<(&ReadRequest, Fetched)> = requests.iter().zip(fetched).collect();
        in_lanes(&self.session, &pairs, |(request, fetched)| {
            self.read_one(row, request, fetched.clone())
        })
        .await
    }

    async fn read_data_kind(&self, kind: &str, requests: Vec<DataRequest>) -> Vec<DataReply> {
        let Some(row) = tables::data_source(kind) else {
            return requests.iter().map(|_| DataReply::refused(no_such(kind))).collect();
        };
        if let Some(deferral) = self.deferral() {
            let reply = |_| DataReply {
                outcome: DataOutcome::Deferred(deferral.clone()),
                diagnostics: Diagnostics::new(),
            };
            return requests.iter().map(reply).collect();
        }
        in_lanes(&self.session, &requests, |request| data::read(&self.session, row, request)).await
    }

    async fn poll_kind(&self, kind: &str, pending: &[&Pending]) -> Vec<PollReply> {
        let Some(row) = tables::resource(kind) else {
            return pending.iter().map(|_| poll_refused(no_such(kind))).collect();
        };
        let nothing = Value::null(terrarium_value::Type::Dynamic);
        let items: Vec<(&Value, String)> = pending
            .iter()
            .map(|one| {
                let values = one.accepted.state.as_ref().or(one.planned.as_ref());
                (values.unwrap_or(&nothing), one.accepted.id.to_string())
            })
            .collect();
        let fetched = self.fetch_all(row, &items).await;
        let pairs: Vec<(&Pending, Fetched)> = pending.iter().copied().zip(fetched).collect();
        let replies = in_lanes(&self.session, &pairs, |(one, fetched)| async {
            let scope = self.scope(row, one.accepted.state.as_ref().or(one.planned.as_ref()));
            match fetched.clone() {
                Ok(object) => row.hooks.poll(&scope, one, object).await,
                // A look that failed says nothing about the work: the engine's timer ends it.
                Err(error) => waiting(one, &error.to_string()),
            }
        })
        .await;
        if replies.iter().any(|reply| !matches!(reply.outcome, PollOutcome::Waiting { .. })) {
            self.session.settled(row.service, row.path, row.marks.touches);
        }
        replies
    }

    async fn find_kind(&self, kind: &str, requests: &[&FindRequest]) -> Vec<FindReply> {
        let Some(row) = tables::resource(kind) else {
            let reply = |_| FindReply { candidates: None, diagnostics: no_such(kind).into() };
            return requests.iter().map(reply).collect();
        };
        if let Some(reason) = &self.blocked {
            let why = Diagnostic::warning(
                codes::OFFLINE,
                format!("Not looked for: it waits for {reason}"),
            );
            let reply = |_| FindReply { candidates: None, diagnostics: why.clone().into() };
            return requests.iter().map(reply).collect();
        }
        // What was listed before may lack what is looked for; what is listed now serves all.
        self.session.look_anew();
        let nothing = Value::null(terrarium_value::Type::Dynamic);
        let known = requests.iter().filter_map(|request| {
            let id = request.intent.object_id.as_deref()?.to_owned();
            Some((request.planned.as_ref().unwrap_or(&nothing), id))
        });
        let known: Vec<(&Value, String)> = known.collect();
        let mut fetched = self.fetch_all(row, &known).await.into_iter();
        // An action on what has an id is about that; a create that goes on with what it made has one, too.
        let requests = requests.iter().map(|request| {
            let known = request.intent.object_id.as_ref().and_then(|_| fetched.next());
            (*request, known)
        });
        let requests: Vec<(&FindRequest, Option<Fetched>)> = requests.collect();
        in_lanes(&self.session, &requests, |(request, known)| async {
            let scope = self.scope(row, request.planned.as_ref());
            let scope = Scope { among_others: requests.len() > 1, ..scope };
            match known.clone() {
                Some(object) => {
                    let certain = object.map(|it| it.into_iter().map(|it| (it, true)).collect());
                    found(&scope, request, certain)
                }
                None => row.hooks.find(&scope, request).await,
            }
        })
        .await
    }
}

#[async_trait]
impl Provider for OpenStackProvider {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        let mut answers = Answers::new(requests.len());
        for part in by_kind(requests, |it| &it.kind) {
            answers.put(&part.places, self.plan_kind(&part.kind, part.requests).await);
        }
        answers.into_vec(|| PlanReply::refused(unanswered()))
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        let mut diagnostics = check_units(&self.session, facts);
        if self.blocked.is_none() {
            diagnostics.extend(check_quotas(&self.session, facts).await);
            diagnostics.extend(check_addresses(&self.session, facts).await);
        }
        diagnostics
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        let mut answers = Answers::new(requests.len());
        for part in by_kind(requests, |it| &it.kind) {
            answers.put(&part.places, self.read_kind(&part.kind, part.requests).await);
        }
        answers.into_vec(|| ReadReply::refused(unanswered()))
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        let mut answers = Answers::new(requests.len());
        for part in by_kind(requests, |it| &it.kind) {
            answers.put(&part.places, self.read_data_kind(&part.kind, part.requests).await);
        }
        answers.into_vec(|| DataReply::refused(unanswered()))
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        match (tables::resource(kind), &self.blocked) {
            (None, _) => ApplyReply::refused(no_such(kind)),
            (Some(_), Some(reason)) => ApplyReply::refused(Diagnostic::error(
                codes::OFFLINE,
                format!("Nothing can be changed: it waits for {reason}"),
            )),
            (Some(row), None) => self.act(row, request).await,
        }
    }

    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        let mut answers = Answers::new(pending.len());
        for part in by_kind(pending.iter().collect(), |it| &it.kind) {
            answers.put(&part.places, self.poll_kind(&part.kind, &part.requests).await);
        }
        answers.into_vec(|| poll_refused(unanswered()))
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        let row = tables::resource(kind).ok_or_else(|| no_such(kind))?;
        let scope = self.scope(row, None);
        let fetched = row.hooks.fetch(&scope, &[request.id.to_string()]).await.pop();
        match fetched.unwrap_or(Ok(None)) {
            Ok(Some(object)) => {
                let state = row.hooks.imported(&scope, &object, &request.id);
                let private = scope.private(&state);
                Ok(vec![Imported { kind: kind.into(), state, private }])
            }
            Ok(None) => {
                Err(Diagnostic::error(codes::REFUSED, "Cannot import non-existent remote object")
                    .detail(format!("There is no {} with the id {:?}.", row.name, request.id))
                    .into())
            }
            Err(error) => Err(error.diagnostic(format!("Error importing {}", row.name)).into()),
        }
    }

    fn follow_ups(&self, kind: &str, planned: &Value) -> Vec<Name> {
        tables::resource(kind).map(|row| follow_ups(row, planned)).unwrap_or_default()
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        let mut answers = Answers::new(requests.len());
        for part in by_kind(requests.iter().collect(), |it| &it.kind) {
            answers.put(&part.places, self.find_kind(&part.kind, &part.requests).await);
        }
        answers.into_vec(|| FindReply { candidates: None, diagnostics: unanswered().into() })
    }

    async fn marked_many(&self, kinds: &[Name]) -> Vec<Marked> {
        if self.blocked.is_some() {
            return Vec::new();
        }
        let rows: Vec<&'static Resource> =
            kinds.iter().filter_map(|kind| tables::resource(kind)).collect();
        let found =
            in_lanes(&self.session, &rows, |row| async { marked(&self.scope(row, None)).await })
                .await;
        found.into_iter().flatten().collect()
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        match &self.blocked {
            Some(_) => vec![None; values.len()],
            None => lenders(&self.session, values).await,
        }
    }

    fn cloud_time(&self, kind: &str, values: Option<&Value>, at: Timestamp) -> Option<Timestamp> {
        let row = tables::resource(kind)?;
        let region = values.and_then(|values| values.text("region")).unwrap_or_default();
        self.session.cloud_time(row.service, region, at)
    }

    async fn credentials_end(&self) -> Option<Timestamp> {
        if self.blocked.is_some() { None } else { self.session.credentials_end().await }
    }

    fn is_same_object(&self, _kind: &str, one: &Value, other: &Value) -> bool {
        let same = |name: &str| one.text(name).is_some() && one.text(name) == other.text(name);
        same("id") && same("region")
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        if self.blocked.is_some() {
            return Ok(None);
        }
        let realm = self.session.realm().await;
        realm
            .map(|realm| Some(realm.into()))
            .map_err(|error| error.diagnostic("Login failed").into())
    }
}

fn poll_refused(diagnostic: Diagnostic) -> PollReply {
    let outcome = PollOutcome::Refused { state: None, private: None };
    PollReply { outcome, diagnostics: diagnostic.into() }
}
