//! Names written where no value is meant: addresses, attribute paths, provider references.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, TraversalOperator};
use terrarium_address::{AttrPath, InstanceKey, Mode, ModulePath, Name, PathStep, Target};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span};

use super::{BlockRef, ProviderRef};
use crate::codes;
use crate::expr::{Expr, Origin, Reference, compile};

/// A step of a written name.
enum Step {
    Attr(Name),
    Key(InstanceKey),
    /// A key that must be evaluated.
    Computed(Expr),
}

/// Splits `a.b[0].c` into its steps; quoted names are an old spelling of the same.
fn steps(expression: &Expression, origin: &Origin, diags: &mut Diagnostics) -> Option<Vec<Step>> {
    match expression {
        Expression::Variable(ident) => Some(vec![Step::Attr(ident.as_str().into())]),
        Expression::String(text) => {
            let inner = hcl_edit::parser::parse_expr(text.as_str()).ok()?;
            if matches!(inner, Expression::String(_)) { None } else { steps(&inner, origin, diags) }
        }
        Expression::Traversal(traversal) => {
            let mut found = steps(&traversal.expr, origin, diags)?;
            for operator in &traversal.operators {
                found.push(match operator.value() {
                    TraversalOperator::GetAttr(name) => Step::Attr(name.as_str().into()),
                    TraversalOperator::LegacyIndex(index) => {
                        Step::Key(InstanceKey::Int(*index.value()))
                    }
                    TraversalOperator::Index(key) => index(key, origin, diags),
                    TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                        return None;
                    }
                });
            }
            Some(found)
        }
        _ => None,
    }
}

fn index(key: &Expression, origin: &Origin, diags: &mut Diagnostics) -> Step {
    let compiled = compile(key, origin, diags);
    let constant = compiled.constant();
    let number = constant
        .as_ref()
        .and_then(|value| value.as_number().and_then(terrarium_value::Number::to_u64));
    let text = constant.as_ref().and_then(terrarium_value::Value::as_str).map(Name::from);
    match (number, text) {
        (Some(number), _) => Step::Key(InstanceKey::Int(number)),
        (_, Some(text)) => Step::Key(InstanceKey::Str(text)),
        _ => Step::Computed(compiled),
    }
}

fn invalid(at: Span, summary: &str, detail: &str) -> Diagnostic {
    Diagnostic::error(codes::INVALID_ARGUMENT, summary).detail(detail).at(at, "")
}

/// Reads an address of a resource, its instance or a module: `from` and `to` of `moved`, …
pub(super) fn target(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<Target> {
    let at = origin.span(expression.span());
    let mut text = String::new();
    for step in steps(expression, origin, diags).unwrap_or_default() {
        match step {
            Step::Attr(name) if text.is_empty() => text.push_str(&name),
            Step::Attr(name) => text.extend([".", &name]),
            Step::Key(key) => text.push_str(&key.to_string()),
            Step::Computed(_) => text.push_str("[?]"),
        }
    }
    let target = text.parse().ok();
    if target.is_none() {
        let detail = "A resource, an instance of one, or a module is named here: `type.name`, `type.name[\"key\"]`, \
                      `module.name`.";
        diags.push(invalid(at, "Invalid address", detail));
    }
    target
}

/// Where an `import` goes: module and block, and the expression of its instance key.
pub(super) type ImportTarget = ((ModulePath, BlockRef), Option<Expr>);

/// Reads `to` of an `import` block, whose last key may be an expression.
pub(super) fn import_target(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<ImportTarget> {
    let at = origin.span(expression.span());
    let mut found = steps(expression, origin, diags).unwrap_or_default();
    let key = match found.pop() {
        Some(Step::Computed(expr)) => Some(expr),
        Some(Step::Key(key)) => Some(Expr::of_value(key_value(key), at)),
        Some(attr) => {
            found.push(attr);
            None
        }
        None => None,
    };
    let mut text = String::new();
    for step in found {
        match step {
            Step::Attr(name) if text.is_empty() => text.push_str(&name),
            Step::Attr(name) => text.extend([".", &name]),
            Step::Key(key) => text.push_str(&key.to_string()),
            Step::Computed(_) => text.push_str("[?]"),
        }
    }
    match text.parse() {
        Ok(Target::Block(block)) if block.mode == Mode::Managed => {
            let reference = BlockRef { mode: block.mode, kind: block.kind, name: block.name };
            Some(((block.module, reference), key))
        }
        _ => {
            let detail =
                "The argument \"to\" names a resource instance: `type.name`, `type.name[\"key\"]`.";
            diags.push(invalid(at, "Invalid import address", detail));
            None
        }
    }
}

fn key_value(key: InstanceKey) -> terrarium_value::Value {
    match key {
        InstanceKey::Int(index) => terrarium_value::Value::number(index),
        InstanceKey::Str(text) => terrarium_value::Value::string(text),
        InstanceKey::None => terrarium_value::Value::null(terrarium_value::Type::String),
    }
}

/// Reads a path into a resource's value, as in `ignore_changes`.
pub(super) fn attribute_path(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<AttrPath> {
    let path = steps(expression, origin, diags).and_then(|steps| {
        let parts = steps.into_iter().map(|step| match step {
            Step::Attr(name) => Some(PathStep::Attr(name)),
            Step::Key(InstanceKey::Int(index)) => Some(PathStep::Index(index)),
            Step::Key(InstanceKey::Str(key)) => Some(PathStep::Key(key)),
            Step::Key(InstanceKey::None) | Step::Computed(_) => None,
        });
        parts.collect::<Option<Vec<_>>>()
    });
    if path.is_none() {
        let detail =
            "A static list of attribute names is needed here; keys and indices must be literal.";
        diags.push(invalid(origin.span(expression.span()), "Invalid expression", detail));
    }
    path.map(AttrPath)
}

/// Reads a reference to a provider configuration: `openstack`, `openstack.edge`.
pub(super) fn provider(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<ProviderRef> {
    let span = origin.span(expression.span());
    let found = steps(expression, origin, diags).unwrap_or_default();
    match found.as_slice() {
        [Step::Attr(name)] => Some(ProviderRef { name: name.clone(), alias: None, span }),
        [Step::Attr(name), Step::Attr(alias)] => {
            Some(ProviderRef { name: name.clone(), alias: Some(alias.clone()), span })
        }
        _ => {
            let detail = "A provider configuration is named by the provider's local name, and its alias after a dot: \
                          `openstack`, `openstack.edge`.";
            diags.push(invalid(span, "Invalid provider configuration reference", detail));
            None
        }
    }
}

/// Reads an element of `depends_on`.
pub(super) fn dependency(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<Reference> {
    let span = origin.span(expression.span());
    let parsed = match expression {
        Expression::String(text) => hcl_edit::parser::parse_expr(text.as_str()).ok(),
        other => Some(other.clone()),
    };
    let reference = parsed
        .filter(|inner| matches!(inner, Expression::Traversal(_)))
        .and_then(|inner| compile(&inner, origin, diags).references().first().cloned())
        .map(|reference| Reference { span, ..reference });
    if reference.is_none() {
        let detail = "References in depends_on must be to a whole object (resource, module, …): `type.name`, \
                      `module.name`.";
        diags.push(invalid(span, "Invalid depends_on reference", detail));
    }
    reference
}
