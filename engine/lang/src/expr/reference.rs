//! What an expression refers to, as far as it can be told without evaluating it.

use terrarium_address::{InstanceKey, Name, PathStep};
use terrarium_diagnostic::Span;

use super::parts::{EachPart, PathPart, TerraformPart};
use crate::block_ref::BlockRef;

/// One reference in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What is referred to.
    pub subject: Subject,
    /// The steps after it, as far as they are constant.
    pub rest: Vec<PathStep>,
    /// Where it stands.
    pub span: Span,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// `var.x`
    Variable(Name),
    /// `local.x`
    Local(Name),
    /// `type.name`, `data.type.name[0]`
    Resource(BlockRef, KeyRef),
    /// `module.x`, `module.x["k"].out`
    Module {
        /// The call.
        name: Name,
        /// Which instance.
        key: KeyRef,
        /// Which output, where it is one only.
        output: Option<Name>,
    },
    /// `each.key`, `each.value`
    Each(EachPart),
    /// `count.index`
    CountIndex,
    /// `self`
    This,
    /// `path.module`, …
    Path(PathPart),
    /// `terraform.workspace`, …
    Terraform(TerraformPart),
}

/// The instance key right after a resource or module name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef {
    /// No key: the whole block.
    Whole,
    /// A constant key.
    Constant(InstanceKey),
    /// A key that depends on evaluation: `x.y[each.key]`.
    Computed,
}
