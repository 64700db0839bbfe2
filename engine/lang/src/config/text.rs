//! The source text of a block, as the tokens that mean something.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use terrarium_diagnostic::Span;

use super::fields::{Given, Written};
use crate::origin::Origin;

/// Where a block was written, with what overrides it; cheap to clone.
///
/// Two texts with the same tokens mean the same: comments, blanks and what `fmt` changes don't count.
#[derive(Clone, Default)]
pub struct BlockText(Arc<[(Arc<str>, Range<usize>)]>);

impl BlockText {
    /// Takes over a block and its overrides.
    pub(super) fn of(layers: &[Written<'_>]) -> Self {
        Self(layers.iter().map(|layer| part(layer.origin, layer.span())).collect())
    }

    /// Takes over single arguments.
    pub(super) fn of_arguments<'a>(given: impl IntoIterator<Item = Given<'a>>) -> Self {
        Self(given.into_iter().map(|given| part(given.origin, given.span())).collect())
    }

    /// Calls `each` with every token, in the order of the source.
    pub fn for_each_token(&self, each: &mut dyn FnMut(&str)) {
        for (text, range) in self.0.iter() {
            crate::fmt::for_each_token(text.get(range.clone()).unwrap_or_default(), each);
        }
    }
}

impl fmt::Debug for BlockText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, range)| range)).finish()
    }
}

fn part(origin: &Origin, span: Span) -> (Arc<str>, Range<usize>) {
    (origin.text.clone(), span.range())
}
