//! The chunker: cuts a file into its top-level blocks, so that each is parsed alone.
//!
//! A mistake then costs one block instead of the whole file, and blocks are parsed in parallel.

use std::ops::Range;

use super::scan::Scanner;
use super::token::{Kind, Token};

/// The deepest nesting of brackets and templates; the parser's own limit for what stands in a block.
pub(crate) const MAX_NESTING: usize = 64;

/// The block types of the language's top level, by which the chunker finds its way back after a
/// block that is never closed.
const TOP_LEVEL: &[&str] = &[
    "resource",
    "data",
    "ephemeral",
    "variable",
    "output",
    "locals",
    "module",
    "provider",
    "terraform",
    "moved",
    "removed",
    "import",
    "check",
];

/// A top-level block or argument, or the junk that stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it stands in the file.
    pub(crate) range: Range<usize>,
    /// What is wrong with it, as far as tokens show.
    pub(crate) fault: Option<Fault>,
}

/// A mistake that tokens alone show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it is.
    pub(crate) kind: FaultKind,
    /// The token that shows it.
    pub(crate) at: Range<usize>,
}

/// Kinds of mistakes that tokens alone show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// An opening token of this kind that is never closed.
    Unclosed(Kind),
    /// A closing token that closes nothing, or something else than what is open.
    Unopened(Kind),
    /// A raw newline in a quoted string.
    QuotedNewline,
    /// A character without meaning, or an unclosed `/*`.
    Invalid,
    /// Brackets within brackets, too deep.
    TooDeep,
}

/// Cuts a text into chunks.
pub(crate) fn chunks(text: &str) -> Vec<Chunk> {
    let mut found = Vec::new();
    let mut at = 0;
    // Once a block was left open, the way back is looked for to the end: one rescan, not one per block.
    let mut recovering = false;
    loop {
        let mut cut = next_chunk(text, at, recovering);
        if cut.unclosed && !recovering {
            recovering = true;
            cut = next_chunk(text, at, recovering);
        }
        let Some(chunk) = cut.chunk else { return found };
        at = cut.next;
        found.push(chunk);
    }
}

/// Returns the first mistake in a text that is one expression.
pub(crate) fn fault(text: &str) -> Option<Fault> {
    let mut cutter = Cutter { start: Some(0), end: 0, open: Vec::new(), fault: None };
    for token in Scanner::new(text) {
        match token.kind {
            Kind::QuotedNewline => cutter.blame(FaultKind::QuotedNewline, token),
            Kind::Invalid => cutter.blame(FaultKind::Invalid, token),
            _ => cutter.bracket(token),
        }
    }
    cutter.finish(text.len()).chunk?.fault
}

struct Cut {
    chunk: Option<Chunk>,
    next: usize,
    unclosed: bool,
}

struct Cutter {
    start: Option<usize>,
    end: usize,
    open: Vec<Token>,
    fault: Option<Fault>,
}

impl Cutter {
    fn blame(&mut self, kind: FaultKind, token: Token) {
        if self.fault.is_none() {
            self.fault = Some(Fault { kind, at: token.range() });
        }
    }

    fn bracket(&mut self, token: Token) {
        if token.kind.opens() {
            self.open.push(token);
            if self.open.len() > MAX_NESTING {
                self.blame(FaultKind::TooDeep, token);
            }
        } else if token.kind.closes() {
            let innermost = self.open.last().copied();
            if innermost.and_then(|opener| opener.kind.closer()) == Some(token.kind) {
                self.open.pop();
            } else if self.close_outer(token.kind) {
                let opener = innermost.unwrap_or(token);
                self.blame(FaultKind::Unclosed(opener.kind), opener);
            } else {
                self.blame(FaultKind::Unopened(token.kind), token);
            }
        }
    }

    /// A closer that doesn't fit closes the innermost bracket of its kind, with all that is in it;
    /// returns whether there is one.
    fn close_outer(&mut self, kind: Kind) -> bool {
        let outer = self.open.iter().rposition(|opener| opener.kind.closer() == Some(kind));
        if let Some(at) = outer {
            self.open.truncate(at);
        }
        outer.is_some()
    }

