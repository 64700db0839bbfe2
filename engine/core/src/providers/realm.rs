//! Where objects exist: what was made in one cloud is not looked for in another.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use terrarium_address::{ConfigAddr, Mode, Name, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::ProviderBlock;
use terrarium_provider::{Connection, Provider};

use super::{ProviderAddr, Providers, report};
use crate::codes;
use crate::world::{Phase, World};

/// How many objects a refusal names.
const NAMED: usize = 3;

/// What is recorded of a provider configuration, by the realm that it is bound to.
#[derive(Default)]
pub(super) struct Bindings {
    realms: BTreeMap<Name, Bound>,
}

/// What is bound to one realm.
#[derive(Default)]
struct Bound {
    count: usize,
    first: Vec<ResourceAddr>,
}

impl Bindings {
    fn note(&mut self, addr: &ResourceAddr, realm: Option<&Name>) {
        if let Some(realm) = realm {
            self.realms.entry(realm.clone()).or_default().note(addr);
        }
    }
}

impl Bound {
    fn note(&mut self, addr: &ResourceAddr) {
        self.count += 1;
        if self.first.len() < NAMED && !self.first.contains(addr) {
            self.first.push(addr.clone());
        }
    }

    /// Returns the first names, and how many more there are.
    fn names(&self) -> String {
        let mut names: Vec<String> = self.first.iter().map(ToString::to_string).collect();
        match self.count.saturating_sub(names.len()) {
            0 => {}
            more => names.push(format!("{more} more")),
        }
        names.join(", ")
    }
}

impl<'a> Providers<'a> {
    /// Returns the providers as if nothing recorded were bound to a realm yet.
    pub(crate) fn unbound(inputs: &'a crate::Inputs) -> Self {
        let providers = Self::new(inputs, Connection::Online);
        let unbound = providers.bind().into_iter().map(|(addr, mut of_one)| {
            of_one.realms.clear();
            (addr, of_one)
        });
        let bindings: HashMap<ProviderAddr, Bindings> = unbound.collect();
        Self { bindings: bindings.into(), ..providers }
    }

    /// Returns a configured provider and where it acts, unless something recorded of it was made elsewhere:
    /// there everything would be "not found", and be made anew.
    ///
    /// While planning, a provider of which nothing is recorded need not log in.
    pub(super) async fn admit(
        &self,
        world: &World<'_>,
        (addr, block): (&ProviderAddr, Option<&ProviderBlock>),
        provider: Arc<dyn Provider>,
    ) -> (Option<Arc<dyn Provider>>, Option<Name>) {
        let bindings = self.bindings.get_or_init(|| self.bind());
        let bound = bindings.get(addr);
        if self.connection == Connection::Offline
            || (bound.is_none() && world.phase != Phase::Apply)
        {
            return (Some(provider), None);
        }
        let realm = match provider.realm().await {
            Ok(Some(realm)) => realm,
            Ok(None) => return (Some(provider), None),
            Err(diagnostics) => {
                report(world, diagnostics, block);
                return (None, None);
            }
        };
        let mut elsewhere = bound.into_iter().flat_map(|bound| &bound.realms);
        let Some((other, bound)) = elsewhere.find(|(other, _)| **other != realm) else {
            return (Some(provider), Some(realm));
        };
        let error = refusal(other, bound, &realm);
        world.report(match block {
            Some(block) => error.at(block.span, ""),
            None => error,
        });
        (None, None)
    }

    /// Sorts what is recorded by the provider configurations that it uses today.
    fn bind(&self) -> HashMap<ProviderAddr, Bindings> {
        let mut all: HashMap<ProviderAddr, Bindings> = HashMap::new();
        let mut last: Option<(&ConfigAddr, &Name, Option<ProviderAddr>)> = None;
        let managed = self.inputs.prior.resources.iter();
        for (addr, instance) in managed.filter(|(addr, _)| addr.block.mode == Mode::Managed) {
            let same = last.as_ref().is_some_and(|(block, name, _)| {
                **block == addr.block && **name == instance.provider
            });
            if !same {
                let today = self.used_today(&addr.block, &instance.provider);
                last = Some((&addr.block, &instance.provider, today));
            }
            let Some((_, _, Some(provider))) = &last else { continue };
            let bindings = all.entry(provider.clone()).or_default();
            for (_, object) in instance.objects().filter(|(_, object)| object.ended.is_none()) {
                bindings.note(addr, object.realm.as_ref());
            }
        }
        for open in &self.inputs.prior.intents {
            let provider = self.used_today(&open.intent.addr.block, &open.intent.provider);
            if let Some(provider) = provider {
                let bindings = all.entry(provider).or_default();
                bindings.note(&open.intent.addr, open.intent.realm.as_ref());
            }
        }
        all
    }

