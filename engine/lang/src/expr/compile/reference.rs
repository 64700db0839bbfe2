//! Variables and traversals: what a dotted name means.

use std::sync::Arc;

use hcl_edit::expr::{Expression, Traversal, TraversalOperator};
use hcl_edit::{Decorated, Span as _};
use terrarium_address::{InstanceKey, Mode, Name, PathStep, intern};
use terrarium_diagnostic::Span;
use terrarium_value::{Number, Value};

use super::{Compiler, as_constant};
use crate::block_ref::BlockRef;
use crate::expr::index_step::index_step;
use crate::expr::node::{Node, NodeKind, Root, RootTarget, SPLAT_ITEM, Splat};
use crate::expr::{EachPart, KeyRef, PathPart, Reference, Subject, TerraformPart, codes};

type Operators<'t> = &'t [Decorated<TraversalOperator>];

/// How many attribute names and keys a root takes for itself.
struct Shape {
    names: usize,
    key: bool,
    output: bool,
}

/// Most attributes, indexes and splats in a row. Each lies within the next when it is evaluated.
const MOST_STEPS: usize = 128;

impl Compiler<'_> {
    /// A lone identifier.
    pub(super) fn variable(&mut self, name: &str, span: Span) -> Node {
        self.root(name, span, &[]).0
    }

    pub(super) fn traversal(&mut self, traversal: &Traversal, span: Span) -> Node {
        let mut operators: Operators<'_> = &traversal.operators;
        if operators.len() > MOST_STEPS {
            let detail = format!(
                "This has {} attributes and indexes in a row; the limit is {MOST_STEPS}. Name a part of it in \
                 `locals`, and go on from there.",
                operators.len()
            );
            self.error(crate::codes::NESTING, span, "Too many levels of nesting", detail);
            return Node::new(span, NodeKind::Broken);
        }
        let source = match &traversal.expr {
            Expression::Variable(name) => {
                let (node, rest) = self.root(name.value().as_str(), self.span(name), operators);
                operators = rest;
                node
            }
            other => self.expression(other),
        };
        let node = self.steps(source, operators);
        Node { span, ..node }
    }

    /// Applies traversal operators to a node.
    fn steps(&mut self, mut node: Node, mut operators: Operators<'_>) -> Node {
        self.check_legacy_indexes(operators);
        while let Some((operator, rest)) = operators.split_first() {
            operators = rest;
            let span = node.span.to(self.span(operator));
            let kind = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    NodeKind::Attr(Box::new(node), intern(name.value().as_str()))
                }
                TraversalOperator::Index(key) => {
                    let key = self.expression(key);
                    NodeKind::Index(Box::new(node), Box::new(key))
                }
                TraversalOperator::LegacyIndex(index) => {
                    let key = Node::new(
                        span,
                        NodeKind::Constant(Value::number(Number::from(*index.value()))),
                    );
                    NodeKind::Index(Box::new(node), Box::new(key))
                }
                TraversalOperator::FullSplat(_) => {
                    let item = Node::new(span, NodeKind::Local(SPLAT_ITEM.into()));
                    let each = self.steps(item, operators);
                    operators = &[];
                    NodeKind::Splat(Box::new(Splat { source: node, each }))
                }
                TraversalOperator::AttrSplat(_) => {
                    // `a.*.b[0]`: only attributes belong to the element; the index is applied to the result.
                    let inside = operators.iter().take_while(|next| {
                        matches!(
                            next.value(),
                            TraversalOperator::GetAttr(_) | TraversalOperator::LegacyIndex(_)
                        )
                    });
                    let (inside, after) = operators.split_at(inside.count());
                    let item = Node::new(span, NodeKind::Local(SPLAT_ITEM.into()));
                    let each = self.steps(item, inside);
                    operators = after;
                    NodeKind::Splat(Box::new(Splat { source: node, each }))
                }
            };
            node = Node::new(span, kind);
        }
        node
    }

    fn check_legacy_indexes(&mut self, operators: Operators<'_>) {
        let legacy = |one: &Decorated<TraversalOperator>| {
            matches!(one.value(), TraversalOperator::LegacyIndex(_))
        };
        if let Some(pair) = operators.windows(2).find(|pair| pair.iter().all(legacy)) {
            let detail = "When using the legacy index syntax, chaining two indexes together is not permitted. Use the \
                          proper index syntax instead, like [0][1].";
            let span = pair.iter().map(|one| self.span(one)).reduce(Span::to);
            self.error(
                codes::INDEX,
                span.unwrap_or_else(|| self.origin.span(None)),
                "Invalid legacy index syntax",
                detail,
            );
        }
    }

    /// Resolves the beginning of a traversal and returns the operators that are left.
    fn root<'t>(
        &mut self,
        name: &str,
        start: Span,
        operators: Operators<'t>,
    ) -> (Node, Operators<'t>) {
        if self.bound.iter().any(|bound| **bound == *name) {
            return (Node::new(start, NodeKind::Local(name.into())), operators);
        }
        if let Some(free) = &mut self.free {
            if !free.iter().any(|(known, _)| **known == *name) {
                free.push((name.into(), start));
            }
            return (Node::new(start, NodeKind::Local(name.into())), operators);
        }
        let names: Vec<Name> = operators
            .iter()
            .map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(intern(name.value().as_str())),
                _ => None,
            })
            .collect();
        let (target, shape) = resolve(name, &names);
        let mut taken = shape.names;
        let key = if shape.key { self.key(operators.get(taken)) } else { None };
        taken += usize::from(key.is_some());
        let output = match operators.get(taken).map(Decorated::value) {
            Some(TraversalOperator::GetAttr(name)) if shape.output => {
                Some(intern(name.value().as_str()))
            }
            _ => None,
        };
        taken += usize::from(output.is_some());
        let (used, rest) = operators.split_at(taken);
        let span = used.last().map_or(start, |last| start.to(self.span(last)));
        let names = names.into_iter().take(shape.names).collect();
        let target = with_key(target, key.as_ref());
        let root = Root { name: intern(name), names, target, key: key.map(Box::new), output };
        self.note(&root, span, rest);
        (Node::new(span, NodeKind::Root(Arc::new(root))), rest)
    }

    fn key(&mut self, operator: Option<&Decorated<TraversalOperator>>) -> Option<Node> {
        match operator?.value() {
            TraversalOperator::Index(key) => Some(self.expression(key)),
            TraversalOperator::LegacyIndex(index) => {
                let span = self.span(index);
                Some(Node::new(
                    span,
                    NodeKind::Constant(Value::number(Number::from(*index.value()))),
                ))
            }
            _ => None,
        }
    }

    /// Records the reference.
    fn note(&mut self, root: &Root, mut span: Span, rest: Operators<'_>) {
        let Some(subject) = subject(root) else { return };
        let mut steps = Vec::with_capacity(rest.len());
        for operator in rest {
            let step = match operator.value() {
                TraversalOperator::GetAttr(name) => PathStep::Attr(intern(name.value().as_str())),
                TraversalOperator::LegacyIndex(index) => PathStep::Index(*index.value()),
                TraversalOperator::Index(Expression::String(key)) => {
                    PathStep::Key(key.value().as_str().into())
                }
                TraversalOperator::Index(Expression::Number(index)) => match index.value().as_u64()
                {
                    Some(index) => PathStep::Index(index),
                    None => break,
                },
                _ => break,
            };
            steps.push(step);
            span = span.to(self.origin.span(operator.span()));
        }
        self.references.push(Reference { subject, rest: steps, span });
    }
}

