//! From the parser's syntax tree to the compiled form.

mod operation;
mod reference;
mod template;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ForExpr, FuncCall, Object, ObjectKey};
use terrarium_address::{Name, intern};
use terrarium_diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use terrarium_value::{Map, Number, Value};

use super::codes;
use super::node::{Call, Conditional, For, Node, NodeKind};
use super::{Expr, Origin, Reference};
use crate::functions;

/// Compiles an expression; what is wrong with it goes to `diags`.
pub(crate) fn compile(expr: &Expression, origin: &Origin, diags: &mut Diagnostics) -> Expr {
    let mut compiler = Compiler::new(origin, diags);
    let node = compiler.expression(expr);
    compiler.references.shrink_to_fit();
    Expr::new(node, compiler.references, origin.text.clone())
}

/// Compiles the text of a template file; every name in it is one of the caller's variables.
pub(crate) fn compile_template(
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<(Node, Vec<(Name, Span)>)> {
    let template = match origin.text.parse::<hcl_edit::template::Template>() {
        Ok(template) => template,
        Err(error) => {
            let at = error.location().offset();
            let span = Span::new(origin.file, at..at + 1);
            diags.push(
                Diagnostic::error(codes::TEMPLATE, "Invalid template")
                    .detail(error.message())
                    .at(span, ""),
            );
            return None;
        }
    };
    let mut compiler = Compiler::new(origin, diags);
    compiler.free = Some(Vec::new());
    let node = compiler.template(&template, template::Form::Bare);
    let free = compiler.free.unwrap_or_default();
    Some((node, free))
}

pub(crate) use reference::instance_key;

struct Compiler<'a> {
    origin: &'a Origin,
    diags: &'a mut Diagnostics,
    references: Vec<Reference>,
    /// Names bound by the surrounding `for`s.
    bound: Vec<Name>,
    /// In a template file: the names that its caller must bind, with their first places.
    free: Option<Vec<(Name, Span)>>,
}

impl<'a> Compiler<'a> {
    fn new(origin: &'a Origin, diags: &'a mut Diagnostics) -> Self {
        Self { origin, diags, references: Vec::new(), bound: Vec::new(), free: None }
    }

    fn span(&self, of: &impl hcl_edit::Span) -> Span {
        self.origin.span(of.span())
    }

    fn error(
        &mut self,
        code: terrarium_diagnostic::Code,
        span: Span,
        summary: &str,
        detail: impl Into<String>,
    ) {
        self.diags.push(Diagnostic::error(code, summary).detail(detail).at(span, ""));
    }

    fn expression(&mut self, expr: &Expression) -> Node {
        let span = self.span(expr);
        let kind = match expr {
            Expression::Null(_) => NodeKind::Constant(Value::null(terrarium_value::Type::Dynamic)),
            Expression::Bool(value) => NodeKind::Constant(Value::bool(*value.value())),
            Expression::Number(number) => return self.number(number, span),
            Expression::String(text) => self.string(text.value(), span),
            Expression::Array(array) => {
                let items = array.iter().map(|item| self.expression(item)).collect();
                fold_tuple(items)
            }
            Expression::Object(object) => self.object(object),
            Expression::StringTemplate(template) => {
                return Node { span, ..self.template(template, template::Form::Quoted) };
            }
            Expression::HeredocTemplate(heredoc) => {
                let flush = self
                    .origin
                    .slice(&expr.span().unwrap_or(0..0))
                    .is_some_and(|text| text.starts_with("<<-"));
                let form = if flush { template::Form::Flush } else { template::Form::Heredoc };
                return Node { span, ..self.template(&heredoc.template, form) };
            }
            Expression::Parenthesis(inner) => return self.expression(inner.inner()),
            Expression::Variable(name) => return self.variable(name.value().as_str(), span),
            Expression::Conditional(conditional) => NodeKind::Conditional(Box::new(Conditional {
                condition: self.expression(&conditional.cond_expr),
                yes: self.expression(&conditional.true_expr),
                no: self.expression(&conditional.false_expr),
            })),
            Expression::FuncCall(call) => self.call(call),
            Expression::Traversal(traversal) => return self.traversal(traversal, span),
            Expression::UnaryOp(operation) => self.unary(operation),
            Expression::BinaryOp(operation) => self.binary(operation),
            Expression::ForExpr(each) => self.for_expression(each, span),
        };
        Node::new(span, kind)
    }

    /// The tree's value is an f64; the source text has all digits.
    fn number(&mut self, number: &hcl_edit::Formatted<hcl_edit::Number>, span: Span) -> Node {
        let shown = number.value().to_string();
        let text = number.span().and_then(|range| self.origin.slice(&range)).unwrap_or(&shown);
        let (negative, digits) =
            text.strip_prefix('-').map_or((false, text), |rest| (true, rest.trim_start()));
        let Ok(parsed) = Number::parse(digits) else {
            let detail = format!("Failed to recognize the value of this number literal: {text:?}.");
            self.error(codes::LITERAL, span, "Invalid number literal", detail);
            return Node::new(span, NodeKind::Broken);
        };
        let value = if negative { parsed.neg() } else { parsed };
        Node::new(span, NodeKind::Constant(Value::number(value)))
    }

