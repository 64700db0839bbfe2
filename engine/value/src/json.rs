//! JSON text of values: as `jsonencode` and `jsondecode` have it, and as Terraform's state does,
//! where a type says how the text is to be read.

mod parse;
mod plain;
mod text;
mod typed;
mod types;

use std::fmt;

use terrarium_address::{AttrPath, PathStep};

pub use plain::plain;
pub use typed::{from_typed, to_typed};
pub use types::{type_from_json, type_to_json};

pub(crate) use parse::{Json, parse};
pub(crate) use text::quote;
pub(crate) use types::{type_of, write_type};

use crate::{Entries, Kind, Type, Value};

/// Why a value has no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The part that has none.
    pub path: AttrPath,
    /// Why not.
    pub message: String,
}

/// Why a text is not the JSON of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The part that is wrong; empty where the text is no JSON.
    pub path: AttrPath,
    /// What is wrong.
    pub message: String,
}

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { path: AttrPath::root(), message: message.into() }
    }
}

fn write_error(f: &mut fmt::Formatter<'_>, path: &AttrPath, message: &str) -> fmt::Result {
    if path.0.is_empty() { f.write_str(message) } else { write!(f, "{path}: {message}") }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_error(f, &self.path, &self.message)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_error(f, &self.path, &self.message)
    }
}

impl std::error::Error for EncodeError {}
impl std::error::Error for DecodeError {}

/// Writes the text of `jsonencode`; marks are the caller's to carry over.
pub fn encode(value: &Value) -> Result<String, EncodeError> {
    let mut writer = Writer::default();
    writer.write(value)?;
    Ok(writer.out)
}

/// Reads what `jsondecode` reads: arrays become tuples, objects objects, numbers keep all digits.
pub fn decode(text: &str) -> Result<Value, DecodeError> {
    Ok(implied(parse(text)?))
}

/// Returns the type that [`decode`] gives to a text.
pub fn implied_type(text: &str) -> Result<Type, DecodeError> {
    Ok(decode(text)?.ty())
}

pub(crate) fn implied(json: Json) -> Value {
    match json {
        Json::Null => Value::null(Type::Dynamic),
        Json::Bool(value) => Value::bool(value),
        Json::Number(number) => Value::number(number),
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::tuple(items.into_iter().map(implied)),
        Json::Object(members) => {
            Value::object_of(members.into_iter().map(|(name, member)| (name, implied(member))))
        }
    }
}

/// Text so far, and the path to what is being written.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) out: String,
    pub(crate) path: AttrPath,
}

impl Writer {
    pub(crate) fn fail(&self, message: impl Into<String>) -> EncodeError {
        EncodeError { path: self.path.clone(), message: message.into() }
    }

    fn write(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value.kind() {
            Kind::Unknown(_) => return Err(self.fail("value is not known")),
            Kind::Null(_) => self.out.push_str("null"),
            Kind::Bool(value) => self.out.push_str(if value { "true" } else { "false" }),
            Kind::Number(number) if number.is_infinite() => {
                return Err(self.fail("cannot serialize infinity as JSON"));
            }
            Kind::Number(number) => self.out.push_str(&number.to_string()),
            Kind::String(text) => quote(text, &mut self.out),
            Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => self.items(items)?,
            Kind::Map(entries) => self.entries(entries, PathStep::Key)?,
            Kind::Object(attributes) => self.entries(attributes, PathStep::Attr)?,
        }
        Ok(())
    }

    fn items(&mut self, items: &[Value]) -> Result<(), EncodeError> {
        self.array(items, Self::write)
    }

    fn entries(
        &mut self,
        entries: &Entries,
        step: fn(terrarium_address::Name) -> PathStep,
    ) -> Result<(), EncodeError> {
        let members = entries.iter().map(|(name, value)| (&**name, step(name.clone()), value));
        self.object(members, Self::write)
    }

    pub(crate) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.out.push('[');
        for (at, item) in (0..).zip(items) {
            if at > 0 {
                self.out.push(',');
            }
            self.path.0.push(PathStep::Index(at));
            write(self, item)?;
            self.path.0.pop();
        }
        self.out.push(']');
        Ok(())
    }

    pub(crate) fn object<'a, T>(
        &mut self,
        members: impl IntoIterator<Item = (&'a str, PathStep, T)>,
        write: impl Fn(&mut Self, T) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.out.push('{');
        for (at, (name, step, member)) in members.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            quote(name, &mut self.out);
            self.out.push(':');
            self.path.0.push(step);
            write(self, member)?;
            self.path.0.pop();
        }
        self.out.push('}');
        Ok(())
    }
}
