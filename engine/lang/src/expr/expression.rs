//! `Expr`: a compiled expression and what can be asked of it.

use std::fmt;
use std::sync::Arc;

use terrarium_address::{Name, PathStep};
use terrarium_diagnostic::{Diagnostics, Span};
use terrarium_value::Value;

use super::eval::Evaluator;
use super::index_step::index_step;
use super::node::{Node, NodeKind};
use super::{Frame, Reference, Scope};

/// A compiled expression; cheap to clone.
#[derive(Clone)]
pub struct Expr(Arc<Inner>);

pub(super) struct Inner {
    pub(super) node: Node,
    pub(super) references: Vec<Reference>,
    pub(super) text: Arc<str>,
}

impl Expr {
    pub(super) fn new(node: Node, references: Vec<Reference>, text: Arc<str>) -> Self {
        Self(Arc::new(Inner { node, references, text }))
    }

    /// Returns an expression that is always this value.
    pub fn of_value(value: Value, span: Span) -> Self {
        Self::new(Node::new(span, NodeKind::Constant(value)), Vec::new(), "".into())
    }

    /// Returns where it stands.
    pub fn span(&self) -> Span {
        self.0.node.span
    }

    /// Returns what it refers to; names that it binds itself left out.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// Returns its source text.
    pub fn source_text(&self) -> &str {
        self.0.text.get(self.span().range()).unwrap_or_default()
    }

    /// Evaluates it. After an error, which goes to `diags`, the value is unknown.
    pub fn eval(&self, frame: &Frame<'_>, diags: &mut Diagnostics) -> Value {
        Evaluator::new(diags).eval(&self.0.node, frame)
    }

    /// Evaluates it where nothing is bound.
    pub fn eval_in(&self, scope: &dyn Scope, diags: &mut Diagnostics) -> Value {
        self.eval(&Frame::new(scope), diags)
    }

    /// Evaluates the argument of a `type(x)`, where the expression is one: the console shows the type.
    pub fn eval_type_argument(&self, frame: &Frame<'_>, diags: &mut Diagnostics) -> Option<Value> {
        match &self.0.node.kind {
            NodeKind::Call(call) if call.function.name == "type" && !call.expand => {
                match call.args.as_slice() {
                    [argument] => Some(Evaluator::new(diags).eval(argument, frame)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Returns the value of a literal.
    pub fn constant(&self) -> Option<Value> {
        constant(&self.0.node)
    }

    /// Returns the identifier that it consists of: `all`, `string`, `destroy`.
    pub fn as_keyword(&self) -> Option<&str> {
        match &self.0.node.kind {
            NodeKind::Root(root) if root.names.is_empty() && root.key.is_none() => Some(&root.name),
            _ => None,
        }
    }

    /// Returns a reference's steps, where it is nothing else: `a.b[0]` is `a`, `.b`, `[0]`.
    pub fn as_traversal(&self) -> Option<(Name, Vec<PathStep>)> {
        let mut steps = Vec::new();
        let root = traversal(&self.0.node, &mut steps)?;
        Some((root, steps))
    }
}

/// Shows the source text, never a value.
impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.source_text()).finish()
    }
}

fn constant(node: &Node) -> Option<Value> {
    match &node.kind {
        NodeKind::Constant(value) => Some(value.clone()),
        _ => None,
    }
}

fn traversal(node: &Node, steps: &mut Vec<PathStep>) -> Option<Name> {
    match &node.kind {
        NodeKind::Root(root) => {
            steps.extend(root.names.iter().cloned().map(PathStep::Attr));
            if let Some(key) = &root.key {
                steps.push(index_step(&constant(key)?)?);
            }
            steps.extend(root.output.iter().cloned().map(PathStep::Attr));
            Some(root.name.clone())
        }
        NodeKind::Attr(source, name) => {
            let root = traversal(source, steps)?;
            steps.push(PathStep::Attr(name.clone()));
            Some(root)
        }
        NodeKind::Index(source, key) => {
            let root = traversal(source, steps)?;
            steps.push(index_step(&constant(key)?)?);
            Some(root)
        }
        _ => None,
    }
}
