//! Operators and conditionals.

use std::cmp::Ordering;

use terrarium_diagnostic::Span;
use terrarium_value::{Kind, Number, Type, Value, convert, unify};

use super::{Evaluator, Heritage, broken, codes};
use crate::expr::frame::Frame;
use crate::expr::node::{Binary, Conditional, Node, Operator};

impl Evaluator<'_> {
    pub(super) fn negate(&mut self, node: &Node, frame: &Frame<'_>) -> Value {
        self.unary(node, frame, Type::Number, |value| {
            value.as_number().map(|number| Value::number(number.neg()))
        })
    }

    pub(super) fn not(&mut self, node: &Node, frame: &Frame<'_>) -> Value {
        self.unary(node, frame, Type::Bool, |value| {
            value.as_bool().map(|value| Value::bool(!value))
        })
    }

    fn unary(
        &mut self,
        node: &Node,
        frame: &Frame<'_>,
        ty: Type,
        apply: fn(&Value) -> Option<Value>,
    ) -> Value {
        let operand = self.eval(node, frame);
        let mut heritage = Heritage::default();
        let operand = match convert(&heritage.take(operand), &ty) {
            Ok(operand) => operand,
            Err(error) => {
                let detail = format!("Unsuitable value for unary operand: {}.", error.message);
                return self.fail(codes::OPERAND, node.span, "Invalid operand", detail);
            }
        };
        if operand.is_null() {
            return self.operation_failed(node.span, "argument must not be null");
        }
        apply(&operand)
            .map_or_else(|| heritage.unknown_not_null(ty), |value| value.marked(heritage.marks))
    }

    fn operation_failed(&mut self, span: Span, why: &str) -> Value {
        self.fail(
            codes::OPERATION,
            span,
            "Operation failed",
            format!("Error during operation: {why}."),
        )
    }

    pub(super) fn binary(&mut self, binary: &Binary, span: Span, frame: &Frame<'_>) -> Value {
        let left = self.eval(&binary.left, frame);
        let right = self.eval(&binary.right, frame);
        match binary.operator {
            Operator::Equal => return equal(&left, &right),
            Operator::NotEqual => {
                let equal = equal(&left, &right);
                let marks = equal.marks();
                return equal.as_bool().map_or(equal, |equal| Value::bool(!equal).marked(marks));
            }
            _ => {}
        }
        let logic = matches!(binary.operator, Operator::And | Operator::Or);
        let wanted = if logic { Type::Bool } else { Type::Number };
        let mut heritage = Heritage::default();
        let sides = [(left, &binary.left, "left"), (right, &binary.right, "right")];
        let mut operands = Vec::with_capacity(2);
        for (value, node, side) in sides {
            match convert(&heritage.take(value), &wanted) {
                Ok(value) => operands.push((value, node.span)),
                Err(error) => {
                    let detail = format!("Unsuitable value for {side} operand: {}.", error.message);
                    self.fail(codes::OPERAND, node.span, "Invalid operand", detail);
                }
            }
        }
        let [(left, _), (right, _)] = operands.as_slice() else { return broken() };
        if let Some((_, span)) = operands.iter().find(|(value, _)| value.is_null()) {
            return self.operation_failed(*span, "argument must not be null");
        }
        let result = if logic {
            left.as_bool().zip(right.as_bool()).map(|(a, b)| {
                Value::bool(if binary.operator == Operator::And { a && b } else { a || b })
            })
        } else {
            match left
                .as_number()
                .zip(right.as_number())
                .map(|(a, b)| arithmetic(binary.operator, a, b))
            {
                Some(Err(why)) => return self.operation_failed(span, &why),
                Some(Ok(value)) => Some(value),
                None => None,
            }
        };
        let ty = if binary.operator.is_arithmetic() { Type::Number } else { Type::Bool };
        result.map_or_else(|| heritage.unknown_not_null(ty), |value| value.marked(heritage.marks))
    }

    pub(super) fn conditional(
        &mut self,
        conditional: &Conditional,
        span: Span,
        frame: &Frame<'_>,
    ) -> Value {
        // Both results are evaluated, since the type depends on both; only the taken one's errors count.
        let mut yes_diags = terrarium_diagnostic::Diagnostics::new();
        let yes = Evaluator::new(&mut yes_diags).eval(&conditional.yes, frame);
        let mut no_diags = terrarium_diagnostic::Diagnostics::new();
        let no = Evaluator::new(&mut no_diags).eval(&conditional.no, frame);
        let condition = self.eval(&conditional.condition, frame);
        self.keep_reference_errors(&yes_diags);
        self.keep_reference_errors(&no_diags);

        let Some(target) = common_type(&yes, &no) else {
            let detail = format!(
                "The true and false result expressions must have consistent types. {}",
                describe_mismatch(&yes.ty(), &no.ty())
            );
            return self.fail(
                codes::BRANCHES,
                span,
                "Inconsistent conditional result types",
                detail,
            );
        };
        if condition.is_null() {
            let detail = "The condition value is null. Conditions must either be true or false.";
            return self.fail(
                codes::CONDITION,
                conditional.condition.span,
                "Null condition",
                detail,
            );
        }
        // Which result is taken may tell a secret, so the marks of both stay.
        let mut heritage = Heritage { marks: yes.marks() | no.marks(), ..Heritage::default() };
        let condition = heritage.take(condition);
        let Ok(condition) = convert(&condition, &Type::Bool) else {
            let detail = "The condition expression must be of type bool.";
            return self.fail(
                codes::CONDITION,
                conditional.condition.span,
                "Incorrect condition type",
                detail,
            );
        };
        let Some(taken) = condition.as_bool() else {
            let not_null = !may_be_null(&yes) && !may_be_null(&no);
            let ty = target.unwrap_or(Type::Dynamic);
            return if not_null { heritage.unknown_not_null(ty) } else { heritage.unknown(ty) };
        };
        let (result, diags) = if taken { (yes, yes_diags) } else { (no, no_diags) };
        self.diags.extend(diags.into_iter().filter(|one| one.code != codes::REFERENCE));
        match self.branch(result, target, (taken, span)) {
            Ok(result) => result.marked(heritage.marks),
            Err(failed) => failed,
        }
    }

    /// Converts the taken result of a conditional to the type of both.
    fn branch(
        &mut self,
        result: Value,
        target: Option<Type>,
        (taken, span): (bool, Span),
    ) -> Result<Value, Value> {
        let Some(ty) = target else { return Ok(result) };
        convert(&result, &ty).map_err(|error| {
            let side = if taken { "true" } else { "false" };
            let detail = format!("The {side} result value has the wrong type: {}.", error.message);
            self.fail(codes::BRANCHES, span, "Inconsistent conditional result types", detail)
        })
    }
}

