//! Which provider configuration a resource uses, and the configured providers of a run.

mod check;
mod deadlines;
mod guard;
mod known;
mod realm;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use terrarium_address::{ModulePath, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics, nearest};
use terrarium_lang::Configuration;
use terrarium_lang::config::{Module, ProviderBlock, Resource};
use terrarium_provider::{ConfigureRequest, Configured, Connection, Provider};
use terrarium_value::{Cause, Causes, Value, When};
use tokio::sync::OnceCell;

use self::guard::{Asking, Guarded};
use crate::version::{Constraint, Version};
use crate::world::{At, Deps, Phase, World};
use crate::{Inputs, ProviderSet, codes};

pub(crate) use check::check;
pub use deadlines::Deadlines;
pub use known::KnownProvider;

/// A provider configuration: a block somewhere in the module tree, or the empty one that is implied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProviderAddr {
    /// The module whose block it is; the root for an implied one.
    pub(crate) module: ModulePath,
    /// Local name there.
    pub(crate) name: Name,
    /// Its alias.
    pub(crate) alias: Option<Name>,
    /// The provider's source address with its host.
    pub(crate) source: Name,
}

impl ProviderAddr {
    /// Returns the address as state v4 writes it.
    pub(crate) fn recorded(&self) -> Name {
        let module =
            if self.module.is_root() { String::new() } else { format!("{}.", self.module) };
        let alias = self.alias.as_ref().map(|alias| format!(".{alias}")).unwrap_or_default();
        format!("{module}provider[\"{}\"]{alias}", self.source).into()
    }
}

impl ProviderAddr {
    /// Returns the configuration as a reader names it: `provider.openstack.edge`.
    pub(crate) fn named(&self) -> String {
        let module =
            if self.module.is_root() { String::new() } else { format!("{}.", self.module) };
        let alias = self.alias.as_ref().map(|alias| format!(".{alias}")).unwrap_or_default();
        format!("{module}provider.{}{alias}", self.name)
    }
}

/// Returns the full source of a local name in a module.
fn source_of(module: &Module, name: &str) -> Name {
    let written = module.required_providers.get(name).and_then(|r| r.source.as_deref());
    match written {
        None if name == "terraform" => "terraform.io/builtin/terraform".into(),
        None => format!("registry.terraform.io/hashicorp/{name}").into(),
        Some(source) => match source.split('/').count() {
            1 => format!("registry.terraform.io/hashicorp/{source}").into(),
            2 => format!("registry.terraform.io/{source}").into(),
            _ => source.to_lowercase().into(),
        },
    }
}

/// Resolves a reference to a provider configuration from a module, through the `providers` of its calls.
pub(crate) fn resolve(
    config: &Configuration,
    path: &ModulePath,
    name: &Name,
    alias: Option<&Name>,
) -> Option<ProviderAddr> {
    let module = config.module(path)?;
    let source = source_of(module, name);
    let has_block = module.providers.iter().any(|b| b.name == *name && b.alias.as_ref() == alias);
    if has_block || path.is_root() {
        if alias.is_some() && !has_block {
            return None;
        }
        let addr = ProviderAddr {
            module: path.config(),
            name: name.clone(),
            alias: alias.cloned(),
            source,
        };
        return Some(addr);
    }
    let parent = path.parent()?;
    let step = path.steps().last()?;
    let caller = config.module(&parent)?;
    let call = caller.calls.get(&step.name)?;
    let passed = call
        .providers
        .iter()
        .find(|(inner, _)| inner.name == *name && inner.alias.as_ref() == alias);
    if let Some((_, outer)) = passed {
        return resolve(config, &parent, &outer.name, outer.alias.as_ref());
    }
    if alias.is_some() {
        return None;
    }
    // Inherited: the caller's default configuration of the same provider, whatever its name there.
    let same = caller.required_providers.keys().find(|outer| source_of(caller, outer) == source);
    resolve(config, &parent, same.unwrap_or(name), None).map(|addr| ProviderAddr { source, ..addr })
}

/// Returns the local name and alias that a resource block asks for.
pub(crate) fn asked_for(resource: &Resource) -> (Name, Option<Name>) {
    if let Some(reference) = &resource.provider {
        return (reference.name.clone(), reference.alias.clone());
    }
    let kind = &*resource.block.kind;
    (kind.split_once('_').map_or(kind, |(first, _)| first).into(), None)
}

