//! Checks of what a configuration requires: providers, their versions, the language's version.

use std::collections::BTreeMap;

use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use terrarium_lang::config::{RequiredVersion, Requirement};

use super::{asked_for, find, newest, source_of};
use crate::version::{Constraint, Version};
use crate::{Inputs, codes};

/// Checks that every provider a configuration asks for exists in a version that it admits.
pub(crate) fn check(inputs: &Inputs) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for module in inputs.config.modules.values() {
        diagnostics.extend(module.required_versions.iter().filter_map(check_language));
        for (name, requirement) in &module.required_providers {
            diagnostics.extend(check_requirement(inputs, &source_of(module, name), requirement));
        }
        let used = module.resources.values().map(|r| (asked_for(r).0, r.span));
        let used = used.chain(module.providers.iter().map(|b| (b.name.clone(), b.span)));
        let implied: BTreeMap<Name, Span> =
            used.filter(|(name, _)| !module.required_providers.contains_key(name)).collect();
        for (name, span) in implied {
            diagnostics.extend(check_implied(inputs, &source_of(module, &name), &name, span));
        }
    }
    diagnostics
}

fn check_requirement(
    inputs: &Inputs,
    source: &str,
    requirement: &Requirement,
) -> Option<Diagnostic> {
    let kind = match find(&inputs.providers, source) {
        Ok(kind) => kind,
        Err(unknown) => return Some(unknown_provider(&unknown, source, requirement.span)),
    };
    let text = requirement.version.as_deref()?;
    let constraint = match Constraint::parse(text) {
        Ok(constraint) => constraint,
        Err(bad) => {
            let error = Diagnostic::error(codes::PROVIDER_VERSION, "Invalid version constraint");
            return Some(error.detail(format!("{bad}.")).at(requirement.span, ""));
        }
    };
    if newest(kind.versions(), &constraint).is_some() {
        return None;
    }
    let error = Diagnostic::error(codes::PROVIDER_VERSION, "Failed to query available provider packages")
        .detail(format!(
            "No version of {} that is built in satisfies {text:?}. It stands for the versions {} to {}.",
            kind.source(),
            kind.versions().first().unwrap_or(&"?"),
            kind.versions().last().unwrap_or(&"?"),
        ))
        .at(requirement.span, "")
        .help("widen the version constraint");
    Some(error)
}

fn check_implied(inputs: &Inputs, source: &str, name: &str, span: Span) -> Option<Diagnostic> {
    if let Err(unknown) = inputs.providers.find(source) {
        return match find(&inputs.providers, source) {
            Err(_) => Some(unknown_provider(&unknown, source, span)),
            Ok(kind) => Some(
                Diagnostic::warning(codes::UNKNOWN_PROVIDER, format!("Provider {name:?} is not required explicitly"))
                    .detail(format!(
                        "Terraform would look for hashicorp/{name}, which does not exist; {} is meant and used.",
                        kind.source()
                    ))
                    .at(span, "")
                    .help(format!("add `{name} = {{ source = \"{}\" }}` to required_providers", kind.source())),
            ),
        };
    }
    None
}

fn unknown_provider(unknown: &crate::UnknownProvider, source: &str, span: Span) -> Diagnostic {
    let known = unknown.known.join(", ");
    let short = source.rsplit('/').next().unwrap_or(source);
    let near = nearest(short, unknown.known.iter().map(|k| k.rsplit('/').next().unwrap_or(k)));
    let error =
        Diagnostic::error(codes::UNKNOWN_PROVIDER, "Failed to query available provider packages")
            .detail(format!("Provider {source} is not built in. Built in are {known}."))
            .at(span, "");
    match near {
        Some(near) => error.help(format!("did you mean {near:?}?")),
        None => error,
    }
}

/// Version of Terraform's language that is implemented.
const LANGUAGE: &str = "1.11.4";

/// Warns of a `required_version` that the implemented language does not satisfy; the rest decides.
fn check_language(required: &RequiredVersion) -> Option<Diagnostic> {
    let constraint = match Constraint::parse(&required.constraint) {
        Ok(constraint) => constraint,
        Err(bad) => {
            let error = Diagnostic::error(codes::PROVIDER_VERSION, "Invalid version constraint");
            return Some(error.detail(format!("{bad}.")).at(required.span, ""));
        }
    };
    let implemented = Version::parse(LANGUAGE)?;
    if constraint.admits(&implemented) {
        return None;
    }
    let warning = Diagnostic::warning(codes::LANGUAGE_VERSION, "Unsupported Terraform Core version")
        .detail(format!(
            "The configuration asks for Terraform {}; the language implemented here is that of {LANGUAGE}. What it does \
             not know is an error where it stands; the rest works.",
            required.constraint
        ))
        .at(required.span, "");
    Some(warning)
}
