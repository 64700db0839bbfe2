//! A module: the blocks of one directory.

use std::collections::BTreeMap;
use std::path::PathBuf;

use indexmap::IndexMap;
use terrarium_address::{ModulePath, Name, Target};
use terrarium_diagnostic::{FileId, Span};
use terrarium_value::{Type, Value};

use super::{BlockRef, BlockText, Resource};
use crate::expr::{Body, Defaults, Expr, Reference};

/// What the files of one directory declare. Maps keep the order of the source.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The directory, relative to the root module's: what `path.module` says (`.` for the root).
    pub dir: PathBuf,
    /// Its files.
    pub files: Vec<FileId>,
    /// `variable` blocks.
    pub variables: IndexMap<Name, Variable>,
    /// Entries of `locals` blocks.
    pub locals: IndexMap<Name, Local>,
    /// `output` blocks.
    pub outputs: IndexMap<Name, Output>,
    /// `resource` and `data` blocks.
    pub resources: IndexMap<BlockRef, Box<Resource>>,
    /// `module` blocks.
    pub calls: IndexMap<Name, ModuleCall>,
    /// `provider` blocks.
    pub providers: Vec<ProviderBlock>,
    /// `required_providers` by local name.
    pub required_providers: BTreeMap<Name, Requirement>,
    /// `required_version` constraints.
    pub required_versions: Vec<RequiredVersion>,
    /// The `backend` block, or `cloud` as a backend of that type.
    pub backend: Option<Backend>,
    /// `moved` blocks.
    pub moved: Vec<Moved>,
    /// `removed` blocks.
    pub removed: Vec<Removed>,
    /// `import` blocks.
    pub imports: Vec<Import>,
    /// `check` blocks.
    pub checks: IndexMap<Name, Check>,
}

/// A `variable` block.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an argument of the block or follows from one"
)]
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Its type constraint, `any` where none is given.
    pub ty: Type,
    /// Whether the text of a value (`-var`, `TF_VAR_x`) is the value itself, not an expression: where no type
    /// is written, or that of a string, number or bool.
    pub literal: bool,
    /// Defaults of optional attributes within the type.
    pub defaults: Defaults,
    /// Its default, converted to the type; `None`: it is required.
    pub default: Option<Value>,
    /// Whether null is a value (`true` unless said otherwise).
    pub nullable: bool,
    /// Whether its value may be shown.
    pub sensitive: bool,
    /// Whether its value may be stored.
    pub ephemeral: bool,
    /// What it is for.
    pub description: Option<String>,
    /// `validation` blocks.
    pub validations: Vec<Validation>,
    /// The header: `variable "x"`.
    pub span: Span,
    /// The whole block.
    pub text: BlockText,
}

/// A `validation` block; its expressions may refer to other objects of the module.
pub type Validation = Rule;

/// A condition that must hold, and what to say where it doesn't.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Must be true.
    pub condition: Expr,
    /// The message.
    pub error_message: Expr,
    /// The block.
    pub span: Span,
}

/// An entry of a `locals` block.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole entry.
    pub span: Span,
    /// The same, as text.
    pub text: BlockText,
}

/// An `output` block.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// Whether its value may be shown.
    pub sensitive: bool,
    /// Whether its value may be stored.
    pub ephemeral: bool,
    /// What it is.
    pub description: Option<String>,
    /// `depends_on`.
    pub depends_on: Vec<Reference>,
    /// `precondition` blocks.
    pub preconditions: Vec<Rule>,
    /// The header.
    pub span: Span,
    /// The whole block.
    pub text: BlockText,
}

/// A `module` block.
#[derive(Clone, Debug)]
pub struct ModuleCall {
    /// Its name.
    pub name: Name,
    /// `source`, as written.
    pub source: String,
    /// Where `source` stands.
    pub source_span: Span,
    /// `version`, as written.
    pub version: Option<String>,
    /// `count`.
    pub count: Option<Expr>,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `depends_on`.
    pub depends_on: Vec<Reference>,
    /// `providers`: name in the called module → name here.
    pub providers: Vec<(ProviderRef, ProviderRef)>,
    /// The other arguments: the called module's variables.
    pub arguments: IndexMap<Name, Expr>,
    /// The header.
    pub span: Span,
    /// Everything but the arguments for the called module's variables.
    pub text: BlockText,
    /// Those arguments, by name.
    pub argument_texts: IndexMap<Name, BlockText>,
}

/// A reference to a provider configuration: `openstack`, `openstack.edge`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderRef {
    /// Local name.
    pub name: Name,
    /// Alias; `None` for the default configuration.
    pub alias: Option<Name>,
    /// Where it stands.
    pub span: Span,
}

/// A `provider` block.
#[derive(Clone, Debug)]
pub struct ProviderBlock {
    /// Local name.
    pub name: Name,
    /// `alias`.
    pub alias: Option<Name>,
    /// Its arguments, to be decoded with the provider's schema.
    pub body: Body,
    /// The header.
    pub span: Span,
    /// The whole block.
    pub text: BlockText,
}

/// An entry of `required_providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// `source`, as written; `None` where only a version is given.
    pub source: Option<String>,
    /// Version constraint, as written.
    pub version: Option<String>,
    /// `configuration_aliases`.
    pub aliases: Vec<ProviderRef>,
    /// The entry.
    pub span: Span,
}

/// A `required_version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredVersion {
    /// The constraint, as written.
    pub constraint: String,
    /// Where it stands.
    pub span: Span,
}

/// A `backend` block.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its type: `local`, `s3`, …; `cloud` for a `cloud` block.
    pub kind: Name,
    /// Its arguments.
    pub body: Body,
    /// The header.
    pub span: Span,
}

/// A `moved` block. Module steps without keys stand for every instance.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Where it was, relative to this module.
    pub from: Target,
    /// Where it is.
    pub to: Target,
    /// The block.
    pub span: Span,
}

/// A `removed` block.
#[derive(Clone, Debug)]
pub struct Removed {
    /// What is no longer managed.
    pub from: Target,
    /// Whether the object is destroyed (`true` unless said otherwise).
    pub destroy: bool,
    /// The block.
    pub span: Span,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where it goes: the module and block; the key may be an expression.
    pub to: (ModulePath, BlockRef),
    /// The instance key's expression.
    pub key: Option<Expr>,
    /// The id.
    pub id: Expr,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `provider`.
    pub provider: Option<ProviderRef>,
    /// The block.
    pub span: Span,
}

/// A `check` block.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: Name,
    /// A data source of its own.
    pub data: Option<Resource>,
    /// What must hold; a failure is a warning.
    pub asserts: Vec<Rule>,
    /// The header.
    pub span: Span,
}
