//! The scanner: source text to tokens, in one pass, without ever failing.

use hcl_edit::Ident;

use super::token::{Kind, Token};

/// Iterator over the tokens of a text. What is no token comes out as [`Kind::Invalid`].
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    modes: Vec<Mode>,
}

/// Where the scanner is; the base mode is an empty stack.
enum Mode {
    /// Between quotes.
    Quoted,
    /// In a heredoc with this marker.
    Heredoc { marker: std::ops::Range<usize>, line_start: bool },
    /// Within `${ }` or `%{ }`: how many braces are open.
    Sequence { braces: u32 },
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, modes: Vec::new() }
    }

    /// Starts inside the text, outside of every template.
    pub(crate) fn starting_at(text: &'a str, at: usize) -> Self {
        Self { at, ..Self::new(text) }
    }

    /// Returns where the next token is looked for.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at.saturating_add(ahead)).copied().unwrap_or(0)
    }

    fn ends(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn token(&mut self, kind: Kind, length: usize) -> Token {
        let start = self.at;
        self.at = start.saturating_add(length).min(self.bytes.len());
        self.since(kind, start)
    }

    fn since(&self, kind: Kind, start: usize) -> Token {
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Token { kind, start: clamp(start), end: clamp(self.at) }
    }

    fn skip_while(&mut self, mut wanted: impl FnMut(u8) -> bool) {
        while let Some(byte) = self.bytes.get(self.at)
            && wanted(*byte)
        {
            self.at += 1;
        }
    }

    fn code(&mut self) -> Token {
        let start = self.at;
        match self.peek(0) {
            b'\n' => self.token(Kind::Newline, 1),
            b'\r' if self.peek(1) == b'\n' => self.token(Kind::Newline, 2),
            b'#' => self.line_comment(),
            b'/' if self.peek(1) == b'/' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.ident(),
            b'"' => {
                self.modes.push(Mode::Quoted);
                self.token(Kind::OpenQuote, 1)
            }
            b'<' if self.peek(1) == b'<' => self.heredoc_start(),
            b'{' => {
                if let Some(Mode::Sequence { braces }) = self.modes.last_mut() {
                    *braces += 1;
                }
                self.token(Kind::OpenBrace, 1)
            }
            b'}' => self.close_brace(1),
            b'~' if self.peek(1) == b'}'
                && matches!(self.modes.last(), Some(Mode::Sequence { braces: 0 })) =>
            {
                self.close_brace(2)
            }
            byte if byte.is_ascii() => {
                let (kind, length) = symbol(byte, self.peek(1), self.peek(2));
                self.token(kind, length)
            }
            _ => {
                let rest = self.text.get(start..).unwrap_or_default();
                let first = rest.chars().next().unwrap_or('\0');
                if is_ident_start(first) {
                    self.ident()
                } else {
                    self.token(Kind::Invalid, first.len_utf8())
                }
            }
        }
    }

    fn close_brace(&mut self, length: usize) -> Token {
        match self.modes.last_mut() {
            Some(Mode::Sequence { braces: 0 }) => {
                self.modes.pop();
                self.token(Kind::SequenceEnd, length)
            }
            Some(Mode::Sequence { braces }) => {
                *braces -= 1;
                self.token(Kind::CloseBrace, length)
            }
            _ => self.token(Kind::CloseBrace, length),
        }
    }

    fn line_comment(&mut self) -> Token {
        let start = self.at;
        self.skip_while(|byte| byte != b'\n');
        self.at = self.at.saturating_add(1).min(self.bytes.len());
        self.since(Kind::Comment, start)
    }

    fn block_comment(&mut self) -> Token {
        let start = self.at;
        let body = self.text.get(start + 2..).unwrap_or_default();
        match body.find("*/") {
            Some(length) => self.token(Kind::Comment, length + 4),
            None => self.token(Kind::Invalid, 2),
        }
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
        self.since(Kind::Number, start)
    }

    fn ident(&mut self) -> Token {
        let start = self.at;
        self.skip_ident();
        self.since(Kind::Ident, start)
    }

    fn skip_ident(&mut self) {
        loop {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
            match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
                Some(c) if !c.is_ascii() && is_ident_continue(c) => self.at += c.len_utf8(),
                _ => return,
            }
        }
    }

    fn heredoc_start(&mut self) -> Token {
        let start = self.at;
        self.at += if self.peek(2) == b'-' { 3 } else { 2 };
        let marker_start = self.at;
        let starts = self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(is_ident_start);
        if starts {
            self.skip_ident();
        }
        let marker = marker_start..self.at;
        let newline = match (self.peek(0), self.peek(1)) {
            (b'\n', _) => 1,
            (b'\r', b'\n') => 2,
            _ => 0,
        };
        if !starts || newline == 0 {
            self.at = start;
            return self.token(Kind::Operator, 1);
        }
        self.at += newline;
        self.modes.push(Mode::Heredoc { marker, line_start: true });
        self.since(Kind::OpenHeredoc, start)
    }

    /// Literal text, up to a sequence or the closing quote.
    fn quoted(&mut self) -> Token {
        let start = self.at;
        match self.peek(0) {
            b'"' => {
                self.modes.pop();
                return self.token(Kind::CloseQuote, 1);
            }
            b'\n' | b'\r' if self.peek(0) == b'\n' || self.peek(1) == b'\n' => {
                self.modes.pop();
                let length = if self.peek(0) == b'\n' { 1 } else { 2 };
                return self.token(Kind::QuotedNewline, length);
            }
            _ => {}
        }
        while !self.ends() {
            match self.peek(0) {
                b'"' | b'\n' => break,
                b'\r' if self.peek(1) == b'\n' => break,
                // The escaped byte may be the first of several; the rest is literal anyway.
                b'\\' if !matches!(self.peek(1), b'\n' | b'\r') => self.at += 2,
                b'$' | b'%' if self.escaped_sequence() => self.at += 3,
                b'$' | b'%' if self.peek(1) == b'{' => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        if self.at == start { self.sequence() } else { self.since(Kind::Quoted, start) }
    }

    fn escaped_sequence(&self) -> bool {
        self.peek(1) == self.peek(0) && self.peek(2) == b'{'
    }

    fn sequence(&mut self) -> Token {
        let kind = if self.peek(0) == b'$' { Kind::Interpolation } else { Kind::Control };
        let length = if self.peek(2) == b'~' { 3 } else { 2 };
        self.modes.push(Mode::Sequence { braces: 0 });
        self.token(kind, length)
    }

    /// One line of a heredoc, or what is left of it, up to a sequence.
    fn heredoc(&mut self, marker: std::ops::Range<usize>, line_start: bool) -> Token {
        let start = self.at;
        if line_start && let Some(length) = self.marker_here(marker) {
            self.modes.pop();
            return self.token(Kind::CloseHeredoc, length);
        }
        let mut next_line = false;
        while !self.ends() {
            match self.peek(0) {
                b'\n' => {
                    self.at += 1;
                    next_line = true;
                    break;
                }
                b'$' | b'%' if self.escaped_sequence() => self.at += 3,
                b'$' | b'%' if self.peek(1) == b'{' => break,
                _ => self.at += 1,
            }
        }
        if let Some(Mode::Heredoc { line_start, .. }) = self.modes.last_mut() {
            *line_start = next_line;
        }
        if self.at == start { self.sequence() } else { self.since(Kind::HeredocText, start) }
    }

    /// Returns the length of the closing marker with its indentation, if the line is nothing else.
    fn marker_here(&self, marker: std::ops::Range<usize>) -> Option<usize> {
        let rest = self.text.get(self.at..)?;
        let line = rest.split('\n').next().unwrap_or(rest);
        let trimmed = line.trim();
        if trimmed != self.text.get(marker)? {
            return None;
        }
        Some(line.strip_suffix('\r').unwrap_or(line).len())
    }
}

impl Iterator for Scanner<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.ends() {
            return None;
        }
        match self.modes.last() {
            Some(Mode::Quoted) => Some(self.quoted()),
            Some(Mode::Heredoc { marker, line_start }) => {
                let (marker, line_start) = (marker.clone(), *line_start);
                Some(self.heredoc(marker, line_start))
            }
            Some(Mode::Sequence { .. }) | None => {
                self.skip_while(|byte| byte == b' ' || byte == b'\t');
                if self.ends() { None } else { Some(self.code()) }
            }
        }
    }
}