/// A provider that is configured when first asked for.
type Slot = Rc<OnceCell<Settled>>;

/// What became of a provider's configuration.
struct Settled {
    /// The provider; `None` after an error, or while it waits.
    provider: Option<Arc<dyn Provider>>,
    /// Where it acts, where somebody has asked.
    realm: Option<Name>,
    /// What its configuration read.
    reads: Deps,
    /// What its configuration waits for, where it is not known yet.
    waits: Option<Causes>,
}

/// The providers of a run, by configuration.
pub(crate) struct Providers<'a> {
    inputs: &'a Inputs,
    connection: Connection,
    configured: RefCell<BTreeMap<ProviderAddr, Slot>>,
    /// What is recorded of each, by the realm that it is bound to.
    bindings: std::cell::OnceCell<HashMap<ProviderAddr, realm::Bindings>>,
    /// Configurations by the names that the state has for them.
    named: RefCell<HashMap<Name, Option<ProviderAddr>>>,
    /// The names that the state has for them.
    names: RefCell<BTreeMap<ProviderAddr, Name>>,
}

impl<'a> Providers<'a> {
    pub(crate) fn new(inputs: &'a Inputs, connection: Connection) -> Self {
        Self {
            inputs,
            connection,
            configured: RefCell::default(),
            bindings: std::cell::OnceCell::new(),
            named: RefCell::default(),
            names: RefCell::default(),
        }
    }

    /// Returns the address as state v4 writes it; it is shared by all that use the configuration.
    pub(crate) fn recorded_as(&self, addr: &ProviderAddr) -> Name {
        let mut names = self.names.borrow_mut();
        names.entry(addr.clone()).or_insert_with(|| addr.recorded()).clone()
    }

