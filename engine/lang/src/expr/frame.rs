//! Where an expression is evaluated: the scope and the names bound within the expression.

use terrarium_value::Value;

use super::Scope;

/// The scope, and the names that surrounding `for`s, `dynamic` blocks or template files bind.
///
/// Bound names come before the scope's roots, the innermost first.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    scope: &'a dyn Scope,
    innermost: Option<&'a Binding<'a>>,
}

/// A bound name.
pub struct Binding<'a> {
    name: &'a str,
    value: Value,
    outer: Option<&'a Binding<'a>>,
}

impl<'a> Frame<'a> {
    /// Returns a frame without bound names.
    pub fn new(scope: &'a dyn Scope) -> Self {
        Self { scope, innermost: None }
    }

    /// Returns the scope.
    pub fn scope(&self) -> &'a dyn Scope {
        self.scope
    }

    /// Binds a name; [`Frame::with`] makes it visible.
    ///
    /// Two steps, since the binding must live in the caller's stack frame:
    /// `let port = frame.bind("port", value); body.decode(&frame.with(&port))`.
    pub fn bind(&self, name: &'a str, value: Value) -> Binding<'a> {
        Binding { name, value, outer: self.innermost }
    }

    /// Returns the frame in which the binding is visible.
    #[must_use]
    pub fn with<'b>(&self, binding: &'b Binding<'b>) -> Frame<'b>
    where
        'a: 'b,
    {
        Frame { scope: self.scope, innermost: Some(binding) }
    }

    /// Returns the value bound to a name.
    pub(crate) fn lookup(&self, name: &str) -> Option<&'a Value> {
        let mut next = self.innermost;
        while let Some(binding) = next {
            if binding.name == name {
                return Some(&binding.value);
            }
            next = binding.outer;
        }
        None
    }
}