impl Operator {
    fn is_arithmetic(self) -> bool {
        matches!(self, Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Modulo)
    }
}

/// `==`: `tomap({})` has elements of any type, so it is no empty `map(string)`.
fn equal(left: &Value, right: &Value) -> Value {
    let untyped = |value: &Value| match value.kind() {
        Kind::List(items) | Kind::Set(items) => items.is_empty(),
        Kind::Map(entries) => entries.is_empty(),
        _ => false,
    };
    if untyped(left) && untyped(right) && left.ty() != right.ty() {
        return Value::bool(false).marked(left.marks() | right.marks());
    }
    left.equals(right)
}

fn may_be_null(value: &Value) -> bool {
    match value.kind() {
        Kind::Null(_) => true,
        Kind::Unknown(unknown) => !unknown.refinements.not_null,
        _ => false,
    }
}

fn arithmetic(operator: Operator, a: &Number, b: &Number) -> Result<Value, String> {
    let number = |result: Result<Number, terrarium_value::NumberError>| {
        result.map(Value::number).map_err(|error| error.to_string())
    };
    let order = || a.cmp(b);
    match operator {
        Operator::Add => number(a.add(b)),
        Operator::Subtract => number(a.sub(b)),
        Operator::Multiply => number(a.mul(b)),
        Operator::Divide => number(a.div(b)),
        Operator::Modulo => number(a.rem(b)),
        Operator::Less => Ok(Value::bool(order() == Ordering::Less)),
        Operator::LessOrEqual => Ok(Value::bool(order() != Ordering::Greater)),
        Operator::Greater => Ok(Value::bool(order() == Ordering::Greater)),
        Operator::GreaterOrEqual => Ok(Value::bool(order() != Ordering::Less)),
        Operator::Equal | Operator::NotEqual | Operator::And | Operator::Or => {
            Ok(Value::bool(false))
        }
    }
}

/// Returns the type of a conditional: `Some(None)` leaves the result as it is, `None` is an error.
#[expect(clippy::option_option, reason = "three outcomes: an error, no conversion, a conversion")]
fn common_type(yes: &Value, no: &Value) -> Option<Option<Type>> {
    let untyped_null = |value: &Value| matches!(value.kind(), Kind::Null(Type::Dynamic));
    let (yes_type, no_type) = (yes.ty(), no.ty());
    if untyped_null(yes) {
        return Some(Some(no_type));
    }
    if untyped_null(no) {
        return Some(Some(yes_type));
    }
    if yes_type == Type::Dynamic || no_type == Type::Dynamic || yes_type == no_type {
        return Some((yes_type == no_type).then_some(yes_type));
    }
    unify(&[yes_type, no_type]).map(Some)
}

fn describe_mismatch(yes: &Type, no: &Type) -> String {
    if let (Type::Object(a), Type::Object(b)) = (yes, no) {
        for (name, ty) in &a.attributes {
            match b.attributes.get(name) {
                None => {
                    return format!(
                        "The 'true' value includes object attribute {name:?}, which is absent in the 'false' value."
                    );
                }
                Some(other) if other != ty => {
                    return format!(
                        "Type mismatch for object attribute {name:?}: {}",
                        describe_mismatch(ty, other)
                    );
                }
                Some(_) => {}
            }
        }
        if let Some(name) = b.attributes.keys().find(|name| !a.attributes.contains_key(name)) {
            return format!(
                "The 'false' value includes object attribute {name:?}, which is absent in the 'true' value."
            );
        }
    }
    if let (Type::Tuple(a), Type::Tuple(b)) = (yes, no) {
        if a.len() != b.len() {
            let (a, b) = (a.len(), b.len());
            return format!(
                "The 'true' tuple has length {a}, but the 'false' tuple has length {b}."
            );
        }
        if let Some((at, (a, b))) = a.iter().zip(b.iter()).enumerate().find(|(_, (a, b))| a != b) {
            return format!("Type mismatch for tuple element {at}: {}", describe_mismatch(a, b));
        }
    }
    format!(
        "The 'true' value is {}, but the 'false' value is {}.",
        yes.friendly_name(),
        no.friendly_name()
    )
}
