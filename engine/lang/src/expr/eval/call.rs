//! Calls: what all functions need, around their bodies.

use terrarium_diagnostic::{Diagnostics, Span};
use terrarium_value::{Kind, Marks, Type, Value, convert};

use super::{Evaluator, Heritage, broken, codes};
use crate::expr::frame::Frame;
use crate::expr::node::Call;
use crate::functions::{Args, Body, Function, Refusal, Returns, Traits};

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span, frame: &Frame<'_>) -> Value {
        match call.function.body {
            Body::Try => self.first_value(call, span, frame),
            Body::Can => self.has_value(call, span, frame),
            Body::Type => {
                let detail =
                    "The console-only \"type\" function cannot be used as part of an expression.";
                self.fail(codes::FUNCTION, span, "Invalid use of type function", detail)
            }
            Body::Plain(_) => {
                let Some((values, spans)) = self.arguments(call, frame) else { return broken() };
                if !self.check_arity(call.function, values.len(), span) {
                    return broken();
                }
                call_function(call.function, values, frame)
                    .unwrap_or_else(|refusal| self.refused(call.function, refusal, &spans, span))
            }
        }
    }

    /// Evaluates the arguments, expands the last one where `...` says so; `None` after an error, or where the
    /// number of arguments isn't known.
    fn arguments(&mut self, call: &Call, frame: &Frame<'_>) -> Option<(Vec<Value>, Vec<Span>)> {
        let errors_before = self.diags.0.len();
        let mut values: Vec<Value> = call.args.iter().map(|arg| self.eval(arg, frame)).collect();
        let mut spans: Vec<Span> = call.args.iter().map(|arg| arg.span).collect();
        if self.diags.0.len() > errors_before {
            return None;
        }
        if call.expand
            && let (Some(last), Some(span)) = (values.pop(), spans.pop())
        {
            let summary = "Invalid expanding argument value";
            if last.is_null() {
                let detail = "The expanding argument (indicated by ...) must not be null.";
                self.fail(codes::ARGUMENT, span, summary, detail);
                return None;
            }
            match last.kind() {
                Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
                    values.extend(items.iter().map(|item| item.clone().marked(last.marks())));
                    spans.resize(values.len(), span);
                }
                Kind::Unknown(unknown)
                    if matches!(
                        unknown.ty,
                        Type::Dynamic | Type::List(_) | Type::Set(_) | Type::Tuple(_)
                    ) =>
                {
                    return None;
                }
                _ => {
                    let detail = "The expanding argument (indicated by ...) must be of a tuple, list, or set type.";
                    self.fail(codes::ARGUMENT, span, summary, detail);
                    return None;
                }
            }
        }
        Some((values, spans))
    }

    fn check_arity(&mut self, function: &Function, given: usize, span: Span) -> bool {
        let (name, expected) = (function.name, function.params.len());
        if let Some(missing) = function.params.get(given) {
            let least = if function.variadic.is_some() { " at least" } else { "" };
            let detail = format!(
                "Function {name:?} expects{least} {expected} argument(s). Missing value for {:?}.",
                missing.name
            );
            self.fail(codes::ARITY, span, "Not enough function arguments", detail);
            return false;
        }
        if given > expected && function.variadic.is_none() {
            let detail = format!("Function {name:?} expects only {expected} argument(s).");
            self.fail(codes::ARITY, span, "Too many function arguments", detail);
            return false;
        }
        true
    }

    fn refused(
        &mut self,
        function: &Function,
        refusal: Refusal,
        spans: &[Span],
        span: Span,
    ) -> Value {
        match refusal {
            Refusal::Argument(at, why) => {
                let name = function.param(at).map_or("", |param| param.name);
                let span = spans.get(at).copied().unwrap_or(span);
                let detail = format!("Invalid value for {name:?} parameter: {why}.");
                self.fail(codes::ARGUMENT, span, "Invalid function argument", detail)
            }
            Refusal::Call(why) => {
                let detail = format!("Call to function {:?} failed: {why}.", function.name);
                self.fail(codes::CALL, span, "Error in function call", detail)
            }
        }
    }

    fn first_value(&mut self, call: &Call, span: Span, frame: &Frame<'_>) -> Value {
        if call.args.is_empty() {
            let detail = "Call to function \"try\" failed: at least one argument is required.";
            return self.fail(codes::CALL, span, "Error in function call", detail);
        }
        let mut failures = Vec::new();
        for arg in &call.args {
            let mut diags = Diagnostics::new();
            let value = Evaluator::new(&mut diags).eval(arg, frame);
            if !diags.has_errors() {
                return open(&value, Type::Dynamic).unwrap_or(value);
            }
            // What fails whatever the unknown values are fails for good.
            self.keep_reference_errors(&diags);
            failures.extend(
                diags.iter().take(1).map(|one| format!("- {} {}", one.summary, one.detail)),
            );
        }
        let detail = format!(
            "Call to function \"try\" failed: no expression succeeded: {} At least one expression must produce a \
             successful result.",
            failures.join(" ")
        );
        self.fail(codes::CALL, span, "Error in function call", detail)
    }

    fn has_value(&mut self, call: &Call, span: Span, frame: &Frame<'_>) -> Value {
        if !self.check_arity(call.function, call.args.len(), span) {
            return broken();
        }
        let Some(arg) = call.args.first() else { return broken() };
        let mut diags = Diagnostics::new();
        let value = Evaluator::new(&mut diags).eval(arg, frame);
        self.keep_reference_errors(&diags);
        if diags.has_errors() {
            return Value::bool(false);
        }
        open(&value, Type::Bool).unwrap_or_else(|| Value::bool(true))
    }
}