    /// Returns the provider configuration that a recorded block uses: the one that it names, else the one
    /// that was recorded.
    pub(crate) fn used_today(&self, block: &ConfigAddr, recorded: &str) -> Option<ProviderAddr> {
        match self.inputs.config.resource(block) {
            Some(resource) => self.of(&block.module.config(), resource).map(|(addr, _)| addr),
            None => self.recorded(recorded),
        }
    }

    /// Returns where the provider acts that the state names so; `None` while it is not configured, and where
    /// there is no outside.
    pub(crate) fn realm_of(&self, recorded: &Name) -> Option<Name> {
        let known = self.named.borrow().get(recorded).cloned();
        let addr = known.unwrap_or_else(|| {
            let addr = self.recorded(recorded);
            self.named.borrow_mut().insert(recorded.clone(), addr.clone());
            addr
        })?;
        let slot = self.configured.borrow().get(&addr).cloned()?;
        slot.get()?.realm.clone()
    }

    /// Returns where each configured provider acts, by the name that the state has for it.
    pub(crate) fn realms(&self) -> BTreeMap<Name, Name> {
        let slots = self.configured.borrow();
        let realms = slots
            .iter()
            .filter_map(|(addr, slot)| Some((addr.recorded(), slot.get()?.realm.clone()?)));
        realms.collect()
    }
}

impl Providers<'_> {
    /// Returns an error for each realm where nothing is that is recorded and not bound to a realm yet: a state that
    /// was taken over, or is of an old version, is bound where a read finds of it what is recorded. Where all of it
    /// is gone, either somebody deleted it, or this is the wrong cloud; a plan can't tell which.
    pub(crate) fn unfound(&self, gone: &HashSet<&ResourceAddr>) -> Vec<Diagnostic> {
        // Most plans find all that is recorded.
        let realms = if gone.is_empty() { BTreeMap::new() } else { self.realms() };
        if realms.is_empty() {
            return Vec::new();
        }
        let mut missing: BTreeMap<&Name, Bound> = BTreeMap::new();
        let mut found: HashSet<&Name> = HashSet::new();
        for (addr, instance) in &self.inputs.prior.resources {
            let Some(object) = instance.current.as_ref().filter(|it| it.ended.is_none()) else {
                continue;
            };
            // What is bound was admitted here, so that it says where it is.
            if let Some(realm) = &object.realm {
                found.insert(realm);
                continue;
            }
            let today = self.used_today(&addr.block, &instance.provider);
            let Some(realm) = today.and_then(|today| realms.get(&today.recorded())) else {
                continue;
            };
            if gone.contains(addr) {
                missing.entry(realm).or_default().note(addr);
            } else {
                found.insert(realm);
            }
        }
        missing.retain(|realm, _| !found.contains(realm));
        missing.iter().map(|(realm, bound)| nothing_found(realm, bound)).collect()
    }
}

fn nothing_found(realm: &Name, missing: &Bound) -> Diagnostic {
    Diagnostic::error(codes::REALM, "Nothing that is recorded is at this cloud")
        .detail(format!(
            "The state does not say yet where it was made, and {realm} has none of it: {}. Either all of it was \
             deleted there, or it is at another cloud, where it would be left behind.",
            missing.names()
        ))
        .help(
            "log in to the cloud where the objects are; or, where they were deleted, say that this is their cloud: \
             `terrarium state rebind`",
        )
}

fn refusal(other: &Name, bound: &Bound, realm: &Name) -> Diagnostic {
    Diagnostic::error(codes::REALM, "The state belongs to another cloud")
        .detail(format!(
            "Made at {other}: {}. This run would act at {realm}, where nothing of that exists: it would be taken \
             for deleted, and be made anew.",
            bound.names()
        ))
        .help(
            "log in to the cloud where the objects are; or use another workspace for this one: `terrarium workspace \
             new NAME`; or, where it is the same place under a new name, bind the objects to it: `terrarium state rebind`",
        )
}