fn symbol(byte: u8, second: u8, third: u8) -> (Kind, usize) {
    match (byte, second, third) {
        (b'.', b'.', b'.') => (Kind::Ellipsis, 3),
        (b'=', b'>', _) => (Kind::FatArrow, 2),
        (b'=' | b'!' | b'<' | b'>', b'=', _) | (b'&', b'&', _) | (b'|', b'|', _) => {
            (Kind::Operator, 2)
        }
        (b':', b':', _) => (Kind::DoubleColon, 2),
        (b'=', ..) => (Kind::Equal, 1),
        (b'!', ..) => (Kind::Bang, 1),
        (b'-', ..) => (Kind::Minus, 1),
        (b'*', ..) => (Kind::Star, 1),
        (b'+' | b'/' | b'%' | b'<' | b'>', ..) => (Kind::Operator, 1),
        (b'.', ..) => (Kind::Dot, 1),
        (b',', ..) => (Kind::Comma, 1),
        (b':', ..) => (Kind::Colon, 1),
        (b'?', ..) => (Kind::Question, 1),
        (b'[', ..) => (Kind::OpenBracket, 1),
        (b']', ..) => (Kind::CloseBracket, 1),
        (b'(', ..) => (Kind::OpenParen, 1),
        (b')', ..) => (Kind::CloseParen, 1),
        _ => (Kind::Invalid, 1),
    }
}

/// Returns whether a name may begin with this character.
pub(crate) fn is_ident_start(c: char) -> bool {
    c == '_' || hcl_ident(c.encode_utf8(&mut [0; 4]))
}

/// Returns whether a name may go on with this character.
pub(crate) fn is_ident_continue(c: char) -> bool {
    let mut text = String::from("a");
    text.push(c);
    hcl_ident(&text)
}

fn hcl_ident(text: &str) -> bool {
    Ident::try_new(text).is_ok()
}