    fn finish(mut self, next: usize) -> Cut {
        let unclosed = !self.open.is_empty();
        // The innermost that is open is named: it is the first that is missing its end.
        if let Some(opener) = self.open.last().copied() {
            self.blame(FaultKind::Unclosed(opener.kind), opener);
        }
        let Self { start, end, fault, .. } = self;
        Cut { chunk: start.map(|start| Chunk { range: start..end, fault }), next, unclosed }
    }
}

/// Cuts the chunk that begins at or after `at`.
fn next_chunk(text: &str, at: usize, recovering: bool) -> Cut {
    let mut cutter = Cutter { start: None, end: at, open: Vec::new(), fault: None };
    let mut scanner = Scanner::starting_at(text, at);
    let mut line_start = false;
    let mut next = text.len();
    while let Some(token) = scanner.next() {
        let range = token.range();
        let ends_line = token.kind == Kind::Newline
            || (token.kind == Kind::Comment && token.text(text).ends_with('\n'));
        if cutter.start.is_none() {
            if ends_line || token.kind == Kind::Comment {
                continue;
            }
            cutter.start = Some(range.start);
        } else if recovering && line_start && begins_block(text, token, &scanner) {
            next = range.start;
            break;
        }
        line_start = ends_line;
        if ends_line && cutter.open.is_empty() {
            next = range.end;
            break;
        }
        match token.kind {
            Kind::QuotedNewline => {
                cutter.blame(FaultKind::QuotedNewline, token);
                cutter.close_outer(Kind::CloseQuote);
                line_start = true;
                if cutter.open.is_empty() {
                    next = range.end;
                    break;
                }
                continue;
            }
            Kind::Invalid => cutter.blame(FaultKind::Invalid, token),
            _ => cutter.bracket(token),
        }
        if token.kind != Kind::Comment && token.kind != Kind::Newline {
            cutter.end = range.end;
        }
    }
    cutter.finish(next)
}

/// Returns whether a line that begins with this token at the left edge begins a top-level block.
fn begins_block(text: &str, token: Token, scanner: &Scanner<'_>) -> bool {
    let at_edge = token.start == 0 || text.as_bytes().get(token.start as usize - 1) == Some(&b'\n');
    if token.kind != Kind::Ident || !at_edge || !TOP_LEVEL.contains(&token.text(text)) {
        return false;
    }
    let follows = Scanner::starting_at(text, scanner.position()).next();
    follows.is_some_and(|next| matches!(next.kind, Kind::OpenQuote | Kind::OpenBrace | Kind::Ident))
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, chunks};
    use crate::syntax::token::Kind;

    fn texts(text: &str) -> Vec<(&str, Option<FaultKind>)> {
        chunks(text)
            .into_iter()
            .map(|c| (&text[c.range], c.fault.map(|fault| fault.kind)))
            .collect()
    }

    #[test]
    fn blocks_are_cut_apart() {
        let text = "# head\na = 1 # tail\n\nb \"x\" {\n  c = <<-E\n    }\n  E\n  d = \"${\"}\"}\"\n}\n/* z */ e = [\n]";
        let expected = [
            ("a = 1", None),
            ("b \"x\" {\n  c = <<-E\n    }\n  E\n  d = \"${\"}\"}\"\n}", None),
            ("e = [\n]", None),
        ];
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn a_block_that_is_never_closed_costs_itself_only() {
        let text = "a {\n  b = 1\nresource \"x\" \"y\" {\n}\n";
        let expected = [
            ("a {\n  b = 1", Some(FaultKind::Unclosed(Kind::OpenBrace))),
            ("resource \"x\" \"y\" {\n}", None),
        ];
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn quotes_end_with_their_line() {
        let text = "a = \"b\nc = 1\n";
        assert_eq!(texts(text), [("a = \"b", Some(FaultKind::QuotedNewline)), ("c = 1", None)]);
    }

    #[test]
    fn closers_need_openers() {
        assert_eq!(
            texts("}\na = 1"),
            [("}", Some(FaultKind::Unopened(Kind::CloseBrace))), ("a = 1", None)]
        );
        assert_eq!(
            texts("a = [1)\n]"),
            [("a = [1)\n]", Some(FaultKind::Unopened(Kind::CloseParen)))]
        );
    }
}
