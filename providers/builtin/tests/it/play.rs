//! Plays one case: what the engine would do with each step, through the contract alone.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_address::ResourceAddr;
use terrarium_builtin::{SeededChance, kinds};
use terrarium_diagnostic::{Diagnostics, Severity};
use terrarium_provider::{
    Action, ApplyOutcome, ApplyRequest, Clock, ConfigureRequest, Connection, ImportRequest, Permit,
    PlanOutcome, PlanRequest, PlannedChange, Provider, ProviderKind, ReadOutcome, ReadRequest,
    Schema, Types, Unlimited, UpgradeRequest,
};
use terrarium_value::{Causes, Map, Value};

use crate::json;

struct Case {
    kind: String,
    addr: ResourceAddr,
    schema: Arc<Schema>,
    checks: Arc<dyn ProviderKind>,
    provider: Arc<dyn Provider>,
    clock: Arc<Hands>,
    state: Option<Value>,
}

/// A clock that a case sets.
struct Hands(Mutex<Timestamp>);

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    async fn wait_until(&self, _at: Timestamp) {
        panic!("a provider waits");
    }
}

/// Plays the steps of a case, and says at which one it went otherwise.
pub(crate) async fn play(kind: &str, text: &str) -> Result<(), String> {
    let steps: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut case = Case::new(kind).await;
    for (at, step) in steps["steps"].as_array().ok_or("no steps")?.iter().enumerate() {
        case.step(step).await.map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    Ok(())
}

impl Case {
    async fn new(kind: &str) -> Self {
        let clock = Arc::new(Hands(Mutex::new("2026-03-01T12:00:00.75Z".parse().unwrap())));
        let every = kinds(&(Arc::new(SeededChance::new("case")) as _), &(Arc::clone(&clock) as _));
        let mut found = None;
        for one in every {
            if let Some(schema) = one.schemas("", &Types::All).await.unwrap().resources.get(kind) {
                found = Some((schema.clone(), one));
            }
        }
        let (schema, checks) = found.expect("a known type");
        let version = checks.versions().last().unwrap().to_string();
        let request = ConfigureRequest {
            config: Value::object(Map::new()),
            version,
            connection: Connection::Offline,
            limits: Arc::new(Unlimited),
        };
        let provider = checks.configure(request).await.provider.unwrap();
        let addr = format!("{kind}.it").parse().unwrap();
        Self { kind: kind.into(), addr, schema, checks, provider, clock, state: None }
    }

    async fn step(&mut self, step: &Json) -> Result<(), String> {
        if let Some(now) = step["now"].as_str() {
            *self.clock.0.lock().unwrap() = now.parse().unwrap();
        }
        if let Some(id) = step["import"].as_str() {
            return self.import(id, step).await;
        }
        if let Some(stored) = step.get("stored") {
            return self.upgrade(stored, step).await;
        }
        self.read(step).await?;
        let config = self.config(&step["config"]);
        if !self.accepts(&config, step)? {
            return Ok(());
        }
        let (action, change) = self.plan(&config).await?;
        same("action", &step["action"], action)?;
        let replace: Vec<_> = change.requires_replace.iter().map(ToString::to_string).collect();
        if step["replace"].is_array() || !replace.is_empty() {
            same("replace", &step["replace"], replace)?;
        }
        let planned =
            if action == "replace" { self.plan_anew(&config).await? } else { change.planned };
        json::compare("planned", step.get("planned"), Some(&planned))?;
        if step["only"] == "plan" || action == "none" {
            return Ok(());
        }
        self.apply(action, planned, &step["settled"], config).await?;
        json::compare("state", step.get("state"), self.state.as_ref())
    }

    async fn import(&mut self, id: &str, step: &Json) -> Result<(), String> {
        let request = ImportRequest { addr: self.addr.clone(), id: id.into() };
        match self.provider.import(&self.kind, request).await {
            Ok(found) => {
                let state = found.into_iter().next().ok_or("nothing imported")?.state;
                if state.as_entries().unwrap().len() != self.schema.block.attributes.len() {
                    return Err(format!("an incomplete object: {}", json::from_value(&state)));
                }
                self.state = Some(state);
                json::compare("state", step.get("state"), self.state.as_ref())
            }
            Err(diagnostics) => {
                same("errors", &step["errors"], details(&diagnostics, Severity::Error))
            }
        }
    }

    /// Takes over an object that an older version stored.
    async fn upgrade(&mut self, stored: &Json, step: &Json) -> Result<(), String> {
        let version = step["version"].as_u64().ok_or("no version")?;
        let attributes = stored.to_string().into();
        let request = UpgradeRequest { kind: self.kind.as_str().into(), version, attributes };
        let mut answers = self.checks.upgrade_many(vec![request]).await;
        let text = answers.remove(0).map_err(|it| format!("{it:?}"))?;
        let today: Json = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let attributes = self.schema.block.attributes.iter();
        let value = |name: &str| today.get(name).unwrap_or(&Json::Null);
        self.state = Some(Value::object_of(
            attributes.map(|(name, it)| (name.clone(), json::to_value(value(name), &it.ty))),
        ));
        json::compare("state", step.get("state"), self.state.as_ref())
    }

    async fn read(&mut self, step: &Json) -> Result<(), String> {
        let Some(state) = self.state.take() else { return Ok(()) };
        let request = ReadRequest {
            kind: self.kind.as_str().into(),
            addr: self.addr.clone(),
            state,
            private: None,
        };
        let reply = self.provider.read_many(vec![request]).await.pop().ok_or("no answer")?;
        if let ReadOutcome::Found { state, .. } = reply.outcome {
            self.state = Some(state);
        }
        let gone = step["read"] == "gone";
        if gone == self.state.is_some() { Err(format!("gone should be {gone}")) } else { Ok(()) }
    }

    /// The configuration as a value; panics where it names what the schema lacks.
    fn config(&self, given: &Json) -> Value {
        let attributes = &self.schema.block.attributes;
        for name in given.as_object().into_iter().flat_map(serde_json::Map::keys) {
            assert!(attributes.get(name.as_str()).unwrap().presence.is_settable(), "{name}");
        }
        let value = |name: &str| given.get(name).unwrap_or(&Json::Null);
        Value::object_of(
            attributes.iter().map(|(name, it)| (name.clone(), json::to_value(value(name), &it.ty))),
        )
    }

    fn accepts(&self, config: &Value, step: &Json) -> Result<bool, String> {
        let diagnostics = self.checks.validate_resource(&self.kind, config);
        for (key, severity) in [("errors", Severity::Error), ("warnings", Severity::Warning)] {
            let found = details(&diagnostics, severity);
            if step[key].is_array() || !found.is_empty() {
                same(key, &step[key], found)?;
            }
        }
        Ok(!diagnostics.has_errors())
    }

    async fn plan(&self, config: &Value) -> Result<(&'static str, PlannedChange), String> {
        let change = self.ask(self.state.clone(), config).await?;
        let action = match &self.state {
            None => "create",
            Some(_) if !change.requires_replace.is_empty() => "replace",
            Some(state) if state.same(&change.planned) => "none",
            Some(_) => "update",
        };
        Ok((action, change))
    }

    async fn plan_anew(&self, config: &Value) -> Result<Value, String> {
        Ok(self.ask(None, config).await?.planned)
    }

    async fn ask(&self, prior: Option<Value>, config: &Value) -> Result<PlannedChange, String> {
        let proposed = self.proposed(prior.as_ref(), config);
        let request = PlanRequest {
            kind: self.kind.as_str().into(),
            addr: self.addr.clone(),
            prior,
            proposed,
            config: config.clone(),
            private: None,
            ended: None,
            replaces: None,
            claims: std::sync::Arc::default(),
        };
        let reply = self.provider.plan_many(vec![request]).await.pop().ok_or("no answer")?;
        match reply.outcome {
            PlanOutcome::Planned(change) => Ok(*change),
            other => Err(format!("not planned: {other:?} {:?}", reply.diagnostics)),
        }
    }

    /// What the engine proposes: the configuration, and what the provider said before.
    fn proposed(&self, prior: Option<&Value>, config: &Value) -> Value {
        let attributes = self.schema.block.attributes.iter().map(|(name, attribute)| {
            let given = config.get(name).unwrap();
            let value = match prior {
                _ if !given.is_null() || !attribute.presence.is_computed() => given.clone(),
                Some(prior) => prior.get(name).unwrap().clone(),
                None => Value::unknown(attribute.ty.clone(), Causes::NONE),
            };
            (name.clone(), value)
        });
        Value::object_of(attributes)
    }

    async fn apply(
        &mut self,
        action: &str,
        planned: Value,
        settled: &Json,
        config: Value,
    ) -> Result<(), String> {
        let config = if settled.is_object() { self.config(settled) } else { config };
        if action == "replace" {
            self.carry_out(Action::Delete, None, None).await?;
        }
        let action = if action == "update" { Action::Update } else { Action::Create };
        self.carry_out(action, Some(planned), Some(config)).await
    }

    async fn carry_out(
        &mut self,
        action: Action,
        planned: Option<Value>,
        config: Option<Value>,
    ) -> Result<(), String> {
        let (addr, prior) = (self.addr.clone(), self.state.take());
        let request = ApplyRequest {
            addr,
            action,
            prior,
            planned,
            config,
            private: None,
            permit: Permit::Local,
        };
        let reply = self.provider.apply(&self.kind, request).await;
        let ApplyOutcome::Done { state, .. } = reply.outcome else {
            return Err(format!("not applied: {:?}", reply.diagnostics));
        };
        if state.as_ref().is_some_and(|state| !state.is_wholly_known()) {
            return Err("something is unknown after the apply".into());
        }
        self.state = state;
        Ok(())
    }
}

fn details(diagnostics: &Diagnostics, severity: Severity) -> Vec<String> {
    diagnostics
        .iter()
        .filter(|one| one.severity == severity)
        .map(|one| one.detail.clone())
        .collect()
}

fn same(what: &str, expected: &Json, actual: impl Into<Json>) -> Result<(), String> {
    let actual = actual.into();
    if *expected == actual { Ok(()) } else { Err(format!("{what} is {actual}, not {expected}")) }
}
