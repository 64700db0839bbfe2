//! The canonical layout of source text, identical to what `terraform fmt` makes of it.
//!
//! Works on tokens of the source: only blanks change, and the few spellings that Terraform rewrites
//! (`"${x}"` to `x`, quoted types, labels without quotes).

mod layout;
mod spelling;

use std::sync::Arc;

use terrarium_diagnostic::{Diagnostics, FileId};

use crate::syntax::{self, Kind, Scanner, Text};

/// A token on its way to the output.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    kind: Kind,
    text: &'a str,
    /// Blanks before it.
    spaces: usize,
}

impl<'a> Piece<'a> {
    /// A token that is put in.
    fn new(kind: Kind, text: &'a str) -> Self {
        Self { kind, text, spaces: 0 }
    }

    /// Returns how much deeper (or less deep) what follows it is nested.
    fn bracket_change(self) -> isize {
        match self.kind {
            Kind::OpenBrace
            | Kind::OpenBracket
            | Kind::OpenParen
            | Kind::Control
            | Kind::Interpolation => 1,
            Kind::CloseBrace | Kind::CloseBracket | Kind::CloseParen | Kind::SequenceEnd => -1,
            _ => 0,
        }
    }

    /// Returns whether the next token is on another line.
    fn ends_line(self) -> bool {
        self.kind == Kind::Newline || (self.kind == Kind::Comment && self.text.ends_with('\n'))
    }
}

/// Returns the text in its canonical layout, or what is wrong with its syntax.
///
/// The result of a result is the same text.
pub fn fmt(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Text { file, text: Arc::from(text) };
    let (_, diags) = syntax::parse_with(std::slice::from_ref(&source), |_, _, _| ());
    if diags.has_errors() {
        return Err(diags);
    }
    let (pieces, end) = pieces(text);
    let trailing = text.get(end..).unwrap_or_default();
    let mut pieces = spelling::normalise(&pieces);
    layout::arrange(&mut pieces);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for piece in &pieces {
        out.extend(std::iter::repeat_n(' ', piece.spaces));
        out.push_str(piece.text);
    }
    out.push_str(trailing);
    Ok(out)
}

/// Cuts a text into tokens; returns them and where the last one ends.
fn pieces(text: &str) -> (Vec<Piece<'_>>, usize) {
    let mut end = 0;
    let pieces = Scanner::new(text)
        .map(|token| {
            let range = token.range();
            let gap = text.get(end..range.start).unwrap_or_default();
            end = range.end;
            Piece { kind: token.kind, text: token.text(text), spaces: gap.chars().count() }
        })
        .collect();
    (pieces, end)
}

/// Calls `each` with the tokens of a text that mean something, in their canonical spelling.
pub(crate) fn for_each_token(text: &str, each: &mut dyn FnMut(&str)) {
    let (pieces, _) = pieces(text);
    for piece in spelling::normalise(&pieces) {
        match piece.kind {
            Kind::Newline | Kind::Comment => {}
            Kind::OpenHeredoc | Kind::CloseHeredoc => each(piece.text.trim()),
            _ => each(piece.text),
        }
    }
}