    /// Returns the kind of provider at an address.
    pub(crate) fn kind(&self, addr: &ProviderAddr) -> Option<&'a KnownProvider> {
        find(&self.inputs.providers, &addr.source).ok()
    }

    /// Returns the configuration that a block of a module uses, and its kind of provider.
    pub(crate) fn of(
        &self,
        module: &ModulePath,
        resource: &Resource,
    ) -> Option<(ProviderAddr, &'a KnownProvider)> {
        let (name, alias) = asked_for(resource);
        let addr = resolve(&self.inputs.config, module, &name, alias.as_ref())?;
        let kind = self.kind(&addr)?;
        Some((addr, kind))
    }

    /// Reads an address that state v4 recorded, and returns the configuration that it uses today.
    pub(crate) fn recorded(&self, text: &str) -> Option<ProviderAddr> {
        let (module, rest) =
            text.split_once("provider[\"").map(|(m, r)| (m.trim_end_matches('.'), r))?;
        let (source, alias) = rest.split_once("\"]")?;
        let alias: Option<Name> = alias.strip_prefix('.').map(Into::into);
        let module: ModulePath =
            if module.is_empty() { ModulePath::root() } else { module.parse().ok()? };
        let config = self.inputs.config.module(&module)?;
        let name = config
            .required_providers
            .keys()
            .find(|name| same_provider(&source_of(config, name), source))
            .cloned()
            .unwrap_or_else(|| source.rsplit('/').next().unwrap_or(source).into());
        let addr = ProviderAddr { module, name, alias, source: source.into() };
        // Only the root's default configuration may be implied.
        let implied = addr.module.is_root() && addr.alias.is_none();
        let mut blocks = config.providers.iter();
        let declared = blocks.any(|block| block.name == addr.name && block.alias == addr.alias);
        (implied || declared).then_some(addr)
    }

    /// Returns the configured provider, configuring it when first asked; `None` after an error.
    pub(crate) async fn configured(
        &self,
        world: &World<'_>,
        addr: &ProviderAddr,
    ) -> Option<Arc<dyn Provider>> {
        let kind = self.kind(addr)?;
        let slot = self.configured.borrow_mut().entry(addr.clone()).or_default().clone();
        let settled = slot.get_or_init(|| self.configure(world, addr, kind)).await;
        settled.provider.clone()
    }

    async fn configure(
        &self,
        world: &World<'_>,
        addr: &ProviderAddr,
        kind: &KnownProvider,
    ) -> Settled {
        let ((config, block), reads) = world.recording(|| self.evaluate(world, addr, kind));
        let waits = waits_of(world, &config);
        if waits.as_ref().is_some_and(|causes| causes.when() != When::Apply) {
            // It will not be known in this apply either: nothing of it can be done.
            return Settled { provider: None, realm: None, reads, waits };
        }
        let version = self.version(addr, kind);
        let limits = Arc::new(self.inputs.limits.clone());
        let request = ConfigureRequest { config, version, connection: self.connection, limits };
        let deadlines = &self.inputs.providers.deadlines;
        let mut answer = match deadlines.answer(kind.kind.configure(request)).await {
            Ok(answer) => answer,
            Err(late) => {
                Configured { provider: None, diagnostics: unconfigured(kind, late).into() }
            }
        };
        if answer.provider.is_none() && !answer.diagnostics.has_errors() {
            answer.diagnostics.push(no_reason(kind));
        }
        if waits.is_none() || answer.provider.is_some() {
            report(world, answer.diagnostics, block.as_ref());
        }
        let (provider, realm) = match answer.provider {
            Some(provider) => {
                let source = kind.source().into();
                let provider =
                    Arc::new(Guarded::new(provider, Asking::new(source, deadlines.clone())));
                self.admit(world, (addr, block.as_ref()), provider).await
            }
            None => (None, None),
        };
        Settled { provider, realm, reads, waits }
    }

    /// Returns what the configuration of a provider waits for; `None`: it is known, or was not asked for.
    pub(crate) fn waits(&self, addr: &ProviderAddr) -> Option<Causes> {
        let slot = self.configured.borrow().get(addr).cloned();
        slot.and_then(|slot| slot.get()?.waits.clone())
    }

    /// Returns what the configuration of a provider read; nothing before it is configured.
    pub(crate) fn reads(&self, addr: &ProviderAddr) -> Deps {
        let slot = self.configured.borrow().get(addr).cloned();
        slot.and_then(|slot| slot.get().map(|it| it.reads.clone())).unwrap_or_default()
    }

    /// Returns the providers that were configured, by their source.
    pub(crate) fn by_source(&self) -> BTreeMap<Name, Vec<Arc<dyn Provider>>> {
        let mut all: BTreeMap<Name, Vec<Arc<dyn Provider>>> = BTreeMap::new();
        for (addr, slot) in self.configured.borrow().iter() {
            let provider = slot.get().and_then(|settled| settled.provider.clone());
            all.entry(addr.source.clone()).or_default().extend(provider);
        }
        all
    }

    fn evaluate(
        &self,
        world: &World<'_>,
        addr: &ProviderAddr,
        kind: &KnownProvider,
    ) -> (Value, Option<ProviderBlock>) {
        let schema = kind.config_schema();
        let module = world.module_at(&addr.module);
        let block = self.inputs.config.module(&addr.module).and_then(|config| {
            config.providers.iter().find(|b| b.name == addr.name && b.alias == addr.alias).cloned()
        });
        match (&block, module) {
            (Some(block), Some(module)) => {
                let value = world.evaluate(module, At::Module, |frame, diags| {
                    block.body.decode(&schema.block, frame, diags)
                });
                (value.unmarked_deep(), Some(block.clone()))
            }
            _ => (crate::proposed::empty(&schema.block), None),
        }
    }

    fn version(&self, addr: &ProviderAddr, kind: &KnownProvider) -> String {
        let constraint = self
            .inputs
            .config
            .module(&addr.module)
            .and_then(|module| module.required_providers.get(&addr.name))
            .and_then(|requirement| requirement.version.as_deref())
            .and_then(|text| Constraint::parse(text).ok())
            .unwrap_or_default();
        newest(kind.versions(), &constraint)
            .or(kind.versions().last().copied())
            .unwrap_or_default()
            .to_owned()
    }
}

/// Says that a provider did not come to be ready.
fn unconfigured(kind: &KnownProvider, late: deadlines::Late) -> Diagnostic {
    let summary = format!("The provider {} does not answer", kind.source());
    Diagnostic::error(codes::NO_ANSWER, summary)
        .detail(format!("It was to be configured, and has not answered {late}."))
        .help("run the command again; nothing was changed")
}

/// Says that a provider is not ready, and does not say why.
fn no_reason(kind: &KnownProvider) -> Diagnostic {
    Diagnostic::error(codes::PROVIDER_BUG, "Provider produced invalid response").detail(format!(
        "The provider {} could not be configured, and does not say why. This is a bug in the provider, which \
         should be reported in the provider's own issue tracker.",
        kind.source()
    ))
}

