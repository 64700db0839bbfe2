//! What the files of a directory declare, put together: names are unique, overrides find their base.

use indexmap::IndexMap;
use indexmap::map::Entry;
use terrarium_address::{Mode, Name};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::fields::Written;
use super::lower::{self, Item, Overrides, Settings};
use super::{BlockRef, Local, Module};
use crate::codes;

/// Puts the items of a module's files together.
pub(super) fn module(
    mut module: Module,
    items: impl Iterator<Item = Item>,
    overrides: &Overrides,
    diags: &mut Diagnostics,
) -> Module {
    for item in items {
        add(&mut module, item, diags);
    }
    for written in overrides.written() {
        apply(&mut module, written, diags);
    }
    module
}

/// Inserts a declaration, or says that its name is taken.
fn unique<K: std::hash::Hash + Eq, V>(
    map: &mut IndexMap<K, V>,
    (key, value): (K, V),
    span: impl Fn(&V) -> Span,
    words: impl FnOnce() -> (String, String),
    diags: &mut Diagnostics,
) {
    match map.entry(key) {
        Entry::Occupied(first) => {
            let (summary, detail) = words();
            diags.push(
                Diagnostic::error(codes::DUPLICATE, summary)
                    .detail(detail)
                    .at(span(&value), "declared again")
                    .also(span(first.get()), "declared here first"),
            );
        }
        Entry::Vacant(free) => {
            free.insert(value);
        }
    }
}

/// Returns summary and detail for a name that is declared twice.
fn words(summary: &str, what: &str, name: &str, plural: &str) -> (String, String) {
    let detail = format!(
        "{what} named \"{name}\" was already declared. {plural} must be unique within a module."
    );
    (summary.to_owned(), detail)
}

fn add(module: &mut Module, item: Item, diags: &mut Diagnostics) {
    match item {
        Item::Variable(it) => {
            let name = it.name.clone();
            let say =
                || words("Duplicate variable declaration", "A variable", &name, "Variable names");
            unique(&mut module.variables, (name.clone(), it), |it| it.span, say, diags);
        }
        Item::Locals(locals) => {
            for local in locals {
                let name = local.name.clone();
                let say = || {
                    words(
                        "Duplicate local value definition",
                        "A local value",
                        &name,
                        "Local value names",
                    )
                };
                unique(&mut module.locals, (name.clone(), local), |it| it.span, say, diags);
            }
        }
        Item::Output(it) => {
            let name = it.name.clone();
            let say = || words("Duplicate output definition", "An output", &name, "Output names");
            unique(&mut module.outputs, (name.clone(), it), |it| it.span, say, diags);
        }
        Item::Resource(it) => add_resource(module, it, diags),
        Item::Call(it) => {
            let name = it.name.clone();
            let say = || words("Duplicate module call", "A module call", &name, "Module calls");
            unique(&mut module.calls, (name.clone(), *it), |it| it.span, say, diags);
        }
        Item::Check(it) => {
            if let Some(data) = &it.data {
                add_resource(module, Box::new(data.clone()), diags);
            }
            let name = it.name.clone();
            let say = || {
                words(
                    "Duplicate check block configuration",
                    "A check block",
                    &name,
                    "Check block names",
                )
            };
            unique(&mut module.checks, (name.clone(), *it), |it| it.span, say, diags);
        }
        Item::Provider(it) => {
            let same =
                module.providers.iter().find(|old| old.name == it.name && old.alias == it.alias);
            if let Some(first) = same {
                diags.push(duplicate_provider(&it.name, it.alias.as_ref(), it.span, first.span));
            } else {
                module.providers.push(it);
            }
        }
        Item::Settings(it) => add_settings(module, *it, diags),
        Item::Moved(it) => module.moved.push(it),
        Item::Removed(it) => module.removed.push(it),
        Item::Import(it) => module.imports.push(*it),
    }
}

fn add_resource(module: &mut Module, it: Box<super::Resource>, diags: &mut Diagnostics) {
    let block = it.block.clone();
    let say = || {
        let (what, names) = match block.mode {
            Mode::Data => ("data", "Resource"),
            Mode::Managed => ("resource", "Resource"),
        };
        let detail = format!(
            "A {} {what} named \"{}\" was already declared. {names} names must be unique per type in each module.",
            block.kind, block.name
        );
        let summary = format!("Duplicate {what} \"{}\" configuration", block.kind);
        (summary, detail)
    };
    unique(&mut module.resources, (block.clone(), it), |it| it.span, say, diags);
}

