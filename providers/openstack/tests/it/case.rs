//! One case: a configuration, perhaps a prior state, the calls that follow, and the state after them.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use terrarium_address::{InstanceKey, ResourceAddr};
use terrarium_diagnostic::Diagnostics;
use terrarium_provider::{
    Action, ApplyOutcome, ApplyReply, ApplyRequest, DataOutcome, DataRequest, Intent, IntentId,
    Marker, NoStore, Pending, Permit, PlanOutcome, PlanReply, PlanRequest, PlannedChange,
    PollOutcome, Presence, Private, Provider, ProviderKind, ReadOutcome, ReadRequest, Recorded,
    Recorder, Schema, Types,
};
use terrarium_value::{Causes, Map, Value};

use crate::cloud::{Call, Cloud};
use crate::convert::{assert_has, json_of, value_of};
use crate::time;

/// Most polls that a case may take.
const POLLS: u32 = 50;

/// Runs a case; panics where it fails.
pub(crate) fn run(case: &Json) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(run_case(case));
}

async fn run_case(case: &Json) {
    let cloud = Cloud::new(calls(&case["calls"]));
    let kind = cloud.kind();
    let name = case["kind"].as_str().unwrap();
    let version = case["version"].as_str().unwrap_or("3.4.0");
    let provider = cloud.provider(version).await;
    if case["data"] == true {
        run_data(case, &kind, &*provider).await;
        return cloud.assert_done();
    }
    let schemas = kind.schemas(version, &Types::All).await.unwrap();
    let schema = schemas.resources.get(name).unwrap_or_else(|| panic!("no type {name}")).clone();
    let config = configured(value_of(&case["config"], &schema.block.ty()), &schema);
    let says = match case.get("config") {
        Some(_) => kind.validate_resource(name, &config),
        None => Diagnostics::new(),
    };
    let refused = says.has_errors();
    let ended = case["ended"].as_str().map(|text| text.parse().unwrap());
    let mut subject = Subject { name, schema, provider, says, ended };
    let outcome = if refused { None } else { run_action(case, &mut subject, &config).await };
    assert_says(&subject.says, &case["says"]);
    if let Some(outcome) = outcome {
        check_outcome(case, &mut subject, &config, &outcome).await;
    }
    cloud.assert_done();
}

/// Plans and acts; `None` where the case ends with the plan.
async fn run_action(case: &Json, subject: &mut Subject<'_>, config: &Value) -> Option<Outcome> {
    let prior = case.get("prior").map(|prior| value_of(prior, &subject.schema.block.ty()));
    let action = case["action"].as_str().unwrap_or_default();
    match action {
        "read" => return Some(subject.read(prior.as_ref().unwrap()).await),
        "delete" => return Some(subject.act(Action::Delete, prior.as_ref(), None, None).await),
        _ => {}
    }
    let change = subject.plan(prior.as_ref(), config).await?;
    if let Some(expected) = case.get("planned") {
        assert_has(&json_of(&change.planned), expected, "planned");
    }
    time::check_plan(case, &change);
    let replace: Vec<String> = change.requires_replace.iter().map(ToString::to_string).collect();
    let expected = case.get("replace").cloned().unwrap_or(json!([]));
    assert_eq!(json!(replace), expected, "paths that need a new object");
    if let (Some(prior), true) = (&prior, case["unchanged"] == true) {
        assert_eq!(json_of(&change.planned), json_of(prior), "no change was planned");
    }
    let action = match action {
        "create" => Action::Create,
        "update" => Action::Update,
        _ => return None,
    };
    Some(subject.act(action, prior.as_ref(), Some(&change.planned), Some(config)).await)
}

async fn check_outcome(case: &Json, subject: &mut Subject<'_>, config: &Value, outcome: &Outcome) {
    if let Some(expected) = case.get("outcome") {
        assert_eq!(json!(outcome.ended), *expected, "{:?}", subject.says);
    }
    if let Some(expected) = case.get("when") {
        assert_eq!(outcome.when, *expected, "window or term");
    }
    let there = outcome.values.as_ref().map_or(Json::Null, json_of);
    if let Some(expected) = case.get("state") {
        assert_has(&there, expected, "state");
    }
    let Some(values) = &outcome.values else { return };
    assert_eq!(values.ty(), subject.schema.block.ty(), "the state has the schema's type");
    if outcome.ended == "done" && case["action"] != "read" {
        let again = subject.plan(Some(values), config).await.unwrap();
        assert_eq!(json_of(&again.planned), there, "the second plan is empty");
        let replaced = again.requires_replace;
        assert!(replaced.is_empty(), "nothing is replaced: {replaced:?}");
    }
}

