//! Operators.

use hcl_edit::expr::{BinaryOp, BinaryOperator, UnaryOp, UnaryOperator};

use super::Compiler;
use crate::expr::node::{Binary, NodeKind, Operator};

impl Compiler<'_> {
    pub(super) fn unary(&mut self, operation: &UnaryOp) -> NodeKind {
        let operand = Box::new(self.expression(&operation.expr));
        match operation.operator.value() {
            UnaryOperator::Neg => NodeKind::Negate(operand),
            UnaryOperator::Not => NodeKind::Not(operand),
        }
    }

    pub(super) fn binary(&mut self, operation: &BinaryOp) -> NodeKind {
        let operator = match operation.operator.value() {
            BinaryOperator::Eq => Operator::Equal,
            BinaryOperator::NotEq => Operator::NotEqual,
            BinaryOperator::LessEq => Operator::LessOrEqual,
            BinaryOperator::GreaterEq => Operator::GreaterOrEqual,
            BinaryOperator::Less => Operator::Less,
            BinaryOperator::Greater => Operator::Greater,
            BinaryOperator::Plus => Operator::Add,
            BinaryOperator::Minus => Operator::Subtract,
            BinaryOperator::Mul => Operator::Multiply,
            BinaryOperator::Div => Operator::Divide,
            BinaryOperator::Mod => Operator::Modulo,
            BinaryOperator::And => Operator::And,
            BinaryOperator::Or => Operator::Or,
        };
        let left = self.expression(&operation.lhs_expr);
        let right = self.expression(&operation.rhs_expr);
        NodeKind::Binary(Box::new(Binary { operator, left, right }))
    }
}
