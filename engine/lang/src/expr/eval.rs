//! Evaluation: the walk over the compiled form.

mod access;
mod bounds;
mod call;
mod iteration;
mod operation;
mod reference;
mod template;

use terrarium_address::Name;
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics, Span};
use terrarium_value::{Causes, Kind, Map, Marks, Type, Value, convert};

use super::codes;
use super::frame::Frame;
use super::node::{Node, NodeKind};
use access::{attribute, index};

/// Evaluates nodes; holds where diagnostics go.
pub(crate) struct Evaluator<'d> {
    pub(crate) diags: &'d mut Diagnostics,
    /// Whether something was refused as too large: then no `for` goes on.
    pub(super) exhausted: bool,
}

/// What a result inherits from the values it was computed from: their marks, and where it is unknown
/// their causes. The one place where both are united.
#[derive(Default)]
pub(crate) struct Heritage {
    pub(crate) marks: Marks,
    causes: Vec<Causes>,
    unknown: bool,
}

impl Heritage {
    /// Takes the value's own marks, and its causes if it is unknown itself. Returns it unmarked.
    pub(crate) fn take(&mut self, value: Value) -> Value {
        self.marks = self.marks | value.marks();
        if let Kind::Unknown(unknown) = value.kind() {
            self.unknown = true;
            self.causes.push(unknown.causes.clone());
        }
        value.unmarked()
    }

    /// Takes all marks and causes within the value. Returns it unmarked.
    pub(crate) fn take_deep(&mut self, value: &Value) -> Value {
        self.marks = self.marks | value.deep_marks();
        if !value.is_wholly_known() {
            self.unknown = true;
            self.causes.push(value.causes_deep());
        }
        value.unmarked_deep()
    }

    /// Returns whether some value was unknown.
    pub(crate) fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// Returns the causes of all unknown values.
    pub(crate) fn causes(&self) -> Causes {
        Causes::union(&self.causes)
    }

    /// Returns an unknown result.
    pub(crate) fn unknown(&self, ty: Type) -> Value {
        Value::unknown(ty, self.causes()).marked(self.marks)
    }

    /// Returns an unknown result that will not be null.
    pub(crate) fn unknown_not_null(&self, ty: Type) -> Value {
        let refinements = terrarium_value::Refinements { not_null: true, ..Default::default() };
        let causes = self.causes();
        Value::refined(terrarium_value::Unknown { ty, refinements, causes }).marked(self.marks)
    }
}

/// What stands for a value after an error.
pub(crate) fn broken() -> Value {
    Value::unknown(Type::Dynamic, Causes::NONE)
}

impl<'d> Evaluator<'d> {
    pub(crate) fn new(diags: &'d mut Diagnostics) -> Self {
        Self { diags, exhausted: false }
    }

    /// Reports an error and returns what stands for the value.
    pub(crate) fn fail(
        &mut self,
        code: Code,
        span: Span,
        summary: &str,
        detail: impl Into<String>,
    ) -> Value {
        self.diags.push(Diagnostic::error(code, summary).detail(detail).at(span, ""));
        broken()
    }

    pub(crate) fn eval(&mut self, node: &Node, frame: &Frame<'_>) -> Value {
        let built = match &node.kind {
            NodeKind::Template(parts) => self.template(parts, frame),
            NodeKind::Join(each) => self.join(each, frame),
            NodeKind::Tuple(items) => Value::tuple(items.iter().map(|item| self.eval(item, frame))),
            NodeKind::Object(items) => self.object(items, frame),
            NodeKind::Splat(splat) => self.splat(splat, frame),
            NodeKind::For(each) => self.for_expression(each, frame),
            NodeKind::Call(call) => self.call(call, node.span, frame),
            _ => return self.eval_plain(node, frame),
        };
        self.bounded(built, node.span, &frame.scope().environment().limits)
    }

    /// Evaluates what builds no text and no collection.
    fn eval_plain(&mut self, node: &Node, frame: &Frame<'_>) -> Value {
        match &node.kind {
            NodeKind::Constant(value) => value.clone(),
            NodeKind::Local(name) => frame.lookup(name).cloned().unwrap_or_else(broken),
            NodeKind::Root(root) => self.root(root, node.span, frame),
            NodeKind::Attr(source, name) => {
                let source = self.eval(source, frame);
                self.or_fail(attribute(&source, name), node.span)
            }
            NodeKind::Index(source, key) => {
                let source = self.eval(source, frame);
                let key = self.eval(key, frame);
                self.or_fail(index(&source, &key), node.span)
            }
            NodeKind::Negate(operand) => self.negate(operand, frame),
            NodeKind::Not(operand) => self.not(operand, frame),
            NodeKind::Binary(binary) => self.binary(binary, node.span, frame),
            NodeKind::Conditional(conditional) => self.conditional(conditional, node.span, frame),
            NodeKind::NoFunction(why) => {
                self.fail(codes::FUNCTION, node.span, why.0, why.1.clone())
            }
            // The others are evaluated above.
            _ => broken(),
        }
    }

    /// Passes on what is wrong whatever the values are: incomplete references, even where the result isn't taken.
    fn keep_reference_errors(&mut self, diags: &Diagnostics) {
        self.diags.extend(diags.iter().filter(|one| one.code == codes::REFERENCE).cloned());
    }

    fn or_fail(&mut self, result: Result<Value, Fault>, span: Span) -> Value {
        result.unwrap_or_else(|fault| self.fail(fault.code, span, fault.summary, fault.detail))
    }

    fn object(&mut self, items: &[(Node, Node)], frame: &Frame<'_>) -> Value {
        let mut entries = Map::new();
        let mut heritage = Heritage::default();
        let mut failed = false;
        for (key, value) in items {
            let value = self.eval(value, frame);
            if let NodeKind::Constant(constant) = &key.kind
                && let Kind::String(name) = constant.kind()
            {
                entries.insert(name.clone(), value);
                continue;
            }
            let given = self.eval(key, frame);
            let given = heritage.take(given);
            if given.is_null() {
                self.fail(
                    codes::KEY,
                    key.span,
                    "Null value as key",
                    "Can't use a null value as a key.",
                );
                failed = true;
                continue;
            }
            match convert(&given, &Type::String) {
                Ok(name) => {
                    if let Kind::String(name) = name.kind() {
                        entries.insert(name.clone(), value);
                    }
                }
                Err(error) => {
                    let detail = format!("Can't use this value as a key: {}.", error.message);
                    self.fail(codes::KEY, key.span, "Incorrect key type", detail);
                    failed = true;
                }
            }
        }
        if failed {
            return broken();
        }
        if heritage.is_unknown() {
            return heritage.unknown(Type::Dynamic);
        }
        Value::object(entries).marked(heritage.marks)
    }
}

/// Why a value has no such part: a diagnostic without its place.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) summary: &'static str,
    pub(crate) detail: String,
}

impl Fault {
    fn new(code: Code, summary: &'static str, detail: impl Into<String>) -> Self {
        Self { code, summary, detail: detail.into() }
    }
}

/// Returns the name that a known string value holds.
fn as_name(value: &Value) -> Option<&Name> {
    if let Kind::String(name) = value.kind() { Some(name) } else { None }
}