async fn run_data(case: &Json, kind: &terrarium_openstack::OpenStack, provider: &dyn Provider) {
    let name = case["kind"].as_str().unwrap();
    let schema = kind.data_schema(name).unwrap();
    let configs: Vec<Json> = match &case["config"] {
        Json::Array(many) => many.clone(),
        one => vec![one.clone()],
    };
    let requests = configs.iter().map(|config| DataRequest {
        kind: name.into(),
        addr: addr(name),
        config: value_of(config, &schema.block.ty()),
    });
    let replies = provider.read_data_many(requests.collect()).await;
    let mut says = Diagnostics::new();
    let mut states = Vec::new();
    for reply in replies {
        says.extend(reply.diagnostics);
        if let DataOutcome::Read { state, term } = reply.outcome {
            assert_eq!(state.ty(), schema.block.ty(), "the result has the schema's type");
            if let Some(expected) = case.get("when") {
                assert_eq!(time::term_json(term), *expected, "term");
            }
            states.push(json_of(&state));
        }
    }
    assert_says(&says, &case["says"]);
    if let Some(expected) = case.get("state") {
        let there =
            if expected.is_array() { json!(states) } else { states.pop().unwrap_or(Json::Null) };
        assert_has(&there, expected, "state");
    }
}

/// What came of an action.
pub(crate) struct Outcome {
    pub(crate) ended: &'static str,
    pub(crate) values: Option<Value>,
    /// Its term or window, as JSON.
    pub(crate) when: Json,
}

impl Outcome {
    fn new(ended: &'static str, values: Option<Value>) -> Self {
        Self { ended, values, when: Json::Null }
    }
}

/// A resource under test.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) schema: Arc<Schema>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) says: Diagnostics,
    /// Since when the object is ended.
    pub(crate) ended: Option<jiff::Timestamp>,
}

impl Subject<'_> {
    pub(crate) async fn plan(
        &mut self,
        prior: Option<&Value>,
        config: &Value,
    ) -> Option<PlannedChange> {
        let request = PlanRequest {
            kind: self.name.into(),
            addr: addr(self.name),
            prior: prior.cloned(),
            proposed: proposed(&self.schema, prior, config),
            config: config.clone(),
            private: None,
            ended: self.ended,
            replaces: None,
            claims: Arc::default(),
        };
        let PlanReply { outcome, diagnostics } =
            self.provider.plan_many(vec![request]).await.pop().unwrap();
        self.says.extend(diagnostics);
        match outcome {
            PlanOutcome::Planned(change) => {
                assert_eq!(
                    change.planned.ty(),
                    self.schema.block.ty(),
                    "the plan has the schema's type"
                );
                Some(*change)
            }
            _ => None,
        }
    }

    async fn read(&mut self, state: &Value) -> Outcome {
        let (kind, addr) = (self.name.into(), addr(self.name));
        let request = ReadRequest { kind, addr, state: state.clone(), private: None };
        let reply = self.provider.read_many(vec![request]).await.pop().unwrap();
        self.says.extend(reply.diagnostics);
        match reply.outcome {
            ReadOutcome::Found { state, term, .. } => {
                Outcome { ended: "done", values: Some(state), when: time::term_json(term) }
            }
            ReadOutcome::Gone => Outcome::new("gone", None),
            _ => Outcome::new("refused", None),
        }
    }

    /// Carries an action through all its waits.
    pub(crate) async fn act(
        &mut self,
        action: Action,
        prior: Option<&Value>,
        planned: Option<&Value>,
        config: Option<&Value>,
    ) -> Outcome {
        let mut private: Private = None;
        let mut prior = prior.cloned();
        for _ in 0..POLLS {
            let request = ApplyRequest {
                addr: addr(self.name),
                action,
                prior: prior.clone(),
                planned: planned.cloned(),
                config: config.cloned(),
                private: private.clone(),
                permit: Permit::External(recorded(self.name, action).await),
            };
            let ApplyReply { outcome, diagnostics } = self.provider.apply(self.name, request).await;
            self.says.extend(diagnostics);
            let accepted = match outcome {
                ApplyOutcome::Done { state, window, .. } => {
                    let when = time::window_json(window);
                    return Outcome { ended: "done", values: state, when };
                }
                ApplyOutcome::Refused { state, .. } => return Outcome::new("refused", state),
                ApplyOutcome::Unknown(_) => return Outcome::new("unknown", None),
                ApplyOutcome::Accepted(accepted) => accepted,
            };
            let mut pending = Pending {
                kind: self.name.into(),
                addr: addr(self.name),
                action,
                accepted,
                since: "2026-03-01T12:00:00Z".parse().unwrap(),
                planned: planned.cloned(),
                config: config.cloned(),
                polls: 0,
            };
            (prior, private) = loop {
                let reply =
                    self.provider.poll_many(std::slice::from_ref(&pending)).await.pop().unwrap();
                self.says.extend(reply.diagnostics);
                match reply.outcome {
                    PollOutcome::Waiting { .. } => pending.polls += 1,
                    PollOutcome::Continue { state, private } => break (state.or(prior), private),
                    PollOutcome::Done { state, window, .. } => {
                        let when = time::window_json(window);
                        return Outcome { ended: "done", values: state, when };
                    }
                    PollOutcome::Refused { state, .. } => return Outcome::new("refused", state),
                }
                assert!(pending.polls < POLLS, "it waits for ever");
            };
        }
        panic!("it goes on for ever");
    }
}

