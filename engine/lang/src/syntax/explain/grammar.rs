//! A second look at what the parser refused: a walk over the tokens that finds the first place that
//! doesn't follow the grammar, in words for the user. It runs for wrong texts only.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::scan::Scanner;
use super::super::token::{Kind, Token};

/// What doesn't follow the grammar, and where.
pub(super) struct Complaint {
    pub(super) summary: &'static str,
    pub(super) detail: String,
    pub(super) at: Range<usize>,
    /// Where an argument that is set twice was set first.
    pub(super) first: Option<Range<usize>>,
}

type Checked = Result<(), Complaint>;

/// Returns the first complaint about a part of a text that should be a body.
pub(super) fn body(text: &str, range: Range<usize>) -> Option<Complaint> {
    let mut checker = Checker::new(text, range);
    checker.body().and_then(|()| checker.end_of_body()).err()
}

/// Returns the first complaint about a text that should be one expression.
pub(super) fn expression(text: &str) -> Option<Complaint> {
    let mut checker = Checker::new(text, 0..text.len());
    checker.newlines.push(false);
    checker.expression().and_then(|()| checker.end_of_expression()).err()
}

pub(super) struct Checker<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    /// Whether newlines mean something, by bracket.
    pub(super) newlines: Vec<bool>,
}

