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
    /// How often the surrounding `for`s go round, all together.
    rounds: u64,
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
        Self { scope, innermost: None, rounds: 1 }
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
        Frame { scope: self.scope, innermost: Some(binding), rounds: self.rounds }
    }

    /// Returns how often the surrounding `for`s and one that goes round so often do, all together.
    pub(crate) fn rounds(&self, more: usize) -> u64 {
        self.rounds.saturating_mul(more.max(1) as u64)
    }

    /// Returns the frame within a `for` that goes round so often.
    pub(crate) fn going_round(&self, rounds: u64) -> Self {
        Self { rounds, ..*self }
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
