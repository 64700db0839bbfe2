//! The provider, configured.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use terrarium_address::{AttrPath, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Accepted, Action, ApplyOutcome, ApplyReply, ApplyRequest, DataOutcome, DataReply, DataRequest,
    Deferral, Doubt, DoubtKind, FindReply, FindRequest, ImportRequest, Imported, Lender, Pending,
    Permit, PlanOutcome, PlanReply, PlanRequest, PlannedFact, PollOutcome, PollReply, Private,
    Provider, ReadOutcome, ReadReply, ReadRequest, Standing, Term,
};
use terrarium_value::{Type, Value};

use super::cloud::{Inside, Object, settled};
use super::kind::{REFUSED, data_schema};
use super::{Cloud, Trouble, events, find, lease};

pub(super) const POLL: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_mins(5);

pub(crate) struct FakeProvider {
    cloud: Arc<Cloud>,
    endpoint: Option<Value>,
}

/// Lets others run, so that every call has places where the engine can be killed.
pub(crate) fn breathe() -> impl Future<Output = ()> {
    let mut asked = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

pub(super) fn error(summary: &str, detail: String) -> Diagnostics {
    Diagnostic::error(REFUSED, summary).detail(detail).into()
}

impl FakeProvider {
    pub(super) fn new(cloud: Arc<Cloud>, endpoint: Option<Value>) -> Self {
        Self { cloud, endpoint }
    }

    fn local(request: ApplyRequest) -> ApplyReply {
        assert!(matches!(request.permit, Permit::Local), "a local type needs no intent");
        if request.action == Action::Delete {
            return ApplyReply::done(None, None);
        }
        let planned = request.planned.unwrap();
        let config = request.config.unwrap();
        let note = config.get("note").cloned().unwrap();
        let output = if note.is_null() { Value::string("none") } else { note };
        let state = settled(&planned, "local");
        let state = state.transform(&mut |path: &AttrPath, part: Value| {
            if path.to_string() == "output" { output.clone() } else { part }
        });
        ApplyReply::done(Some(state), None)
    }

    fn external(&self, kind: &str, request: &ApplyRequest) -> ApplyReply {
        let Permit::External(recorded) = &request.permit else { panic!("no intent") };
        let marker = recorded.intent().marker.as_str().to_owned();
        let mut inside = self.cloud.inside();
        let addr = request.addr.to_string();
        let trouble = inside.fault(&addr, request.action);
        let (symptom, says) = match trouble {
            Some(Trouble::Failed | Trouble::FailedMade) => ("500", DoubtKind::Failed),
            _ => ("reset", DoubtKind::Lost),
        };
        let attempted = format!("{:?}", request.action);
        let doubt = Doubt { attempted, symptom: symptom.into(), kind: says };
        match trouble {
            Some(Trouble::Refuse) => {
                return ApplyReply::refused(error("Refused", format!("no room for {addr}")));
            }
            Some(Trouble::LostUnmade | Trouble::Failed) => return ApplyReply::unknown(doubt),
            _ => {}
        }
        let verb = match request.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        };
        let endpoint = match &self.endpoint {
            Some(endpoint) if !endpoint.is_known() => {
                return ApplyReply::refused(error("Refused", "the endpoint is unknown".into()));
            }
            Some(endpoint) => endpoint.as_str().map(|it| format!(" @{it}")).unwrap_or_default(),
            None => String::new(),
        };
        inside.log.push(format!("{verb} {addr}{endpoint}"));
        let reply = match request.action {
            Action::Create => create(&mut inside, kind, request, marker, trouble),
            Action::Update => update(&mut inside, request),
            Action::Delete => delete(&mut inside, kind, request),
        };
        match trouble {
            Some(
                Trouble::Lost | Trouble::LostDoubled | Trouble::LostUnmarked | Trouble::FailedMade,
            ) => ApplyReply::unknown(doubt),
            _ => reply,
        }
    }
}