impl<'a> Checker<'a> {
    fn new(text: &'a str, range: Range<usize>) -> Self {
        let head = text.get(..range.end).unwrap_or(text);
        let mut tokens: Vec<Token> = Vec::new();
        for token in Scanner::starting_at(head, range.start) {
            if token.kind != Kind::Comment {
                tokens.push(token);
            } else if token.text(text).ends_with('\n') {
                tokens.push(Token {
                    kind: Kind::Newline,
                    start: token.end.saturating_sub(1),
                    end: token.end,
                });
            }
        }
        Self { text, tokens, at: 0, end: range.end, newlines: vec![true] }
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Option<Token> {
        if self.newlines.last() == Some(&false) {
            while self.tokens.get(self.at).is_some_and(|token| token.kind == Kind::Newline) {
                self.at += 1;
            }
        }
        self.tokens.get(self.at).copied()
    }

    pub(super) fn kind(&mut self) -> Option<Kind> {
        self.peek().map(|token| token.kind)
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn eat(&mut self, kind: Kind) -> bool {
        let fits = self.kind() == Some(kind);
        if fits {
            self.at += 1;
        }
        fits
    }

    /// Complains about the next token.
    pub(super) fn complain<T>(
        &mut self,
        summary: &'static str,
        detail: impl Into<String>,
    ) -> Result<T, Complaint> {
        let at = self.peek().map_or(self.end..self.end, Token::range);
        Err(Complaint { summary, detail: detail.into(), at, first: None })
    }

    fn end_of_body(&mut self) -> Checked {
        if self.peek().is_some() {
            return self.complain(
                "Argument or block definition required",
                "An argument or block definition is required here.",
            );
        }
        Ok(())
    }

    fn end_of_expression(&mut self) -> Checked {
        if self.peek().is_some() {
            return self.complain(
                "Extra characters after expression",
                "An expression was successfully parsed, but extra characters were found after it.",
            );
        }
        Ok(())
    }

    fn body(&mut self) -> Checked {
        let mut seen: BTreeMap<&'a str, Range<usize>> = BTreeMap::new();
        loop {
            while self.eat(Kind::Newline) {}
            match self.peek() {
                None => return Ok(()),
                Some(token) => match token.kind {
                    Kind::CloseBrace => return Ok(()),
                    Kind::Ident => self.item(token, &mut seen)?,
                    Kind::OpenQuote => {
                        return self.complain(
                            "Invalid argument name",
                            "Argument names must not be quoted.",
                        );
                    }
                    _ => {
                        return self.complain(
                            "Argument or block definition required",
                            "An argument or block definition is required here.",
                        );
                    }
                },
            }
        }
    }

    fn item(&mut self, name: Token, seen: &mut BTreeMap<&'a str, Range<usize>>) -> Checked {
        self.next();
        match self.kind() {
            Some(Kind::Equal) => {
                self.argument(name, seen)?;
                if !matches!(self.kind(), None | Some(Kind::Newline)) {
                    return self.complain(
                        "Missing newline after argument",
                        "An argument definition must end with a newline.",
                    );
                }
                Ok(())
            }
            Some(Kind::OpenQuote | Kind::OpenBrace | Kind::Ident) => self.block(),
            _ => Err(Complaint {
                summary: "Argument or block definition required",
                detail: "An argument or block definition is required here. To set an argument, use the equals sign \
                         \"=\" to introduce the argument value."
                    .to_owned(),
                at: name.range(),
                first: None,
            }),
        }
    }

    fn argument(&mut self, name: Token, seen: &mut BTreeMap<&'a str, Range<usize>>) -> Checked {
        let text = self.text.get(name.range()).unwrap_or_default();
        if let Some(first) = seen.insert(text, name.range()) {
            return Err(Complaint {
                summary: "Attribute redefined",
                detail: format!(
                    "The argument \"{text}\" was already set. Each argument may be set only once."
                ),
                at: name.range(),
                first: Some(first),
            });
        }
        self.next();
        self.expression()
    }

    fn block(&mut self) -> Checked {
        loop {
            match self.kind() {
                Some(Kind::OpenBrace) => break,
                Some(Kind::Ident) => {
                    self.next();
                }
                Some(Kind::OpenQuote) => self.label()?,
                Some(Kind::Equal) => {
                    return self.complain(
                        "Invalid block definition",
                        "The equals sign \"=\" indicates an argument definition, and must not be used when defining a \
                         block.",
                    );
                }
                None | Some(Kind::Newline) => {
                    return self.complain(
                        "Invalid block definition",
                        "A block definition must have block content delimited by \"{\" and \"}\", starting on the same \
                         line as the block header.",
                    );
                }
                Some(_) => {
                    return self.complain(
                        "Invalid block definition",
                        "Either a quoted string block label or an opening brace (\"{\") is expected here.",
                    );
                }
            }
        }
        self.next();
        if matches!(self.kind(), Some(Kind::Newline)) {
            self.body()?;
        } else {
            self.single_line()?;
        }
        if !self.eat(Kind::CloseBrace) {
            return self
                .complain("Missing closing brace", "The block must end with a closing brace.");
        }
        if !matches!(self.kind(), None | Some(Kind::Newline)) {
            return self.complain(
                "Missing newline after block definition",
                "A block definition must end with a newline.",
            );
        }
        Ok(())
    }

    fn label(&mut self) -> Checked {
        self.next();
        loop {
            match self.kind() {
                Some(Kind::Quoted) => self.quoted()?,
                Some(Kind::CloseQuote) => {
                    self.next();
                    return Ok(());
                }
                _ => {
                    return self.complain(
                        "Invalid string literal",
                        "Template sequences are not allowed in this string. To include a literal \"$\", double it (as \
                         \"$$\") to escape it.",
                    );
                }
            }
        }
    }

    /// A block on one line: nothing, or one argument.
    fn single_line(&mut self) -> Checked {
        let summary = "Invalid single-argument block definition";
        if self.kind() == Some(Kind::CloseBrace) {
            return Ok(());
        }
        let name = self.peek();
        if !self.eat(Kind::Ident) || self.kind() != Some(Kind::Equal) {
            return self.complain(
                summary,
                "A single-line block definition can contain only a single argument. If you meant to define nested \
                 blocks, put each on a separate line.",
            );
        }
        if let Some(name) = name {
            self.argument(name, &mut BTreeMap::new())?;
        }
        match self.kind() {
            Some(Kind::CloseBrace) => Ok(()),
            Some(Kind::Comma) => self.complain(
                summary,
                "Single-line block syntax can include only one argument definition. To define multiple arguments, use \
                 the multi-line block syntax with one argument definition per line.",
            ),
            Some(Kind::Newline) => self.complain(
                summary,
                "An argument definition on the same line as its containing block creates a single-line block \
                 definition, which must also be closed on the same line. Place the block's closing brace immediately \
                 after the argument definition.",
            ),
            _ => self.complain(
                summary,
                "A single-line block definition must end with a closing brace immediately after its single argument \
                 definition.",
            ),
        }
    }

    /// Literal text in quotes: its escapes must be known.
    pub(super) fn quoted(&mut self) -> Checked {
        let Some(token) = self.next() else { return Ok(()) };
        let mut chars = token.text(self.text).char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                continue;
            }
            let selector = chars.next().map(|(_, selector)| selector);
            if !matches!(selector, Some('n' | 'r' | 't' | '"' | '\\' | 'u' | 'U')) {
                let start = token.range().start + at;
                let shown = selector.map(String::from).unwrap_or_default();
                return Err(Complaint {
                    summary: "Invalid escape sequence",
                    detail: format!(
                        "The symbol \"{shown}\" is not a valid escape sequence selector."
                    ),
                    at: start..start + 1 + shown.len(),
                    first: None,
                });
            }
        }
        Ok(())
    }
}