    fn string(&mut self, text: &str, span: Span) -> NodeKind {
        if self.origin.text.get(span.range()).is_some_and(|source| source.contains('\n')) {
            self.multi_line(span);
            return NodeKind::Broken;
        }
        NodeKind::Constant(Value::string(text))
    }

    fn multi_line(&mut self, span: Span) {
        let detail = "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use \
                      the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax.";
        self.error(codes::LITERAL, span, "Invalid multi-line string", detail);
    }

    fn object(&mut self, object: &Object) -> NodeKind {
        let mut items = Vec::with_capacity(object.len());
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => Node::new(
                    self.span(name),
                    NodeKind::Constant(Value::string(intern(name.value().as_str()))),
                ),
                // A keyword is a name here.
                ObjectKey::Expression(expr @ (Expression::Null(_) | Expression::Bool(_))) => {
                    let name = if let Expression::Bool(value) = expr {
                        value.value().to_string()
                    } else {
                        "null".into()
                    };
                    Node::new(self.span(expr), NodeKind::Constant(Value::string(name)))
                }
                ObjectKey::Expression(expr) => {
                    if matches!(expr, Expression::Traversal(_)) {
                        let detail = "If this expression is intended to be a reference, wrap it in parentheses. If \
                                      it's instead intended as a literal name containing periods, wrap it in quotes to \
                                      create a string literal.";
                        let span = self.span(expr);
                        self.error(codes::KEY, span, "Ambiguous attribute key", detail);
                    }
                    self.expression(expr)
                }
            };
            items.push((key, self.expression(value.expr())));
        }
        fold_object(items)
    }

    fn call(&mut self, call: &FuncCall) -> NodeKind {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.value().as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.value().as_str());
        let name = name.strip_prefix("core::").unwrap_or(&name);
        let args: Vec<Node> = call.args.iter().map(|arg| self.expression(arg)).collect();
        if let Some(function) = functions::find(name) {
            return NodeKind::Call(Box::new(Call {
                function,
                args,
                expand: call.args.expand_final(),
            }));
        }
        // An error only where it is evaluated: `try(1, nosuch())` is 1.
        let (summary, detail) = unknown_function(name);
        NodeKind::NoFunction(Box::new((summary, detail)))
    }

    fn for_expression(&mut self, each: &ForExpr, span: Span) -> NodeKind {
        let collection = self.expression(&each.intro.collection_expr);
        let key_name: Option<Name> =
            each.intro.key_var.as_ref().map(|name| name.value().as_str().into());
        let value_name: Name = each.intro.value_var.value().as_str().into();
        if each.key_expr.is_none() && each.grouping {
            let detail = "Grouping ellipsis (...) cannot be used when building a tuple.";
            self.error(codes::ITERATION, span, "Invalid 'for' expression", detail);
        }
        let before = self.bound.len();
        self.bound.extend(key_name.iter().cloned());
        self.bound.push(value_name.clone());
        let key = each.key_expr.as_ref().map(|key| self.expression(key));
        let value = self.expression(&each.value_expr);
        let condition = each.cond.as_ref().map(|condition| self.expression(&condition.expr));
        self.bound.truncate(before);
        let grouping = each.grouping;
        NodeKind::For(Box::new(For {
            key_name,
            value_name,
            collection,
            key,
            value,
            condition,
            grouping,
        }))
    }
}

fn fold_tuple(items: Vec<Node>) -> NodeKind {
    let values: Option<Vec<Value>> = items.iter().map(as_constant).collect();
    values.map_or(NodeKind::Tuple(items), |values| NodeKind::Constant(Value::tuple(values)))
}

fn fold_object(items: Vec<(Node, Node)>) -> NodeKind {
    let entries: Option<Map> = items
        .iter()
        .map(|(key, value)| {
            let key = as_constant(key)?;
            Some((Name::from(key.as_str()?), as_constant(value)?))
        })
        .collect();
    entries.map_or(NodeKind::Object(items), |entries| NodeKind::Constant(Value::object(entries)))
}

fn as_constant(node: &Node) -> Option<Value> {
    if let NodeKind::Constant(value) = &node.kind { Some(value.clone()) } else { None }
}

fn unknown_function(name: &str) -> (&'static str, String) {
    if let Some((namespace, rest)) = name.split_once("::") {
        if namespace != "provider" {
            let detail = format!(
                "The function namespace {namespace:?} is not valid. Provider function calls must use the \
                 \"provider::\" namespace prefix."
            );
            return ("Unknown provider function", detail);
        }
        let (provider, function) = rest.split_once("::").unwrap_or((rest, ""));
        let detail = format!(
            "There is no function named {name:?}. Ensure that provider name {provider:?} is declared in this \
             module's required_providers block, and that this provider offers a function named {function:?}."
        );
        return ("Unknown provider function", detail);
    }
    let lower = name.to_lowercase();
    let hint = functions::find(&lower)
        .map(|function| function.name)
        .or_else(|| nearest(name, functions::all().map(|function| function.name)))
        .map_or_else(String::new, |near| format!(" Did you mean {near:?}?"));
    ("Call to unknown function", format!("There is no function named {name:?}.{hint}"))
}
