//! `terraform` blocks.

use std::collections::BTreeMap;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics};

use super::super::fields::{Given, Written, key_text};
use super::super::{Backend, ProviderRef, RequiredVersion, Requirement, literal, traversal};
use crate::codes;

/// What one `terraform` block sets.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) required_providers: BTreeMap<Name, Requirement>,
    pub(crate) required_version: Option<RequiredVersion>,
    pub(crate) backend: Option<Backend>,
}

pub(super) fn settings(base: Written<'_>, diags: &mut Diagnostics) -> Option<Settings> {
    if !base.has_labels(&[], diags) {
        return None;
    }
    let mut fields = base.fields();
    let required_version = fields.take("required_version").and_then(|given| {
        Some(RequiredVersion { constraint: given.text(diags)?, span: given.value_span() })
    });
    let mut settings = Settings { required_version, ..Settings::default() };
    // Language editions and experiments of other versions of the language change nothing here.
    for name in ["experiments", "language"] {
        fields.take(name);
    }
    for written in fields.blocks("required_providers") {
        let mut inner = written.fields();
        for given in inner.all_arguments() {
            required_provider(given, &mut settings, diags);
        }
        inner.finish(diags);
    }
    let backends = fields.blocks("backend");
    let clouds = fields.blocks("cloud");
    fields.blocks("provider_meta");
    for written in backends.into_iter().chain(clouds) {
        let Some(backend) = backend(written, diags) else { continue };
        if let Some(first) = &settings.backend {
            diags.push(duplicate_backend(&backend, first));
        } else {
            settings.backend = Some(backend);
        }
    }
    fields.finish(diags);
    Some(settings)
}

/// Says that there are two backends.
pub(crate) fn duplicate_backend(second: &Backend, first: &Backend) -> Diagnostic {
    Diagnostic::error(codes::DUPLICATE, "Duplicate backend configuration")
        .detail("A module may have only one backend configuration.")
        .at(second.span, "")
        .also(first.span, "the first one")
}

fn backend(written: Written<'_>, diags: &mut Diagnostics) -> Option<Backend> {
    let names: &[&str] = if written.kind() == "cloud" { &[] } else { &["type"] };
    if !written.has_labels(names, diags) {
        return None;
    }
    let kind = written.label(0).map_or_else(|| Name::from("cloud"), |(kind, _)| kind);
    let body = written.fields().rest(written.span(), diags);
    Some(Backend { kind, body, span: written.header() })
}

fn required_provider(given: Given<'_>, settings: &mut Settings, diags: &mut Diagnostics) {
    let Some(requirement) = requirement(given, diags) else { return };
    let name = Name::from(given.name());
    if let Some(first) = settings.required_providers.get(&name) {
        diags.push(
            Diagnostic::error(codes::DUPLICATE, "Duplicate required provider")
                .detail(format!("The provider \"{name}\" is already required."))
                .at(given.span(), "")
                .also(first.span, "the first one"),
        );
        return;
    }
    settings.required_providers.insert(name, requirement);
}

fn requirement(given: Given<'_>, diags: &mut Diagnostics) -> Option<Requirement> {
    let span = given.span();
    let mut requirement = Requirement { source: None, version: None, aliases: Vec::new(), span };
    let Expression::Object(object) = given.expression() else {
        requirement.version = Some(given.text(diags)?);
        return Some(requirement);
    };
    for (key, value) in object {
        let expression = value.expr();
        match key_text(key) {
            Some("source") => requirement.source = text(given, expression, diags),
            Some("version") => requirement.version = text(given, expression, diags),
            Some("configuration_aliases") => {
                requirement.aliases = aliases(given, expression, diags);
            }
            _ => diags.push(
                Diagnostic::error(codes::UNSUPPORTED, "Invalid required_providers object")
                    .detail(
                        "required_providers objects can only contain \"version\", \"source\" and \
                         \"configuration_aliases\" attributes.",
                    )
                    .at(given.origin.span(key.span()), ""),
            ),
        }
    }
    Some(requirement)
}

fn text(given: Given<'_>, expression: &Expression, diags: &mut Diagnostics) -> Option<String> {
    let value = literal::value(expression, given.origin, diags)?;
    if value.as_str().is_none() {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Unsuitable value type")
                .detail("Unsuitable value: a string is required.")
                .at(given.origin.span(expression.span()), ""),
        );
    }
    value.as_str().map(str::to_owned)
}

fn aliases(given: Given<'_>, expression: &Expression, diags: &mut Diagnostics) -> Vec<ProviderRef> {
    let Expression::Array(array) = expression else {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Invalid configuration_aliases value")
                .detail(
                    "Configuration aliases must be a list of references, such as [openstack.edge].",
                )
                .at(given.origin.span(expression.span()), ""),
        );
        return Vec::new();
    };
    array.iter().filter_map(|element| traversal::provider(element, given.origin, diags)).collect()
}