/// Leaves to the provider what only it sets, as a configuration does.
pub(crate) fn configured(config: Value, schema: &Schema) -> Value {
    let Some(mut fields) = config.to_map() else { return config };
    for (name, attribute) in &schema.block.attributes {
        if attribute.presence == Presence::Computed {
            fields.insert(name.clone(), Value::null(attribute.ty.clone()));
        }
    }
    Value::object(fields)
}

/// Merges as the engine does, as far as the cases need it.
pub(crate) fn proposed(schema: &Schema, prior: Option<&Value>, config: &Value) -> Value {
    let mut out: Map = config.to_map().unwrap();
    for (name, attribute) in &schema.block.attributes {
        let unset = out.get(name).is_some_and(Value::is_null);
        let computed =
            matches!(attribute.presence, Presence::Computed | Presence::OptionalComputed);
        if unset && computed {
            let before = prior.and_then(|prior| prior.get(name)).cloned();
            out.insert(
                name.clone(),
                before.unwrap_or_else(|| Value::unknown(attribute.ty.clone(), Causes::NONE)),
            );
        }
    }
    Value::object(out)
}

pub(crate) async fn recorded(kind: &str, action: Action) -> Recorded {
    let recorder = Recorder::new(Arc::new(NoStore::default()));
    let intent = recorder.prepare(intent(kind, action).to_draft());
    recorder.record(vec![intent]).await.unwrap().pop().unwrap()
}

pub(crate) fn intent(kind: &str, action: Action) -> Intent {
    Intent {
        id: IntentId(1),
        addr: addr(kind),
        action,
        marker: Marker::from_text("abcdefghijklmnop"),
        at: "2026-03-01T12:00:00Z".parse().unwrap(),
        cloud_at: None,
        realm: None,
        provider: "openstack".into(),
        planned: None,
        object_id: None,
        deposed: None,
        follow_ups: Vec::new(),
    }
}

pub(crate) fn addr(kind: &str) -> ResourceAddr {
    let addr: ResourceAddr = format!("{kind}.it").parse().unwrap();
    assert_eq!(addr.key, InstanceKey::None);
    addr
}

fn assert_says(diagnostics: &Diagnostics, expected: &Json) {
    let texts: Vec<String> = diagnostics
        .iter()
        .map(|one| {
            format!(
                "{:?}: {} {} {}",
                one.severity,
                one.summary,
                one.detail,
                one.help.clone().unwrap_or_default()
            )
        })
        .collect();
    let expected: Vec<&str> =
        expected.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    assert_eq!(texts.len(), expected.len(), "expected {expected:?}, got {texts:#?}");
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.contains(expected), "expected {expected:?} in {text:?}");
    }
}

/// Reads the script.
pub(crate) fn calls(json: &Json) -> Vec<Call> {
    let all = json.as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|one| Call {
            request: one["call"].as_str().unwrap().to_owned(),
            body: one.get("body").cloned().unwrap_or(Json::Null),
            status: one
                .get("status")
                .and_then(Json::as_u64)
                .map_or(200, |s| u16::try_from(s).unwrap()),
            reply: one.get("reply").cloned().unwrap_or(Json::Null),
            headers: Vec::new(),
        })
        .collect()
}
