//! The snapshot of the providers' schemas: fetched before anything is planned or checked, read by all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use terrarium_address::{Mode, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_provider::{ProviderKind, Schema, Schemas, Types};
use terrarium_state::State;
use terrarium_value::Value;

use super::{asked_for, find, newest, source_of};
use crate::version::Constraint;
use crate::{Inputs, ProviderSet, codes};

/// A provider of the set, with the snapshot of its schemas: empty before that is fetched.
#[derive(Clone)]
pub struct KnownProvider {
    pub(crate) kind: Arc<dyn ProviderKind>,
    schemas: Arc<Schemas>,
}

impl KnownProvider {
    pub(crate) fn new(kind: Arc<dyn ProviderKind>) -> Self {
        Self { kind, schemas: Arc::default() }
    }

    /// Returns its source address without the registry's host.
    pub fn source(&self) -> &str {
        self.kind.source()
    }

    /// Returns the versions it stands for, newest last.
    pub fn versions(&self) -> &[&str] {
        self.kind.versions()
    }

    /// Returns the snapshot of its schemas.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// Returns the schema of its configuration block.
    pub fn config_schema(&self) -> &Schema {
        &self.schemas.config
    }

    /// Returns the schema of a resource type or data source, where the snapshot has it.
    pub fn schema(&self, mode: Mode, kind: &str) -> Option<Arc<Schema>> {
        self.schemas.of(mode, kind).cloned()
    }

    /// Checks a configuration beyond its schema; unknown values are allowed.
    pub(crate) fn validate(&self, mode: Mode, kind: &str, config: &Value) -> Diagnostics {
        match mode {
            Mode::Managed => self.kind.validate_resource(kind, config),
            Mode::Data => self.kind.validate_data(kind, config),
        }
    }
}

/// What of a provider is used, and in which version.
#[derive(Clone, Debug, Default)]
struct Wanted {
    constraints: Vec<String>,
}

impl ProviderSet {
    /// Fetches the schemas of all providers and types.
    pub async fn fetch_all(&self) -> (Self, Diagnostics) {
        let all = self.iter().map(|known| known.source().to_owned());
        let wanted: BTreeMap<String, Wanted> = all.map(|it| (it, Wanted::default())).collect();
        self.fetch(&wanted, &Types::All).await
    }

    /// Fetches the schemas of the types that a configuration and a state name, from the providers that
    /// they use.
    pub async fn fetch_for(&self, config: &Configuration, state: &State) -> (Self, Diagnostics) {
        self.fetch(&used(self, config, state), &Types::Named(types(config, state))).await
    }

    /// Returns whether schemas were fetched.
    pub fn is_fetched(&self) -> bool {
        self.fetched
    }

    async fn fetch(&self, wanted: &BTreeMap<String, Wanted>, types: &Types) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut set = Self { fetched: true, ..self.clone() };
        for known in &mut set.kinds {
            let Some(wanted) = wanted.get(known.kind.source()) else { continue };
            let constraint = Constraint::parse(&wanted.constraints.join(",")).unwrap_or_default();
            let versions = known.kind.versions();
            let version = newest(versions, &constraint).or(versions.last().copied());
            let call = known.kind.schemas(version.unwrap_or_default(), types);
            match self.deadlines.schemas(call).await {
                Ok(Ok(schemas)) => known.schemas = schemas,
                Ok(Err(why)) => diagnostics.push(failed(known.kind.source(), &told(why))),
                Err(late) => diagnostics
                    .push(failed(known.kind.source(), &format!("it has not answered {late}."))),
            }
        }
        (set, diagnostics)
    }
}

impl Inputs {
    /// Returns these inputs with the schemas of what configuration and state name; as they are where those
    /// were fetched already. Validation and the console need them fetched, and may not wait themselves;
    /// every other entry sees to it.
    pub async fn fetched(&self) -> (Cow<'_, Self>, Diagnostics) {
        if self.providers.is_fetched() {
            return (Cow::Borrowed(self), Diagnostics::new());
        }
        let (providers, diagnostics) = self.providers.fetch_for(&self.config, &self.prior).await;
        (Cow::Owned(Self { providers, ..self.clone() }), diagnostics)
    }
}

/// Says in one diagnostic that a provider's schemas are not to be had.
fn failed(source: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::SCHEMAS, "Failed to load plugin schemas")
        .detail(format!("The schemas of the provider {source} can't be loaded: {why}"))
        .help("nothing was changed; run the command again when the provider answers")
}

/// Returns what a provider said, in one text.
fn told(diagnostics: Diagnostics) -> String {
    let all = diagnostics.into_iter().map(|one| {
        if one.detail.is_empty() { one.summary } else { format!("{}: {}", one.summary, one.detail) }
    });
    let all: Vec<String> = all.collect();
    if all.is_empty() { "it does not say why.".to_owned() } else { all.join("; ") }
}

/// Returns the types that a configuration and a state name.
fn types(config: &Configuration, state: &State) -> BTreeSet<(Mode, Name)> {
    let declared = config.modules.values().flat_map(|module| module.resources.keys());
    let declared = declared.map(|block| (block.mode, block.kind.clone()));
    let recorded = state.resources.keys().map(|addr| (addr.block.mode, addr.block.kind.clone()));
    let open = state.intents.iter().map(|open| &open.intent.addr.block);
    let open = open.map(|block| (block.mode, block.kind.clone()));
    declared.chain(recorded).chain(open).collect()
}

/// Returns the providers that a configuration and a state use, by the source that they know themselves.
fn used(set: &ProviderSet, config: &Configuration, state: &State) -> BTreeMap<String, Wanted> {
    let mut all: BTreeMap<String, Wanted> = BTreeMap::new();
    let mut add = |source: &str, constraint: Option<&str>| {
        if let Ok(known) = find(set, source) {
            let wanted = all.entry(known.source().to_owned()).or_default();
            wanted.constraints.extend(constraint.map(str::to_owned));
        }
    };
    for module in config.modules.values() {
        for (name, requirement) in &module.required_providers {
            add(&source_of(module, name), requirement.version.as_deref());
        }
        for block in &module.providers {
            add(&source_of(module, &block.name), None);
        }
        for resource in module.resources.values() {
            add(&source_of(module, &asked_for(resource).0), None);
        }
    }
    let recorded = state.resources.values().map(|instance| &instance.provider);
    let recorded: BTreeSet<&Name> =
        recorded.chain(state.intents.iter().map(|open| &open.intent.provider)).collect();
    for provider in recorded {
        add(provider.split('"').nth(1).unwrap_or_default(), None);
    }
    all
}