fn duplicate_provider(name: &Name, alias: Option<&Name>, at: Span, first: Span) -> Diagnostic {
    let detail = match alias {
        None => format!(
            "A default (non-aliased) provider configuration for \"{name}\" was already given. If multiple \
             configurations are required, set the \"alias\" argument for alternative configurations."
        ),
        Some(alias) => format!(
            "A provider configuration for \"{name}\" with alias \"{alias}\" was already given. Each configuration for \
             the same provider must have a distinct alias."
        ),
    };
    Diagnostic::error(codes::DUPLICATE, "Duplicate provider configuration")
        .detail(detail)
        .at(at, "given again")
        .also(first, "given here first")
}

fn add_settings(module: &mut Module, settings: Settings, diags: &mut Diagnostics) {
    module.required_versions.extend(settings.required_version);
    for (name, requirement) in settings.required_providers {
        if let Some(first) = module.required_providers.get(&name) {
            diags.push(
                Diagnostic::error(codes::DUPLICATE, "Duplicate required providers configuration")
                    .detail(format!("The provider \"{name}\" is already required by this module."))
                    .at(requirement.span, "required again")
                    .also(first.span, "required here first"),
            );
        } else {
            module.required_providers.insert(name, requirement);
        }
    }
    match (&module.backend, settings.backend) {
        (Some(first), Some(second)) => diags.push(lower::duplicate_backend(&second, first)),
        (None, Some(backend)) => module.backend = Some(backend),
        (_, None) => {}
    }
}

/// Applies a block of an override file, as far as that did not happen when its base was read.
fn apply(module: &mut Module, written: Written<'_>, diags: &mut Diagnostics) {
    if lower::override_key(written).is_some() {
        if !has_base(module, written) {
            diags.push(no_base(written));
        }
        return;
    }
    if !matches!(written.kind(), "locals" | "terraform") {
        let detail = format!(
            "Blocks of type \"{}\" can't be overridden: write them in a primary configuration file.",
            written.kind()
        );
        diags.push(
            Diagnostic::error(
                codes::UNSUPPORTED,
                format!("Cannot override \"{}\" blocks", written.kind()),
            )
            .detail(detail)
            .at(written.header(), ""),
        );
        return;
    }
    match lower::lower_alone(written, diags) {
        Some(Item::Locals(locals)) => {
            for local in locals {
                override_local(module, local, diags);
            }
        }
        Some(Item::Settings(settings)) => {
            if settings.required_version.is_some() {
                module.required_versions = settings.required_version.into_iter().collect();
            }
            module.required_providers.extend(settings.required_providers);
            module.backend = settings.backend.or(module.backend.take());
        }
        _ => {}
    }
}

fn override_local(module: &mut Module, local: Local, diags: &mut Diagnostics) {
    if let Some(base) = module.locals.get_mut(&local.name) {
        *base = local;
        return;
    }
    let detail = format!(
        "There is no local value named \"{}\". An override file can only override a value defined in a primary \
         configuration file.",
        local.name
    );
    diags.push(
        Diagnostic::error(codes::UNDECLARED, "Missing base local value definition to override")
            .detail(detail)
            .at(local.span, ""),
    );
}

fn has_base(module: &Module, written: Written<'_>) -> bool {
    let label = |at| written.label(at).map(|(name, _)| name).unwrap_or_default();
    match written.kind() {
        "variable" => module.variables.contains_key(&label(0)),
        "output" => module.outputs.contains_key(&label(0)),
        "module" => module.calls.contains_key(&label(0)),
        "provider" => module.providers.iter().any(|provider| provider.name == label(0)),
        kind => {
            let mode = if kind == "data" { Mode::Data } else { Mode::Managed };
            module.resources.contains_key(&BlockRef { mode, kind: label(0), name: label(1) })
        }
    }
}

fn no_base(written: Written<'_>) -> Diagnostic {
    let kind = written.kind();
    let labels: Vec<&str> = written.block.labels.iter().map(|(label, _)| &**label).collect();
    let detail = format!(
        "There is no {kind} \"{}\". An override file can only override a block defined in a primary configuration file.",
        labels.join("\" \"")
    );
    Diagnostic::error(codes::UNDECLARED, format!("Missing {kind} to override"))
        .detail(detail)
        .at(written.header(), "")
}
