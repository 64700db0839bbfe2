//! The harness: makes a provider of the contract from a table.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use terrarium_address::Mode;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{
    Action, ApplyReply, ApplyRequest, ConfigureRequest, Configured, DataReply, DataRequest,
    FindReply, FindRequest, ImportRequest, Imported, Pending, PlanReply, PlanRequest, PollOutcome,
    PollReply, ProviderKind, ReadReply, ReadRequest, Schema, Schemas, Types, UpgradeRequest,
};
use terrarium_value::{Entries, Map, Value};

use crate::row::{Means, Provider, Resource};
use crate::{Chance, codes, planning, schema};

/// A small provider, before and after it is configured: there is nothing to configure.
pub(crate) struct Small {
    row: &'static Provider,
    core: Arc<Core>,
    schemas: BTreeMap<&'static str, OnceLock<Arc<Schema>>>,
}

struct Core {
    resources: &'static [Resource],
    means: Means,
}

impl Small {
    /// Wires a table to the seams.
    pub(crate) fn new(
        row: &'static Provider,
        chance: &Arc<dyn Chance>,
        clock: &Arc<dyn terrarium_provider::Clock>,
    ) -> Self {
        let means = Means { chance: Arc::clone(chance), clock: Arc::clone(clock) };
        let schemas =
            row.resources.iter().map(|resource| (resource.name, OnceLock::new())).collect();
        Self { row, core: Arc::new(Core { resources: row.resources, means }), schemas }
    }
}

#[async_trait]
impl ProviderKind for Small {
    fn source(&self) -> &str {
        self.row.source
    }

    fn versions(&self) -> &[&str] {
        self.row.versions
    }

    async fn schemas(&self, _version: &str, types: &Types) -> Result<Arc<Schemas>, Diagnostics> {
        let wanted = self.schemas.iter().filter(|(name, _)| types.contains(Mode::Managed, name));
        let resources = wanted.filter_map(|(name, cell)| {
            let resource = self.core.resource(name)?;
            Some(((*name).into(), cell.get_or_init(|| Arc::new(schema::schema(resource))).clone()))
        });
        Ok(Arc::new(Schemas {
            resources: resources.collect(),
            resource_names: self.row.resources.iter().map(|row| row.name.into()).collect(),
            ..Schemas::default()
        }))
    }

    fn validate_resource(&self, kind: &str, config: &Value) -> Diagnostics {
        match (self.core.resource(kind), config.as_entries()) {
            (Some(resource), Some(config)) => schema::check(resource, config),
            _ => Diagnostics::new(),
        }
    }

    async fn upgrade_many(
        &self,
        requests: Vec<UpgradeRequest>,
    ) -> Vec<Result<Arc<str>, Diagnostics>> {
        let upgrade = |request: UpgradeRequest| match self.core.resource(&request.kind) {
            Some(resource) if request.version < resource.version => {
                self.core.upgrade(resource, &request.attributes).map(Arc::from)
            }
            _ => Ok(request.attributes),
        };
        requests.into_iter().map(upgrade).collect()
    }

    async fn configure(&self, _request: ConfigureRequest) -> Configured {
        let provider = Arc::clone(&self.core) as Arc<dyn terrarium_provider::Provider>;
        Configured { provider: Some(provider), diagnostics: Diagnostics::new() }
    }
}

