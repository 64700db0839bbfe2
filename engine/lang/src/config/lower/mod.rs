//! Syntax of one top-level block to what it declares.

mod named;
mod refactoring;
mod resource;
mod terraform;

use terrarium_address::Name;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::fields::Written;
use super::{
    Check, Import, Local, ModuleCall, Moved, Output, ProviderBlock, Removed, Resource, Variable,
};
use crate::codes;
use crate::origin::Origin;
use crate::syntax::tree::Content;
use crate::unexpected::{unsupported_argument, unsupported_block};

pub(super) use terraform::{Settings, duplicate_backend};

/// What one top-level block declares.
pub(super) enum Item {
    Variable(Variable),
    Locals(Vec<Local>),
    Output(Output),
    Resource(Box<Resource>),
    Call(Box<ModuleCall>),
    Provider(ProviderBlock),
    Settings(Box<Settings>),
    Moved(Moved),
    Removed(Removed),
    Import(Box<Import>),
    Check(Box<Check>),
}

/// The block types of the top level.
const BLOCKS: &[&str] = &[
    "check",
    "data",
    "ephemeral",
    "import",
    "locals",
    "module",
    "moved",
    "output",
    "provider",
    "removed",
    "resource",
    "terraform",
    "variable",
];

/// The blocks of override files, which replace parts of those that they name.
#[derive(Default)]
pub(super) struct Overrides(pub(super) Vec<(Origin, Content)>);

impl Overrides {
    fn of<'a>(&'a self, base: Written<'_>) -> impl Iterator<Item = Written<'a>> {
        let key = override_key(base);
        self.written().filter(move |over| key.is_some() && override_key(*over) == key)
    }

    /// Iterates over the blocks.
    pub(super) fn written(&self) -> impl Iterator<Item = Written<'_>> {
        self.0.iter().flat_map(|(origin, content)| {
            content.blocks.iter().map(move |block| Written { origin, block })
        })
    }
}

/// Returns what an override must have in common with its base; `None` for blocks without a name.
pub(super) fn override_key(written: Written<'_>) -> Option<(String, Vec<String>, Option<String>)> {
    if !matches!(
        written.kind(),
        "resource" | "data" | "variable" | "output" | "module" | "provider"
    ) {
        return None;
    }
    let labels = written.block.labels.iter().map(|(label, _)| label.to_string()).collect();
    let alias = match written.kind() {
        "provider" => {
            let alias = written.block.content.arguments.iter().find(|it| &*it.name == "alias");
            alias.and_then(|alias| alias.value.as_str()).map(str::to_owned)
        }
        _ => None,
    };
    Some((written.kind().to_owned(), labels, alias))
}

/// Turns what stands at the top level into what it declares.
pub(super) fn lower(
    origin: &Origin,
    content: &Content,
    overrides: &Overrides,
    diags: &mut Diagnostics,
) -> Vec<Item> {
    for argument in &content.arguments {
        diags.push(unsupported_argument(&argument.name, argument.name_span, &[], BLOCKS));
    }
    let mut items = Vec::with_capacity(content.blocks.len());
    for block in &content.blocks {
        let base = Written { origin, block };
        let layers: Vec<Written<'_>> = std::iter::once(base).chain(overrides.of(base)).collect();
        items.extend(lower_block(base, &layers, diags));
    }
    items
}

/// Turns a block of an override file that has no base of its own into what it declares.
pub(super) fn lower_alone(written: Written<'_>, diags: &mut Diagnostics) -> Option<Item> {
    lower_block(written, &[written], diags)
}

fn lower_block(base: Written<'_>, layers: &[Written<'_>], diags: &mut Diagnostics) -> Option<Item> {
    match base.kind() {
        "variable" => named::variable(base, layers, diags).map(Item::Variable),
        "locals" => named::locals(base, diags).map(Item::Locals),
        "output" => named::output(base, layers, diags).map(Item::Output),
        "module" => named::call(base, layers, diags).map(|call| Item::Call(Box::new(call))),
        "provider" => named::provider(base, layers, diags).map(Item::Provider),
        "resource" | "data" => {
            resource::resource(base, layers, diags).map(|it| Item::Resource(Box::new(it)))
        }
        "terraform" => {
            terraform::settings(base, diags).map(|settings| Item::Settings(Box::new(settings)))
        }
        "moved" => refactoring::moved(base, diags).map(Item::Moved),
        "removed" => refactoring::removed(base, diags).map(Item::Removed),
        "import" => refactoring::import(base, diags).map(|import| Item::Import(Box::new(import))),
        "check" => resource::check(base, diags).map(|check| Item::Check(Box::new(check))),
        "ephemeral" => {
            diags.push(
                Diagnostic::error(codes::NOT_IMPLEMENTED, "Ephemeral resources are not implemented yet")
                    .detail("Read the value with a `data` block, or pass it through a variable with `ephemeral = true`.")
                    .at(base.header(), ""),
            );
            None
        }
        kind => {
            diags.push(unsupported_block(kind, base.header(), BLOCKS, &[]));
            None
        }
    }
}

/// Returns whether a text is a name, and says so where it isn't.
fn check_name(what: &str, name: &str, at: Span, diags: &mut Diagnostics) -> bool {
    let mut chars = name.chars();
    let valid = chars.next().is_some_and(crate::syntax::is_ident_start)
        && chars.all(crate::syntax::is_ident_continue);
    if !valid {
        let detail = "A name must start with a letter or underscore and may contain only letters, digits, underscores, \
                      and dashes.";
        diags.push(
            Diagnostic::error(codes::INVALID_NAME, format!("Invalid {what} name"))
                .detail(detail)
                .at(at, ""),
        );
    }
    valid
}

/// Returns the only label of a block, checked to be a name.
fn name_label(written: Written<'_>, what: &str, diags: &mut Diagnostics) -> Option<Name> {
    if !written.has_labels(&["name"], diags) {
        return None;
    }
    let (name, at) = written.label(0)?;
    check_name(what, &name, at, diags).then_some(name)
}
