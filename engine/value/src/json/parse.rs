//! A JSON reader that keeps every digit of a number, which `serde_json` does not.

use terrarium_address::{Name, intern};

use super::DecodeError;
use crate::Number;

/// Deepest nesting that is read: the reader recurses, and no real document comes near.
const DEPTH_LIMIT: usize = 128;

/// A JSON text, read. Members keep their order; of equal names the last one counts.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(Name),
    Array(Vec<Json>),
    Object(Vec<(Name, Json)>),
}

impl Json {
    /// Names the kind, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Json, DecodeError> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let json = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.fail("there is more after the value"));
    }
    Ok(json)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn fail(&self, message: &str) -> DecodeError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        DecodeError::new(format!("{message} (line {line}, byte {})", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
        }
        there
    }

    fn value(&mut self) -> Result<Json, DecodeError> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Json::String(self.string()?.into())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.fail("a JSON value can't begin like this")),
            None => Err(self.fail("the JSON text ends too early")),
        }
    }

    fn word(&mut self, word: &str, json: Json) -> Result<Json, DecodeError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fail("a JSON value can't begin like this"));
        }
        self.at += word.len();
        Ok(json)
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Json, DecodeError>,
    ) -> Result<Json, DecodeError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(self.fail("the JSON text is nested too deeply"));
        }
        let json = read(self)?;
        self.depth -= 1;
        Ok(json)
    }

    fn array(&mut self) -> Result<Json, DecodeError> {
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(self.fail("a comma or the end of the array is missing"));
            }
        }
    }

    fn object(&mut self) -> Result<Json, DecodeError> {
        let mut members = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.fail("the name of a member is missing"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return Err(self.fail("a colon is missing"));
            }
            members.push((intern(&name), self.value()?));
            self.skip_space();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err(self.fail("a comma or the end of the object is missing"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, DecodeError> {
        let start = self.at;
        let _ = self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || leading_zero && digits > 1 {
            return Err(self.fail("this is no JSON number"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.fail("this is no JSON number"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.fail("this is no JSON number"));
            }
        }
        let text = &self.text[start..self.at];
        Number::parse(text).map(Json::Number).map_err(|error| self.fail(&error.to_string()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    /// Reads a string; `serde_json` knows the escapes and surrogates.
    fn string(&mut self) -> Result<String, DecodeError> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => return Err(self.fail("a control character stands in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.fail("the JSON text ends inside a string")),
            }
        }
        self.at += 1;
        if !escaped {
            return Ok(self.text[start + 1..self.at - 1].to_owned());
        }
        let token = self.text.get(start..self.at).unwrap_or_default();
        match serde_json::from_str(token) {
            Ok(text) => Ok(text),
            Err(_) => Ok(lenient(token.get(1..token.len() - 1).unwrap_or_default()))
                .and_then(|text| text.ok_or_else(|| self.fail("this is no JSON string"))),
        }
    }
}

/// Reads a string that holds half of a surrogate pair, which becomes U+FFFD as in Go.
fn lenient(body: &str) -> Option<String> {
    let mut out = String::new();
    let mut units: Vec<u16> = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        if let Some(unit) = rest.strip_prefix("\\u") {
            units.push(u16::from_str_radix(unit.get(..4)?, 16).ok()?);
            rest = unit.get(4..)?;
            continue;
        }
        flush(&mut units, &mut out);
        let length = if rest.starts_with('\\') { 2 } else { rest.chars().next()?.len_utf8() };
        let token = format!("\"{}\"", rest.get(..length)?);
        out.push_str(&serde_json::from_str::<String>(&token).ok()?);
        rest = rest.get(length..)?;
    }
    flush(&mut units, &mut out);
    Some(out)
}

fn flush(units: &mut Vec<u16>, out: &mut String) {
    let decoded = char::decode_utf16(units.drain(..));
    out.extend(decoded.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}
