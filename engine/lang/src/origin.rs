//! Where a parsed text comes from.

use std::ops::Range;
use std::sync::Arc;

use terrarium_diagnostic::{FileId, Span};

/// Where a parsed text comes from: the syntax tree's spans count from `offset`.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file.
    pub file: FileId,
    /// Offset in the file of the first byte of what was parsed.
    pub offset: usize,
    /// The text of the whole file.
    pub text: Arc<str>,
}

impl Origin {
    /// Returns the file's span for a span of the syntax tree.
    pub fn span(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or(0..0);
        Span::new(self.file, range.start + self.offset..range.end + self.offset)
    }

    /// Returns the source text of a span of the syntax tree.
    pub fn slice(&self, range: &Range<usize>) -> Option<&str> {
        self.text.get(range.start + self.offset..range.end + self.offset)
    }
}
