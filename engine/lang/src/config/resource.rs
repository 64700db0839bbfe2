//! Resource and data blocks.

use std::sync::{Arc, LazyLock};

use terrarium_address::{AttrPath, Name};
use terrarium_diagnostic::Span;

use super::{BlockText, ProviderRef, Rule};
use crate::block_ref::BlockRef;
use crate::expr::{Body, Expr, Reference};

/// A `resource` or `data` block.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its labels.
    pub block: BlockRef,
    /// `count`.
    pub count: Option<Expr>,
    /// `for_each`.
    pub for_each: Option<Expr>,
    /// `provider`; `None`: the default configuration of the type's first word.
    pub provider: Option<ProviderRef>,
    /// `depends_on`.
    pub depends_on: Vec<Reference>,
    /// The `lifecycle` block.
    pub lifecycle: Arc<Lifecycle>,
    /// `provisioner` blocks, in order.
    pub provisioners: Vec<Provisioner>,
    /// The `connection` block.
    pub connection: Option<Body>,
    /// Everything else, to be decoded with the type's schema.
    pub body: Body,
    /// The header: `resource "type" "name"`.
    pub span: Span,
    /// The whole block.
    pub text: BlockText,
}

impl Resource {
    /// Returns an empty block, for something that the configuration no longer has.
    pub fn absent(block: BlockRef) -> Self {
        let body = Body::empty();
        let span = body.span();
        Self {
            block,
            count: None,
            for_each: None,
            provider: None,
            depends_on: Vec::new(),
            lifecycle: Lifecycle::usual(),
            provisioners: Vec::new(),
            connection: None,
            body,
            span,
            text: BlockText::default(),
        }
    }
}

/// A `lifecycle` block.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// `create_before_destroy`.
    pub create_before_destroy: bool,
    /// `prevent_destroy`.
    pub prevent_destroy: bool,
    /// `ignore_changes`.
    pub ignore_changes: IgnoreChanges,
    /// `replace_triggered_by`.
    pub replace_triggered_by: Vec<Expr>,
    /// `precondition` blocks.
    pub preconditions: Vec<Rule>,
    /// `postcondition` blocks.
    pub postconditions: Vec<Rule>,
}

impl Lifecycle {
    /// Returns that of a block without one: all such blocks share it.
    pub fn usual() -> Arc<Self> {
        static USUAL: LazyLock<Arc<Lifecycle>> = LazyLock::new(Arc::default);
        USUAL.clone()
    }
}

/// What `ignore_changes` names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IgnoreChanges {
    /// Nothing.
    #[default]
    None,
    /// `all`.
    All,
    /// These parts.
    Paths(Vec<AttrPath>),
}

/// A `provisioner` block.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// Its type: `local-exec`, `remote-exec`, `file`.
    pub kind: Name,
    /// Whether it runs before the destroy instead of after the create.
    pub on_destroy: bool,
    /// Whether the run goes on after its failure.
    pub continue_on_failure: bool,
    /// Its arguments.
    pub body: Body,
    /// Its own `connection` block.
    pub connection: Option<Body>,
    /// The header.
    pub span: Span,
}