/// Returns an unknown value of a type where a part of a result is unknown: it may still turn out to fail.
fn open(value: &Value, ty: Type) -> Option<Value> {
    let unknown = !value.is_wholly_known();
    unknown.then(|| Value::unknown(ty, value.causes_deep()).marked(value.deep_marks()))
}

/// Calls a function with evaluated arguments of the right number.
pub(crate) fn call_function(
    function: &Function,
    values: Vec<Value>,
    frame: &Frame<'_>,
) -> Result<Value, Refusal> {
    let Body::Plain(body) = function.body else { return Ok(broken()) };
    let mut heritage = Heritage::default();
    let mut args = Args { values: Vec::with_capacity(values.len()), frame };
    let (mut unknown, mut untyped) = (false, false);
    for (at, value) in values.into_iter().enumerate() {
        let Some(param) = function.param(at) else { continue };
        let value = convert(&value, &param.want.ty())
            .map_err(|error| Refusal::Argument(at, conversion_error(&error)))?;
        if value.is_null() && !param.traits.null {
            return Err(Refusal::argument(at, "argument must not be null"));
        }
        if param.traits.marked && param.traits.unknown {
            args.values.push(value);
            continue;
        }
        if value.is_null() && value.ty() == Type::Dynamic && !param.traits.dynamic {
            // Nothing is known of its type, so nothing of the result's.
            return Ok(heritage.unknown(Type::Dynamic));
        }
        let is_unknown =
            if param.traits.deep { !value.is_wholly_known() } else { !value.is_known() };
        if is_unknown && !param.traits.unknown {
            unknown = true;
            untyped |= value.ty() == Type::Dynamic && !param.traits.dynamic;
            heritage.take_deep(&value);
        } else if param.traits.shallow {
            heritage.marks = heritage.marks | value.marks();
        } else if !param.traits.marked {
            heritage.marks = heritage.marks | value.deep_marks();
        }
        args.values.push(match param.traits {
            Traits { marked: true, .. } => value,
            Traits { shallow: true, .. } => value.unmarked(),
            _ => value.unmarked_deep(),
        });
    }
    if unknown {
        if untyped {
            return Ok(heritage.unknown(Type::Dynamic));
        }
        return match function.returns {
            Returns::Fixed(want) if want.ty() == Type::Dynamic => {
                Ok(heritage.unknown(Type::Dynamic))
            }
            Returns::Fixed(want) => Ok(heritage.unknown_not_null(want.ty())),
            Returns::Of(ty) => Ok(heritage.unknown(ty(&args.values)?)),
        };
    }
    match body(&args) {
        Ok(result) => Ok(result.marked(heritage.marks)),
        Err(refusal) if !heritage.marks.is_empty() => Err(redacted(refusal, &args, heritage.marks)),
        Err(refusal) => Err(refusal),
    }
}

/// Takes the texts of the arguments out of a message: one of them is secret.
fn redacted(refusal: Refusal, args: &Args<'_>, marks: Marks) -> Refusal {
    let instead = marks.instead();
    let mut texts: Vec<String> = Vec::new();
    for value in &args.values {
        value.for_each_leaf(&mut |_, leaf| texts.extend(leaf.as_str().map(str::to_owned)));
    }
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
    let clean = |why: String| {
        texts.iter().fold(why, |why, text| {
            why.replace(&format!("{text:?}"), instead).replace(text, instead)
        })
    };
    match refusal {
        Refusal::Argument(at, why) => Refusal::Argument(at, clean(why)),
        Refusal::Call(why) => Refusal::Call(clean(why)),
    }
}

fn conversion_error(error: &terrarium_value::ConvertError) -> String {
    if error.path.0.is_empty() {
        return error.message.clone();
    }
    let path = error.path.to_string();
    let path = if path.starts_with('[') {
        format!("element {path}")
    } else {
        format!("attribute {path:?}")
    };
    format!("{path}: {}", error.message)
}