fn resolve(name: &str, names: &[Name]) -> (RootTarget, Shape) {
    let first = names.first().cloned();
    let one = |target| (target, Shape { names: 1, key: false, output: false });
    let block = |mode, kind: Name, name: Name, names| {
        let target = RootTarget::Resource(BlockRef { mode, kind, name }, None);
        (target, Shape { names, key: true, output: false })
    };
    let invalid = |summary: &str, detail: String| {
        let target = RootTarget::Invalid(Box::new((summary.to_owned(), detail)));
        (target, Shape { names: names.len().min(1), key: false, output: false })
    };
    let incomplete = |detail: &str| invalid("Invalid reference", detail.to_owned());
    match (name, first) {
        ("var", Some(name)) => one(RootTarget::Variable(name)),
        ("local", Some(name)) => one(RootTarget::Local(name)),
        ("var" | "local" | "module", None) => incomplete(&format!(
            "The {name:?} object cannot be accessed directly. Instead, access one of its attributes."
        )),
        ("module", Some(name)) => {
            (RootTarget::Module(name, None), Shape { names: 1, key: true, output: true })
        }
        ("each", Some(part)) if &*part == "key" => one(RootTarget::Each(EachPart::Key)),
        ("each", Some(part)) if &*part == "value" => one(RootTarget::Each(EachPart::Value)),
        ("count", Some(part)) if &*part == "index" => one(RootTarget::CountIndex),
        ("self", _) => (RootTarget::This, Shape { names: 0, key: false, output: false }),
        ("path", Some(part)) if path_part(&part).is_some() => {
            one(RootTarget::Path(path_part(&part).unwrap_or(PathPart::Cwd)))
        }
        ("terraform", Some(part)) if &*part == "workspace" => {
            one(RootTarget::Terraform(TerraformPart::Workspace))
        }
        ("terraform", Some(part)) if &*part == "applying" => {
            one(RootTarget::Terraform(TerraformPart::Applying))
        }
        ("each" | "count" | "path" | "terraform", part) => {
            let part = part.unwrap_or_else(|| "".into());
            invalid(
                &format!("Invalid {name:?} attribute"),
                format!("The {name:?} object does not have an attribute named {part:?}."),
            )
        }
        ("data", _) => match names {
            [kind, name, ..] => block(Mode::Data, kind.clone(), name.clone(), 2),
            _ => incomplete(
                "The \"data\" object must be followed by two attribute names: the data source type and the resource name.",
            ),
        },
        ("resource", _) => match names {
            [kind, name, ..] => block(Mode::Managed, kind.clone(), name.clone(), 2),
            _ => incomplete(
                "The \"resource\" object must be followed by two attribute names: the resource type and the resource name.",
            ),
        },
        (kind, Some(name)) => block(Mode::Managed, intern(kind), name, 1),
        (_, None) => incomplete(
            "A reference to a resource type must be followed by at least one attribute access, specifying the resource name.",
        ),
    }
}

