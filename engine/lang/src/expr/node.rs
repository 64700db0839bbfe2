//! The compiled form of an expression: what `compile` builds and `eval` walks.

use std::sync::Arc;

use terrarium_address::{InstanceKey, Name};
use terrarium_diagnostic::Span;
use terrarium_value::Value;

use super::{EachPart, PathPart, TerraformPart};
use crate::block_ref::BlockRef;
use crate::functions::Function;

/// A part of an expression, with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: NodeKind,
}

#[derive(Debug)]
pub(crate) enum NodeKind {
    Constant(Value),
    /// Text made of several parts.
    Template(Vec<Node>),
    /// `%{ for }`: the joined results of a `for`.
    Join(Box<Node>),
    Tuple(Vec<Node>),
    Object(Vec<(Node, Node)>),
    /// A name that an enclosing `for`, splat or template file binds.
    Local(Name),
    Root(Arc<Root>),
    Attr(Box<Node>, Name),
    Index(Box<Node>, Box<Node>),
    Splat(Box<Splat>),
    Negate(Box<Node>),
    Not(Box<Node>),
    Binary(Box<Binary>),
    Conditional(Box<Conditional>),
    For(Box<For>),
    Call(Box<Call>),
    /// A call of a function that does not exist: summary and detail of the error.
    NoFunction(Box<(&'static str, String)>),
    /// What could not be compiled; the diagnostic is out already.
    Broken,
}

/// The name that an element of a splat is bound to; no identifier is spelt so.
pub(crate) const SPLAT_ITEM: &str = "[*]";

/// A reference's beginning: a name and what it means unless something local has the name.
#[derive(Debug)]
pub(crate) struct Root {
    /// The first identifier.
    pub(crate) name: Name,
    /// The attribute names consumed after it, and where each ends: replayed on a local value.
    pub(crate) names: Box<[Name]>,
    /// The instance key consumed after them.
    pub(crate) key: Option<Box<Node>>,
    /// The output name consumed after the key.
    pub(crate) output: Option<Name>,
    pub(crate) target: RootTarget,
}

#[derive(Debug)]
pub(crate) enum RootTarget {
    Variable(Name),
    Local(Name),
    Resource(BlockRef, Option<InstanceKey>),
    Module(Name, Option<InstanceKey>),
    Each(EachPart),
    CountIndex,
    This,
    Path(PathPart),
    Terraform(TerraformPart),
    /// An incomplete reference, an error unless the name is bound: summary and detail.
    Invalid(Box<(String, String)>),
}

#[derive(Debug)]
pub(crate) struct Splat {
    pub(crate) source: Node,
    pub(crate) each: Node,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) operator: Operator,
    pub(crate) left: Node,
    pub(crate) right: Node,
}

#[derive(Debug)]
pub(crate) struct Conditional {
    pub(crate) condition: Node,
    pub(crate) yes: Node,
    pub(crate) no: Node,
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) key_name: Option<Name>,
    pub(crate) value_name: Name,
    pub(crate) collection: Node,
    /// Set for an object.
    pub(crate) key: Option<Node>,
    pub(crate) value: Node,
    pub(crate) condition: Option<Node>,
    pub(crate) grouping: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) args: Vec<Node>,
    /// `f(x...)`
    pub(crate) expand: bool,
}

impl Node {
    pub(crate) fn new(span: Span, kind: NodeKind) -> Self {
        Self { span, kind }
    }
}
