//! Spellings that are rewritten: labels get quotes, old types lose theirs, `"${x}"` becomes `x`.

use super::Piece;
use crate::syntax::Kind;

/// Rewrites what has a canonical spelling.
pub(super) fn normalise<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let mut writer = Writer { pieces, at: 0, out: Vec::with_capacity(pieces.len() + 16) };
    writer.body(&mut Vec::new());
    // What is no body, which can't be since the text was parsed, stays as it is.
    writer.out.extend(pieces.get(writer.at..).unwrap_or_default());
    writer.out
}

struct Writer<'a, 'p> {
    pieces: &'p [Piece<'a>],
    at: usize,
    out: Vec<Piece<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn peek(&self, ahead: usize) -> Option<Piece<'a>> {
        self.pieces.get(self.at + ahead).copied()
    }

    fn kind(&self, ahead: usize) -> Option<Kind> {
        self.peek(ahead).map(|piece| piece.kind)
    }

    /// Copies the next token.
    fn copy(&mut self) {
        self.out.extend(self.peek(0));
        self.at += 1;
    }

    fn copy_comments(&mut self) {
        while self.kind(0) == Some(Kind::Comment) {
            self.copy();
        }
    }

    /// Copies a body, up to the brace that closes it.
    fn body(&mut self, within: &mut Vec<&'a str>) {
        while let Some(piece) = self.peek(0) {
            match piece.kind {
                Kind::CloseBrace => return,
                Kind::Ident => self.item(piece.text, within),
                _ => self.copy(),
            }
        }
    }

    fn item(&mut self, name: &'a str, within: &mut Vec<&'a str>) {
        self.copy();
        self.copy_comments();
        if self.kind(0) == Some(Kind::Equal) {
            self.copy();
            self.copy_comments();
            self.argument(name == "type" && *within == ["variable"]);
            return;
        }
        self.labels();
        if self.kind(0) == Some(Kind::OpenBrace) {
            self.copy();
            within.push(name);
            self.body(within);
            within.pop();
            if self.kind(0) == Some(Kind::CloseBrace) {
                self.copy();
            }
        }
    }

    /// Copies labels, each in quotes, without comments between them.
    fn labels(&mut self) {
        while let Some(piece) = self.peek(0) {
            match piece.kind {
                Kind::Ident => {
                    self.out.push(Piece { text: "\"", kind: Kind::OpenQuote, ..piece });
                    self.out.push(Piece { kind: Kind::Quoted, spaces: 0, ..piece });
                    self.out.push(Piece::new(Kind::CloseQuote, "\""));
                    self.at += 1;
                }
                Kind::OpenQuote | Kind::Quoted | Kind::CloseQuote => self.copy(),
                Kind::Comment if !piece.ends_line() => self.at += 1,
                _ => return,
            }
        }
    }

    /// Copies an argument's value.
    fn argument(&mut self, is_type: bool) {
        let end = self.value_end();
        let value = self.pieces.get(self.at..end).unwrap_or_default();
        self.at = end;
        if is_type && let Some(spelt) = canonical_type(value) {
            self.out.extend(spelt.iter().map(|(kind, text)| Piece::new(*kind, text)));
        } else if !is_type && let Some(inside) = unwrapped(value) {
            self.out.extend(inside);
        } else {
            self.out.extend(value);
        }
    }

    /// Returns where the value that begins here ends: before the newline, comment or brace after it.
    fn value_end(&self) -> usize {
        let mut depth = 0usize;
        let mut end = self.at;
        for (at, piece) in self.pieces.iter().enumerate().skip(self.at) {
            if depth == 0 && (piece.kind.closes() || piece.ends_line()) {
                break;
            }
            if piece.kind.opens() {
                depth += 1;
            } else if piece.kind.closes() {
                depth = depth.saturating_sub(1);
            }
            if piece.kind != Kind::Comment {
                end = at + 1;
            }
        }
        end
    }
}

type Spelling = &'static [(Kind, &'static str)];

const ANY_LIST: Spelling =
    &[(Kind::Ident, "list"), (Kind::OpenParen, "("), (Kind::Ident, "any"), (Kind::CloseParen, ")")];
const ANY_MAP: Spelling =
    &[(Kind::Ident, "map"), (Kind::OpenParen, "("), (Kind::Ident, "any"), (Kind::CloseParen, ")")];
const ANY_SET: Spelling =
    &[(Kind::Ident, "set"), (Kind::OpenParen, "("), (Kind::Ident, "any"), (Kind::CloseParen, ")")];
const STRING: Spelling = &[(Kind::Ident, "string")];
const STRING_LIST: Spelling = &[
    (Kind::Ident, "list"),
    (Kind::OpenParen, "("),
    (Kind::Ident, "string"),
    (Kind::CloseParen, ")"),
];
const STRING_MAP: Spelling = &[
    (Kind::Ident, "map"),
    (Kind::OpenParen, "("),
    (Kind::Ident, "string"),
    (Kind::CloseParen, ")"),
];

/// Returns today's spelling of a type constraint in an old one.
fn canonical_type(value: &[Piece<'_>]) -> Option<Spelling> {
    match value {
        [Piece { kind: Kind::Ident, text, .. }] => match *text {
            "list" => Some(ANY_LIST),
            "map" => Some(ANY_MAP),
            "set" => Some(ANY_SET),
            _ => None,
        },
        [Piece { kind: Kind::OpenQuote, .. }, Piece { kind: Kind::Quoted, text, .. }, _] => {
            match *text {
                "string" => Some(STRING),
                "list" => Some(STRING_LIST),
                "map" => Some(STRING_MAP),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns what is inside `"${ }"`, if a value is nothing else.
fn unwrapped<'a>(value: &[Piece<'a>]) -> Option<Vec<Piece<'a>>> {
    let [open, sequence, inside @ .., end, close] = value else { return None };
    let kinds = [open.kind, sequence.kind, end.kind, close.kind];
    if kinds != [Kind::OpenQuote, Kind::Interpolation, Kind::SequenceEnd, Kind::CloseQuote]
        || inside.is_empty()
    {
        return None;
    }
    let mut quotes = 0;
    for piece in inside {
        match piece.kind {
            Kind::OpenQuote => quotes += 1,
            Kind::CloseQuote => quotes -= 1,
            Kind::Interpolation | Kind::SequenceEnd | Kind::Quoted if quotes == 0 => return None,
            _ => {}
        }
    }
    let is_content = |piece: &Piece<'_>| piece.kind != Kind::Newline;
    let first = inside.iter().position(is_content)?;
    let last = inside.iter().rposition(is_content)?;
    let inside = inside.get(first..=last)?;
    let several_lines = inside.iter().any(|piece| piece.kind == Kind::Newline);
    let in_parens = matches!(
        inside,
        [Piece { kind: Kind::OpenParen, .. }, .., Piece { kind: Kind::CloseParen, .. }]
    );
    let mut found = Vec::with_capacity(inside.len() + 2);
    if several_lines && !in_parens {
        found.push(Piece::new(Kind::OpenParen, "("));
        found.extend(inside);
        found.push(Piece::new(Kind::CloseParen, ")"));
    } else {
        found.extend(inside);
    }
    Some(found)
}