fn path_part(name: &str) -> Option<PathPart> {
    match name {
        "module" => Some(PathPart::Module),
        "root" => Some(PathPart::Root),
        "cwd" => Some(PathPart::Cwd),
        _ => None,
    }
}

fn with_key(target: RootTarget, key: Option<&Node>) -> RootTarget {
    let key = key.and_then(as_constant).and_then(|key| instance_key(&key));
    match target {
        RootTarget::Resource(block, _) => RootTarget::Resource(block, key),
        RootTarget::Module(name, _) => RootTarget::Module(name, key),
        other => other,
    }
}

/// Returns the instance key that a known value stands for; `None`: it can be none.
pub(crate) fn instance_key(key: &Value) -> Option<InstanceKey> {
    match index_step(key)? {
        PathStep::Index(index) => Some(InstanceKey::Int(index)),
        PathStep::Key(key) => Some(InstanceKey::Str(key)),
        _ => None,
    }
}

fn subject(root: &Root) -> Option<Subject> {
    let key_ref = |constant: &Option<InstanceKey>| match (&root.key, constant) {
        (None, _) => KeyRef::Whole,
        (Some(_), Some(key)) => KeyRef::Constant(key.clone()),
        (Some(_), None) => KeyRef::Computed,
    };
    Some(match &root.target {
        RootTarget::Variable(name) => Subject::Variable(name.clone()),
        RootTarget::Local(name) => Subject::Local(name.clone()),
        RootTarget::Resource(block, key) => Subject::Resource(block.clone(), key_ref(key)),
        RootTarget::Module(name, key) => {
            Subject::Module { name: name.clone(), key: key_ref(key), output: root.output.clone() }
        }
        RootTarget::Each(part) => Subject::Each(*part),
        RootTarget::CountIndex => Subject::CountIndex,
        RootTarget::This => Subject::This,
        RootTarget::Path(part) => Subject::Path(*part),
        RootTarget::Terraform(part) => Subject::Terraform(*part),
        RootTarget::Invalid(_) => return None,
    })
}
