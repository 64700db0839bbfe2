//! A resource block and all that its instances have in common.

use std::sync::Arc;

use terrarium_address::ModulePath;
use terrarium_address::{Name, ResourceAddr};
use terrarium_diagnostic::Diagnostic;
use terrarium_lang::config::Resource;
use terrarium_provider::Schema;
use terrarium_value::Value;

use crate::providers::{KnownProvider, ProviderAddr};
use crate::{PlannedAction, ResourceChange};

/// A resource block and all that its instances have in common.
pub(super) struct Group<'g> {
    pub(super) path: &'g ModulePath,
    pub(super) resource: &'g Resource,
    pub(super) provider: ProviderAddr,
    pub(super) kind: &'g KnownProvider,
    pub(super) schema: Arc<Schema>,
    /// The provider configuration, as the state names it.
    pub(super) recorded: Name,
    /// Whether a replacement is created before its predecessor is destroyed.
    pub(super) create_first: bool,
}

impl<'g> Group<'g> {
    pub(super) fn new(
        (path, resource): (&'g ModulePath, &'g Resource),
        (provider, kind): (ProviderAddr, &'g KnownProvider),
        schema: Arc<Schema>,
        recorded: Name,
        create_first: bool,
    ) -> Self {
        Self { path, resource, provider, kind, schema, recorded, create_first }
    }

    /// Returns an object that is not there.
    pub(super) fn null(&self) -> Value {
        Value::null(self.schema.block.ty())
    }

    /// Starts a change of an instance; the rest is filled in by the caller.
    pub(super) fn change(
        &self,
        addr: &ResourceAddr,
        action: PlannedAction,
        after: Value,
    ) -> ResourceChange {
        let (recorded, schema) = (self.recorded.clone(), self.schema.clone());
        ResourceChange {
            after,
            create_first: self.create_first,
            ..ResourceChange::new(addr.clone(), recorded, schema, action)
        }
    }
}

/// Gives a provider's diagnostic the address and the span of the attribute that it names.
pub(crate) fn located(
    mut diagnostic: Diagnostic,
    resource: &Resource,
    addr: &ResourceAddr,
) -> Diagnostic {
    if diagnostic.at.is_none() {
        let path = diagnostic.origin.path.clone().unwrap_or_default();
        let span = resource.body.span_of(&path).unwrap_or(resource.span);
        diagnostic = diagnostic.at(span, "");
    }
    if diagnostic.origin.addr.is_none() {
        diagnostic = diagnostic.about(addr.clone());
    }
    diagnostic
}

/// Says that provisioners are not carried out.
pub(crate) fn no_provisioners(span: terrarium_diagnostic::Span) -> Diagnostic {
    Diagnostic::error(crate::codes::PROVISIONER, "Provisioners are not supported")
        .detail("A plan that ignored a provisioner would leave the object half made.")
        .at(span, "")
        .help("use user_data, or an image that brings what is needed")
}
