//! Values that must stand for themselves, since they are read before anything is evaluated.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall};
use hcl_edit::visit::{Visit, visit_func_call};
use jiff::Timestamp;
use terrarium_address::InstanceKey;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_value::Value;

use crate::block_ref::BlockRef;
use crate::codes;
use crate::expr::{
    EachPart, Environment, Expr, Files, Frame, Origin, PathPart, Scope, ScopeResult, TerraformPart,
    compile,
};

/// Returns the value of an expression that refers to nothing and calls nothing.
pub(crate) fn value(
    expression: &Expression,
    origin: &Origin,
    diags: &mut Diagnostics,
) -> Option<Value> {
    let mut calls = Calls::default();
    calls.visit_expr(expression);
    if let Some(range) = calls.first {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Function calls not allowed")
                .detail("Functions may not be called here.")
                .at(origin.span(Some(range)), ""),
        );
        return None;
    }
    let compiled = compile(expression, origin, diags);
    constant(&compiled, diags)
}

/// Returns the value of a compiled expression that refers to nothing.
pub(crate) fn constant(expr: &Expr, diags: &mut Diagnostics) -> Option<Value> {
    if let Some(value) = expr.constant() {
        return Some(value);
    }
    if let Some(reference) = expr.references().first() {
        diags.push(
            Diagnostic::error(codes::INVALID_ARGUMENT, "Variables not allowed")
                .detail("Variables may not be used here.")
                .at(reference.span, "only a literal value is possible here"),
        );
        return None;
    }
    let before = diags.0.len();
    let value = expr.eval(&Frame::new(&Nothing::new()), diags);
    let failed = diags.iter().skip(before).any(Diagnostic::is_error);
    (!failed).then_some(value)
}

/// The first function call in an expression.
#[derive(Default)]
struct Calls {
    first: Option<std::ops::Range<usize>>,
}

impl Visit for Calls {
    fn visit_func_call(&mut self, call: &FuncCall) {
        if self.first.is_none() {
            self.first = Some(call.span().unwrap_or_default());
        }
        visit_func_call(self, call);
    }
}

/// A scope in which there is nothing.
struct Nothing(Environment);

impl Nothing {
    fn new() -> Self {
        Self(Environment {
            planning: false,
            ..Environment::new("", Arc::new(NoFiles), Timestamp::UNIX_EPOCH)
        })
    }
}

fn nothing() -> ScopeResult {
    let words = "Variables may not be used here.";
    Err(Box::new(Diagnostic::error(codes::INVALID_ARGUMENT, "Variables not allowed").detail(words)))
}

impl Scope for Nothing {
    fn variable(&self, _: &str) -> ScopeResult {
        nothing()
    }

    fn local(&self, _: &str) -> ScopeResult {
        nothing()
    }

    fn resource(&self, _: &BlockRef, _: Option<&InstanceKey>) -> ScopeResult {
        nothing()
    }

    fn module(&self, _: &str, _: Option<&InstanceKey>, _: Option<&str>) -> ScopeResult {
        nothing()
    }

    fn each(&self, _: EachPart) -> ScopeResult {
        nothing()
    }

    fn count_index(&self) -> ScopeResult {
        nothing()
    }

    fn this(&self) -> ScopeResult {
        nothing()
    }

    fn path(&self, _: PathPart) -> ScopeResult {
        nothing()
    }

    fn terraform(&self, _: TerraformPart) -> ScopeResult {
        nothing()
    }

    fn environment(&self) -> &Environment {
        &self.0
    }
}

/// A file system in which there is nothing.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(String, bool)>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, _: &Path) -> bool {
        false
    }
}