/// Returns what a provider's configuration waits for, where that is allowed.
fn waits_of(world: &World<'_>, config: &Value) -> Option<Causes> {
    if !world.defers() || world.phase != Phase::Plan || config.is_wholly_known() {
        return None;
    }
    let causes = config.causes_deep();
    // What waits for no instance is unknown because of a mistake that is reported already.
    let waits = causes.iter().any(|cause| matches!(cause, Cause::Instance { .. }));
    waits.then_some(causes)
}

/// Reports a provider's diagnostics with the span of the block that it is about.
fn report(world: &World<'_>, diagnostics: Diagnostics, block: Option<&ProviderBlock>) {
    for mut diagnostic in diagnostics {
        if let (None, Some(block)) = (&diagnostic.at, block) {
            let path = diagnostic.origin.path.clone().unwrap_or_default();
            let span = block.body.span_of(&path).unwrap_or(block.span);
            diagnostic = diagnostic.at(span, "");
        }
        world.report(diagnostic);
    }
}

fn newest<'v>(versions: &[&'v str], constraint: &Constraint) -> Option<&'v str> {
    versions
        .iter()
        .rev()
        .copied()
        .find(|text| Version::parse(text).is_some_and(|v| constraint.admits(&v)))
}

fn same_provider(a: &str, b: &str) -> bool {
    let tail = |text: &str| text.rsplitn(3, '/').take(2).map(str::to_owned).collect::<Vec<_>>();
    tail(a) == tail(b)
}

pub(crate) fn find<'p>(
    set: &'p ProviderSet,
    source: &str,
) -> Result<&'p KnownProvider, crate::UnknownProvider> {
    set.find(source).or_else(|unknown| {
        let tail = source.rsplitn(3, '/').take(2).collect::<Vec<_>>();
        let short = tail.into_iter().rev().collect::<Vec<_>>().join("/");
        set.iter()
            .find(|known| known.kind.implied_sources().contains(&short.as_str()))
            .ok_or(unknown)
    })
}

impl ProviderSet {
    /// Returns the provider that a source means, what Terraform implies included, with the newest of its
    /// versions that all constraints admit.
    pub fn choose<'s>(
        &'s self,
        source: &str,
        constraints: &[String],
    ) -> Option<(&'s KnownProvider, &'s str)> {
        let kind = find(self, source).ok()?;
        let constraint = Constraint::parse(&constraints.join(",")).ok()?;
        Some((kind, newest(kind.versions(), &constraint)?))
    }
}

/// Says that a block's provider configuration is not there.
pub(crate) fn not_configured(path: &ModulePath, resource: &Resource) -> Diagnostic {
    let (name, alias) = asked_for(resource);
    let wanted = alias.map_or_else(|| name.to_string(), |alias| format!("{name}.{alias}"));
    Diagnostic::error(codes::PROVIDER_CONFIG, "Provider configuration not present")
        .detail(format!(
            "{} needs the provider configuration {wanted:?}, which {} neither declares nor is given by its caller.",
            resource.block,
            crate::words::module(path)
        ))
        .at(resource.provider.as_ref().map_or(resource.span, |reference| reference.span), "")
}

/// Says that a provider has no such type, with the nearest name.
pub(crate) fn unknown_kind(kind: &KnownProvider, resource: &Resource) -> Diagnostic {
    let data = resource.block.mode == terrarium_address::Mode::Data;
    let (summary, known) = if data {
        ("Invalid data source", &kind.schemas().data_names)
    } else {
        ("Invalid resource type", &kind.schemas().resource_names)
    };
    let what = if data { "data source" } else { "resource type" };
    let error = Diagnostic::error(codes::UNKNOWN_KIND, summary)
        .detail(format!(
            "The provider {} does not support {what} {:?}.",
            kind.source(),
            &*resource.block.kind
        ))
        .at(resource.span, "");
    let block = &resource.block;
    if let Some(help) = kind.schemas().retired.get(&(block.mode, block.kind.clone())) {
        return error.help(format!("another version of the provider had it: {help}"));
    }
    match nearest(&resource.block.kind, known.iter().map(|name| &**name)) {
        Some(near) => error.help(format!("did you mean {near:?}?")),
        None => error,
    }
}