fn create(
    inside: &mut Inside,
    kind: &str,
    request: &ApplyRequest,
    marker: String,
    trouble: Option<Trouble>,
) -> ApplyReply {
    let planned = request.planned.as_ref().unwrap();
    if let Some(link) = inside.dangling(planned) {
        return ApplyReply::refused(error("Not found", format!("no object {link} to link to")));
    }
    if request.private.is_some() {
        // The second stage of a slow creation: nothing is made.
        let id = inside.find(request.prior.as_ref()).unwrap();
        inside.objects.get_mut(&id).unwrap().building = 1;
        return accepted(inside, id, None);
    }
    let broken = trouble == Some(Trouble::RefuseMade);
    if let Some(reply) = events::create(inside, kind, request, &marker, broken) {
        return reply;
    }
    let marker = (trouble != Some(Trouble::LostUnmarked)).then_some(marker);
    if trouble == Some(Trouble::LostDoubled) {
        inside.make(kind, planned, marker.clone());
    }
    let id = inside.make(kind, planned, marker);
    let state = inside.objects[&id].state.clone();
    match trouble {
        Some(Trouble::RefuseMade) => ApplyReply {
            outcome: ApplyOutcome::Refused { state: Some(state), private: None },
            diagnostics: error("Refused", "it broke on the way".into()),
        },
        Some(Trouble::Stuck) => {
            inside.objects.get_mut(&id).unwrap().building = u32::MAX;
            accepted(inside, id, Some(state))
        }
        _ if kind == "fake_slow" => {
            let partly = state.transform(&mut |path: &AttrPath, part: Value| {
                if path.to_string() == "status" {
                    Value::unknown(Type::String, terrarium_value::Causes::NONE)
                } else {
                    part
                }
            });
            accepted(inside, id, Some(partly))
        }
        _ => ApplyReply::done(Some(state), None),
    }
}

fn update(inside: &mut Inside, request: &ApplyRequest) -> ApplyReply {
    let Some(id) = inside.find(request.prior.as_ref()) else {
        return ApplyReply::refused(error("Not found", "it is gone".into()));
    };
    let planned = request.planned.as_ref().unwrap();
    if let Some(link) = inside.dangling(planned) {
        return ApplyReply::refused(error("Not found", format!("no object {link} to link to")));
    }
    if let Some(why) = events::refuses_update(inside, id, planned) {
        return ApplyReply::refused(error("Refused", why.to_owned()));
    }
    inside.objects.get_mut(&id).unwrap().state = settled(planned, &id.to_string());
    inside.catch_up();
    let mut reply = ApplyReply::done(Some(inside.objects[&id].state.clone()), None);
    if let ApplyOutcome::Done { window, .. } = &mut reply.outcome {
        *window = lease::term(&inside.objects[&id]).map(|term| term.window);
    }
    reply
}

fn delete(inside: &mut Inside, kind: &str, request: &ApplyRequest) -> ApplyReply {
    let Some(id) = inside.find(request.prior.as_ref()) else {
        return ApplyReply::done(None, None);
    };
    if let Some(user) = inside.user_of(id).or_else(|| events::sits_on(inside, id)) {
        return ApplyReply::refused(error("In use", format!("{id} is used by {user}")));
    }
    if kind == "fake_slow" {
        let object = inside.objects.get_mut(&id).unwrap();
        object.deleting = true;
        object.building = 1;
        return accepted(inside, id, None);
    }
    inside.objects.remove(&id);
    inside.catch_up();
    ApplyReply::done(None, None)
}

fn accepted(_inside: &Inside, id: u64, state: Option<Value>) -> ApplyReply {
    ApplyReply::accepted(Accepted {
        id: id.to_string().as_str().into(),
        state,
        private: None,
        poll_after: POLL,
        timeout: TIMEOUT,
    })
}

fn poll(inside: &mut Inside, pending: &Pending) -> PollReply {
    let reply = |outcome| PollReply { outcome, diagnostics: Diagnostics::new() };
    let id: u64 = pending.accepted.id.parse().unwrap();
    let Some(object) = inside.objects.get_mut(&id) else {
        return reply(PollOutcome::Done { state: None, private: None, window: None });
    };
    if object.building > 0 && object.building != u32::MAX {
        object.building -= 1;
    }
    if object.building > 0 {
        return reply(PollOutcome::Waiting { poll_after: POLL, status: "BUILD".into() });
    }
    if object.deleting {
        inside.objects.remove(&id);
        return reply(PollOutcome::Done { state: None, private: None, window: None });
    }
    let state = Some(object.state.clone());
    let staged = object.state.get("stages").is_some_and(|stages| !stages.is_null());
    if staged && pending.accepted.state.is_some() {
        let private: Private = Some(b"second".as_slice().into());
        return reply(PollOutcome::Continue { state, private });
    }
    reply(PollOutcome::Done { state, private: None, window: None })
}

