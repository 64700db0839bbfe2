//! Everything that the engine may know; it looks nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_address::Name;
use terrarium_diagnostic::Span;
use terrarium_lang::Configuration;
use terrarium_lang::expr::Environment;
use terrarium_provider::{Clock, ProviderKind};
use terrarium_state::State;
use terrarium_value::Value;

use crate::CallLimits;
use crate::providers::{Deadlines, KnownProvider};

/// A value given for a root variable.
#[derive(Clone, Debug)]
pub struct InputValue {
    /// The value, not yet converted to the variable's type.
    pub value: Value,
    /// Where it was given, where that is a source text.
    pub span: Option<Span>,
}

/// The providers that this binary brings, found by source address.
#[derive(Clone, Default)]
pub struct ProviderSet {
    pub(crate) kinds: Vec<KnownProvider>,
    pub(crate) deadlines: Deadlines,
    pub(crate) fetched: bool,
}

/// No provider has this source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProvider {
    /// The source as asked for.
    pub source: String,
    /// All sources that exist.
    pub known: Vec<String>,
}

impl ProviderSet {
    /// Builds a set; no schema is fetched yet.
    pub fn new(kinds: Vec<Arc<dyn ProviderKind>>) -> Self {
        let kinds = kinds.into_iter().map(KnownProvider::new).collect();
        Self { kinds, ..Self::default() }
    }

    /// Bounds how long its providers are waited for.
    #[must_use]
    pub fn bounded(self, deadlines: Deadlines) -> Self {
        Self { deadlines, ..self }
    }

    /// Returns the provider with this source; the registry's host is left aside.
    ///
    /// `registry.opentofu.org/terraform-provider-openstack/openstack` and
    /// `terraform-provider-openstack/openstack` are the same.
    pub fn find(&self, source: &str) -> Result<&KnownProvider, UnknownProvider> {
        let tail: Vec<&str> = source.rsplitn(3, '/').take(2).collect();
        let wanted = tail.into_iter().rev().collect::<Vec<_>>().join("/").to_lowercase();
        self.kinds.iter().find(|kind| kind.source() == wanted).ok_or_else(|| UnknownProvider {
            source: source.to_owned(),
            known: self.kinds.iter().map(|kind| kind.source().to_owned()).collect(),
        })
    }

    /// Iterates over the providers.
    pub fn iter(&self) -> impl Iterator<Item = &KnownProvider> {
        self.kinds.iter()
    }
}

/// All that a plan or an apply rests on.
#[derive(Clone)]
pub struct Inputs {
    /// The configuration.
    pub config: Arc<Configuration>,
    /// Values for the root module's variables, by name; the caller has settled their precedence.
    pub variables: BTreeMap<Name, InputValue>,
    /// The providers.
    pub providers: ProviderSet,
    /// The state as loaded.
    pub prior: Arc<State>,
    /// `terraform.workspace`.
    pub workspace: Name,
    /// `path.cwd`.
    pub cwd: std::path::PathBuf,
    /// What functions need.
    pub environment: Environment,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Bounds the calls in flight of everything that is done with this.
    pub limits: CallLimits,
}