impl Core {
    fn resource(&self, kind: &str) -> Option<&'static Resource> {
        self.resources.iter().find(|resource| resource.name == kind)
    }

    fn read(&self, resource: &Resource, request: ReadRequest) -> ReadReply {
        let stands = match (resource.hooks.stands, request.state.as_entries()) {
            (Some(stands), Some(state)) => stands(&self.means, state),
            _ => true,
        };
        if stands { ReadReply::found(request.state, request.private) } else { ReadReply::gone() }
    }

    fn carry_out(&self, resource: &Resource, request: ApplyRequest) -> ApplyReply {
        let hook = match request.action {
            Action::Delete => return ApplyReply::done(None, request.private),
            Action::Create => Some(resource.hooks.make),
            Action::Update => resource.hooks.change,
        };
        let Some(planned) = request.planned.as_ref().and_then(Value::as_entries) else {
            let detail = format!("{} was to be applied without planned values.", request.addr);
            return ApplyReply::refused(
                Diagnostic::error(codes::CONTRACT, "No values to apply").detail(detail),
            );
        };
        let mut attributes = planned.to_map();
        settle(&mut attributes, request.config.as_ref().and_then(Value::as_entries));
        match hook.map_or(Ok(()), |hook| hook(&self.means, &mut attributes)) {
            Ok(()) => ApplyReply::done(Some(Value::object(attributes)), request.private),
            Err(diagnostics) => ApplyReply::refused(diagnostics),
        }
    }

    fn upgrade(&self, resource: &Resource, attributes: &str) -> Result<String, Diagnostics> {
        let Some(upgrade) = resource.hooks.upgrade else { return Ok(attributes.to_owned()) };
        let damaged = |error: serde_json::Error| {
            Diagnostic::error(codes::STORED, "Stored object can't be read").detail(format!(
                "The stored attributes of a {} are no JSON object: {error}.",
                resource.name
            ))
        };
        let mut stored = serde_json::from_str(attributes).map_err(damaged)?;
        upgrade(&self.means, &mut stored)?;
        Ok(serde_json::to_string(&stored).map_err(damaged)?)
    }

    fn find(&self, resource: &Resource, id: &str) -> Result<Value, Diagnostics> {
        let Some(import) = resource.hooks.import else {
            return Err(schema::not_imported(format!("A {} can't be imported.", resource.name)));
        };
        let mut attributes = import(&self.means, id)?;
        for field in resource.fields {
            attributes.entry(field.name.into()).or_insert_with(|| Value::null(field.ty.to_type()));
        }
        Ok(Value::object(attributes))
    }
}

/// What was unknown when it was planned is in the configuration by now.
fn settle(planned: &mut Map, config: Option<&Entries>) {
    for (name, given) in config.into_iter().flatten() {
        if !given.is_null()
            && let Some(value) = planned.get_mut(name)
            && !value.is_wholly_known()
        {
            *value = given.clone();
        }
    }
}

fn no_such(kind: &str) -> Diagnostics {
    let detail = format!("This provider has no type \"{kind}\".");
    Diagnostic::error(codes::CONTRACT, "Unknown resource type").detail(detail).into()
}

#[async_trait]
impl terrarium_provider::Provider for Core {
    async fn plan_many(&self, requests: Vec<PlanRequest>) -> Vec<PlanReply> {
        let plan = |request: PlanRequest| match self.resource(&request.kind) {
            Some(resource) => planning::plan(resource, request),
            None => PlanReply::refused(no_such(&request.kind)),
        };
        requests.into_iter().map(plan).collect()
    }

    async fn read_many(&self, requests: Vec<ReadRequest>) -> Vec<ReadReply> {
        let read = |request: ReadRequest| match self.resource(&request.kind) {
            Some(resource) => self.read(resource, request),
            None => ReadReply::refused(no_such(&request.kind)),
        };
        requests.into_iter().map(read).collect()
    }

    fn judges_plans(&self) -> bool {
        false
    }

    async fn read_data_many(&self, requests: Vec<DataRequest>) -> Vec<DataReply> {
        requests.iter().map(|it| DataReply::refused(no_such(&it.kind))).collect()
    }

    async fn apply(&self, kind: &str, request: ApplyRequest) -> ApplyReply {
        match self.resource(kind) {
            Some(resource) => self.carry_out(resource, request),
            None => ApplyReply::refused(no_such(kind)),
        }
    }

    /// Nothing here is ever accepted for later, so what is asked about was done when it was accepted.
    async fn poll_many(&self, pending: &[Pending]) -> Vec<PollReply> {
        let done = |work: &Pending| PollOutcome::Done {
            state: work.accepted.state.clone(),
            private: work.accepted.private.clone(),
            window: None,
        };
        pending
            .iter()
            .map(|work| PollReply { outcome: done(work), diagnostics: Diagnostics::new() })
            .collect()
    }

    async fn import(
        &self,
        kind: &str,
        request: ImportRequest,
    ) -> Result<Vec<Imported>, Diagnostics> {
        let resource = self.resource(kind).ok_or_else(|| no_such(kind))?;
        let state = self.find(resource, &request.id)?;
        Ok(vec![Imported { kind: kind.into(), state, private: None }])
    }

    /// A local action leaves nothing behind but its outcome.
    async fn find_many(&self, requests: &[FindRequest]) -> Vec<FindReply> {
        let nothing =
            |_| FindReply { candidates: Some(Vec::new()), diagnostics: Diagnostics::new() };
        requests.iter().map(nothing).collect()
    }
}
