//! The snapshot of the providers' schemas: fetched before anything is planned or checked, read by all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use terrarium_address::{Mode, Name, ResourceAddr};
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_lang::Configuration;
use terrarium_provider::{ProviderKind, Schema, Schemas, Types, UpgradeRequest, ValidateRequest};
use terrarium_state::{Object, State};
use terrarium_value::Value;

use super::deadlines::Deadlines;
use super::guard::Asking;
use super::{asked_for, find, newest, source_of};
use crate::version::Constraint;
use crate::{Inputs, ProviderSet, codes};

/// A provider of the set, with the snapshot of its schemas: empty before that is fetched.
#[derive(Clone)]
pub struct KnownProvider {
    pub(crate) kind: Arc<dyn ProviderKind>,
    schemas: Arc<Schemas>,
    /// What became of recorded objects of older schema versions.
    upgraded: Arc<HashMap<UpgradeRequest, Result<Arc<str>, Diagnostics>>>,
    deadlines: Deadlines,
}

impl KnownProvider {
    pub(crate) fn new(kind: Arc<dyn ProviderKind>) -> Self {
        let deadlines = Deadlines::default();
        Self { kind, schemas: Arc::default(), upgraded: Arc::default(), deadlines }
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

    fn asking(&self) -> Asking {
        Asking::new(self.kind.source().into(), self.deadlines.clone())
    }

    /// Returns whether configurations are checked by a call, too.
    pub(crate) fn validates(&self) -> bool {
        self.schemas.validates
    }

    /// Checks configurations by a call.
    pub(crate) async fn validate_many(&self, requests: Vec<ValidateRequest>) -> Vec<Diagnostics> {
        let count = requests.len();
        let call = self.kind.validate_many(requests);
        self.asking().ask_all(("check", count), call, |why| why).await
    }

    /// Returns what became of a recorded object of an older schema version; `None` where that was not recorded when
    /// the schemas were fetched.
    pub(crate) fn upgraded(
        &self,
        kind: &Name,
        object: &Object,
    ) -> Option<&Result<Arc<str>, Diagnostics>> {
        self.upgraded.get(&old(kind, object))
    }

    /// Brings what is recorded by an older schema version to today's; what can't be is told here, once.
    async fn upgrade(&mut self, rows: BTreeMap<ResourceAddr, UpgradeRequest>) -> Diagnostics {
        let mut told = Diagnostics::new();
        let requests: Vec<UpgradeRequest> = rows.values().cloned().collect();
        let call = self.kind.upgrade_many(requests);
        let answers = self.asking().ask_all(("upgrade", rows.len()), call, Err).await;
        let mut upgraded = HashMap::new();
        for ((addr, row), answer) in rows.into_iter().zip(answers) {
            let answer = answer.map_err(|why| {
                told.extend(why.into_iter().map(|one| one.about(addr.clone())));
                Diagnostics::new()
            });
            upgraded.insert(row, answer);
        }
        self.upgraded = Arc::new(upgraded);
        told
    }
}

fn old(kind: &Name, object: &Object) -> UpgradeRequest {
    let (version, attributes) = (object.schema_version, object.attributes.clone());
    UpgradeRequest { kind: kind.clone(), version, attributes }
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
        let types = Types::Named(types(config, state));
        let (mut set, mut diagnostics) = self.fetch(&used(self, config, state), &types).await;
        diagnostics.extend(set.upgrade(state).await);
        (set, diagnostics)
    }

    /// Brings what is recorded by older schema versions to those of the snapshot.
    async fn upgrade(&mut self, state: &State) -> Diagnostics {
        let mut rows: BTreeMap<usize, BTreeMap<ResourceAddr, UpgradeRequest>> = BTreeMap::new();
        let mut asked: HashSet<UpgradeRequest> = HashSet::new();
        // Rows of a type stand together.
        let mut last = None;
        for (addr, instance) in &state.resources {
            let (kind, provider) = (&addr.block.kind, &instance.provider);
            let known = match last {
                Some((same, by, known)) if same == kind && by == provider => known,
                _ => self.version_of(addr, provider),
            };
            last = Some((kind, provider, known));
            let Some((at, version)) = known else { continue };
            let objects = instance.current.iter().chain(instance.deposed.values());
            for object in objects.filter(|object| object.schema_version < version) {
                let row = old(kind, object);
                if asked.insert(row.clone()) {
                    rows.entry(at).or_default().insert(addr.clone(), row);
                }
            }
        }
        let mut told = Diagnostics::new();
        for (at, rows) in rows {
            told.extend(self.kinds[at].upgrade(rows).await);
        }
        told
    }

    /// Returns which provider keeps an object, and by which version of its schema.
    fn version_of(&self, addr: &ResourceAddr, provider: &str) -> Option<(usize, u64)> {
        let source = provider.split('"').nth(1)?;
        let known = find(self, source).ok()?;
        let at = self.kinds.iter().position(|one| one.source() == known.source())?;
        Some((at, known.schema(addr.block.mode, &addr.block.kind)?.version))
    }

    /// Returns whether schemas were fetched.
    pub fn is_fetched(&self) -> bool {
        self.fetched
    }

    async fn fetch(&self, wanted: &BTreeMap<String, Wanted>, types: &Types) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::new();
        let mut set = Self { fetched: true, ..self.clone() };
        for known in &mut set.kinds {
            known.deadlines = self.deadlines.clone();
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