#[async_trait]
impl Provider for FakeProvider {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        self.cloud.count("plan");
        breathe().await;
        let inside = self.cloud.inside();
        let plan = |it: PlanRequest| {
            if &*it.kind == "fake_lease" {
                return lease::plan(&inside, it);
            }
            let forcing = lease::forcing(&it.kind);
            match asleep(&inside, &it.config) {
                Some(deferral) => PlanReply {
                    outcome: PlanOutcome::Deferred(deferral),
                    diagnostics: Diagnostics::new(),
                },
                None => PlanReply::planned(planned(it), forcing, None),
            }
        };
        requests.into_iter().map(plan).collect()
    }

    async fn check_plan(&self, facts: &[PlannedFact]) -> Diagnostics {
        self.cloud.count("check");
        lease::check(&self.cloud.inside(), facts)
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        self.cloud.count("read");
        breathe().await;
        let inside = self.cloud.inside();
        let read = |request: ReadRequest| {
            if inside.deaf {
                return ReadReply::refused(error("Unreachable", "nobody answers".into()));
            }
            if &*request.addr.block.kind == "fake_local" {
                return ReadReply::found(request.state, request.private);
            }
            match inside.find(Some(&request.state)) {
                Some(id) => found(&inside, &inside.objects[&id], request),
                None => ReadReply::gone(),
            }
        };
        requests.into_iter().map(read).collect()
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        self.cloud.count("data");
        breathe().await;
        let mut inside = self.cloud.inside();
        let mut replies = Vec::new();
        for request in requests {
            let kind = &*request.kind;
            let schema = data_schema(kind).unwrap();
            inside.log.push(format!("read {}", request.addr));
            let name = request.config.get("name").and_then(Value::as_str).unwrap().to_owned();
            let named = |state: &Value| state.get("name").and_then(Value::as_str) == Some(&name);
            let found = inside.objects.values().find(|object| {
                named(&object.state) && (kind != "fake_lease" || object.kind == kind)
            });
            if let Some(deferral) = asleep(&inside, &request.config) {
                let outcome = DataOutcome::Deferred(deferral);
                replies.push(DataReply { outcome, diagnostics: Diagnostics::new() });
                continue;
            }
            replies.push(match found {
                None => DataReply::refused(error("No match", format!("nothing is named {name}"))),
                Some(object) => {
                    let names = schema.block.attributes.keys();
                    let null = Value::null(Type::String);
                    let values =
                        names.map(|it| (it.clone(), object.state.get(it).unwrap_or(&null).clone()));
                    let (state, term) = (Value::object_of(values), lease::term(object));
                    let outcome = DataOutcome::Read { state, term };
                    DataReply { outcome, diagnostics: Diagnostics::new() }
                }
            });
        }
        replies
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        self.cloud.count("apply");
        breathe().await;
        if kind == "fake_local" {
            self.cloud.inside().log.push(format!("local {}", request.addr));
            return Self::local(request);
        }
        let reply = self.external(kind, &request);
        breathe().await;
        reply
    }

    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        self.cloud.count("poll");
        breathe().await;
        let mut inside = self.cloud.inside();
        pending.iter().map(|it| poll(&mut inside, it)).collect()
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        breathe().await;
        if request.id.parse::<u64>().is_err() {
            return Err(error("Invalid id", format!("{} is no number", request.id)));
        }
        let state = find::only_id(kind, &request.id);
        Ok(vec![Imported { kind: kind.into(), state, private: None }])
    }

    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        self.cloud.count("find");
        breathe().await;
        let inside = self.cloud.inside();
        requests.iter().map(|request| find::find(&inside, request)).collect()
    }

    async fn lenders(&self, values: &[String]) -> Vec<Option<Lender>> {
        self.cloud.count("lenders");
        breathe().await;
        let inside = self.cloud.inside();
        values.iter().map(|value| inside.lender(value)).collect()
    }

    async fn realm(&self) -> Result<Option<Name>, Diagnostics> {
        Ok(Some("fake cloud".into()))
    }
}

/// Returns until when a thing can't be planned or looked up.
fn asleep(inside: &Inside, config: &Value) -> Option<Deferral> {
    let name = config.get("name").and_then(Value::as_str)?;
    let not_before = inside.now.checked_add(SignedDuration::from_hours(1)).ok();
    let reason = format!("{name} to wake up");
    inside.asleep.contains(name).then(|| Deferral::until(not_before, reason))
}

fn found(inside: &Inside, object: &Object, request: ReadRequest) -> ReadReply {
    let mut reply = ReadReply::found(object.state.clone(), request.private);
    if object.kind == "fake_lease"
        && let ReadOutcome::Found { term, state, .. } = &mut reply.outcome
    {
        *term = lease::term(object);
        if let Some(Term { standing: standing @ Standing::Upcoming, .. }) = term
            && inside.lies
        {
            *standing = Standing::Open;
        }
        if matches!(term, Some(Term { standing: Standing::Ended(_), .. })) {
            // Whoever ended it early: what was asked for is what it is compared with.
            *state = lease::set(state, "end", request.state.get("end").unwrap().clone());
        }
    }
    reply
}

fn planned(request: PlanRequest) -> Value {
    let PlanRequest { kind, proposed, config, .. } = request;
    if &*kind != "fake_local" {
        return proposed;
    }
    let note = config.get("note").cloned().unwrap();
    proposed.transform(&mut |path: &AttrPath, part: Value| {
        let output = path.to_string() == "output";
        if output && !note.is_null() { note.clone() } else { part }
    })
}
