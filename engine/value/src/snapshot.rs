//! Lossless text of a whole value, for saved plans: unknowns with causes and refinements, marks,
//! types of nulls and of empty collections, the precision of numbers.
//!
//! Bools, strings and written-down whole numbers are themselves; all else is an array whose first
//! element is a letter.

use std::fmt::{self, Write as _};

use terrarium_address::{Name, ResourceAddr};

use crate::json::{Json, parse, quote, type_of, write_type};
use crate::{Cause, Causes, Entries, Kind, Marks, Number, Refinements, Type, Unknown, Value, When};

/// Precision of the numbers that are written bare.
const BARE_BITS: u32 = 512;

/// Why a text is not a value's snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotError(String);

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damaged value: {}", self.0)
    }
}

impl std::error::Error for SnapshotError {}

/// Writes everything about a value, what is sensitive included, as compact JSON.
pub fn to_snapshot(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// Reads what [`to_snapshot`] wrote.
pub fn from_snapshot(text: &str) -> Result<Value, SnapshotError> {
    read(parse(text).map_err(|error| SnapshotError(error.message))?)
}

fn append(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _: fmt::Result = out.write_fmt(text);
}

fn write(value: &Value, out: &mut String) {
    let marks = value.marks();
    if !marks.is_empty() {
        let bit = |mark: Marks, weight: u8| if marks.contains(mark) { weight } else { 0 };
        let bits = bit(Marks::SENSITIVE, 1) | bit(Marks::EPHEMERAL, 2);
        append(out, format_args!("[\"k\",{bits},"));
        write_bare(value, out);
        return out.push(']');
    }
    write_bare(value, out);
}

fn write_bare(value: &Value, out: &mut String) {
    match value.kind() {
        Kind::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Kind::String(text) => quote(text, out),
        Kind::Number(number) => write_number(number, out),
        Kind::Null(ty) => {
            out.push_str("[\"n\",");
            write_type(ty, out);
            out.push(']');
        }
        Kind::Unknown(unknown) => write_unknown(unknown, out),
        Kind::List(items) => write_collection('l', &value.ty(), items, out),
        Kind::Set(items) => write_collection('s', &value.ty(), items, out),
        Kind::Map(entries) => {
            out.push_str("[\"m\",");
            write_type(value.ty().element().unwrap_or(&Type::Dynamic), out);
            out.push(',');
            write_entries(entries, out);
            out.push(']');
        }
        Kind::Tuple(items) => {
            out.push_str("[\"t\",");
            write_items(items, out);
            out.push(']');
        }
        Kind::Object(attributes) => {
            out.push_str("[\"o\",");
            write_entries(attributes, out);
            out.push(']');
        }
    }
}

fn write_number(number: &Number, out: &mut String) {
    let plain = !(number.is_infinite() || number.is_zero() && number.is_negative());
    if plain && number.bits() == BARE_BITS {
        out.push_str(&number.to_string());
    } else {
        append(out, format_args!("[\"d\",\"{number}\",{}]", number.bits()));
    }
}

fn write_collection(letter: char, ty: &Type, items: &[Value], out: &mut String) {
    append(out, format_args!("[\"{letter}\","));
    write_type(ty.element().unwrap_or(&Type::Dynamic), out);
    out.push(',');
    write_items(items, out);
    out.push(']');
}

fn write_items(items: &[Value], out: &mut String) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

fn write_entries(entries: &Entries, out: &mut String) {
    out.push('{');
    for (at, (name, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(name, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

/// `["u", type, [not null, prefix, least, most, lower, upper], [causes]]`.
fn write_unknown(unknown: &Unknown, out: &mut String) {
    let known = &unknown.refinements;
    out.push_str("[\"u\",");
    write_type(&unknown.ty, out);
    out.push_str(if known.not_null { ",[true," } else { ",[false," });
    match &known.prefix {
        Some(prefix) => quote(prefix, out),
        None => out.push_str("null"),
    }
    append(out, format_args!(",{},", known.min_length));
    match known.max_length {
        Some(most) => out.push_str(&most.to_string()),
        None => out.push_str("null"),
    }
    for bound in [&known.lower, &known.upper] {
        match bound.as_deref() {
            Some((number, inclusive)) => {
                out.push_str(",[");
                write_number(number, out);
                append(out, format_args!(",{inclusive}]"));
            }
            None => out.push_str(",null"),
        }
    }
    out.push_str("],[");
    for (at, cause) in unknown.causes.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_cause(cause, out);
    }
    out.push_str("]]");
}

fn write_cause(cause: &Cause, out: &mut String) {
    match cause {
        Cause::Other(words) => quote(words, out),
        Cause::Instance { addr, when } => {
            out.push('[');
            quote(&addr.to_string(), out);
            match when {
                When::Apply => {}
                When::At(at) => append(out, format_args!(",\"{at}\"")),
                When::Later => out.push_str(",\"later\""),
                When::Never(since) => append(out, format_args!(",\"never since {since}\"")),
            }
            out.push(']');
        }
    }
}

type Read<T> = Result<T, SnapshotError>;

fn damaged<T>(what: &str) -> Read<T> {
    Err(SnapshotError(what.into()))
}

fn read(json: Json) -> Read<Value> {
    match json {
        Json::Bool(value) => Ok(Value::bool(value)),
        Json::String(text) => Ok(Value::string(text)),
        Json::Number(number) => Ok(Value::number(number)),
        Json::Array(parts) => read_array(parts),
        other => damaged(other.kind()),
    }
}

fn read_array(parts: Vec<Json>) -> Read<Value> {
    let mut parts = parts.into_iter();
    let Some(Json::String(letter)) = parts.next() else { return damaged("no letter") };
    let rest: Vec<Json> = parts.collect();
    let items = |items: Vec<Json>| items.into_iter().map(read).collect::<Read<Vec<Value>>>();
    match (&*letter, <[Json; 1]>::try_from(rest)) {
        ("n", Ok([ty])) => Ok(Value::null(read_type(&ty)?)),
        ("t", Ok([Json::Array(parts)])) => Ok(Value::tuple(items(parts)?)),
        ("o", Ok([Json::Object(members)])) => Ok(Value::object(read_entries(members)?)),
        (letter, Err(rest)) => match (letter, <[Json; 2]>::try_from(rest)) {
            ("k", Ok([Json::Number(bits), value])) => Ok(read(value)?.marked(read_marks(&bits)?)),
            ("d", Ok([Json::String(text), Json::Number(bits)])) => {
                Ok(Value::number(read_number(&text, &bits)?))
            }
            ("l", Ok([ty, Json::Array(parts)])) => Ok(Value::list(read_type(&ty)?, items(parts)?)),
            ("s", Ok([ty, Json::Array(parts)])) => Ok(Value::set(read_type(&ty)?, items(parts)?)),
            ("m", Ok([ty, Json::Object(members)])) => {
                Ok(Value::map(read_type(&ty)?, read_entries(members)?))
            }
            ("u", Err(rest)) => read_unknown(rest),
            (letter, _) => damaged(letter),
        },
        (letter, Ok(_)) => damaged(letter),
    }
}

fn read_entries(members: Vec<(Name, Json)>) -> Read<Entries> {
    members.into_iter().map(|(name, member)| Ok((name, read(member)?))).collect()
}

fn read_type(json: &Json) -> Read<Type> {
    type_of(json).map_err(|error| SnapshotError(error.message))
}

fn read_marks(bits: &Number) -> Read<Marks> {
    match bits.to_u64() {
        Some(1) => Ok(Marks::SENSITIVE),
        Some(2) => Ok(Marks::EPHEMERAL),
        Some(3) => Ok(Marks::SENSITIVE | Marks::EPHEMERAL),
        _ => damaged("marks"),
    }
}

fn read_number(text: &str, bits: &Number) -> Read<Number> {
    // Far beyond what arithmetic gives: a number of so many bits could not have been parsed.
    const BITS_LIMIT: u64 = 1 << 20;
    let bits = bits.to_u64().filter(|bits| (1..=BITS_LIMIT).contains(bits));
    let Some(bits) = bits.and_then(|bits| u32::try_from(bits).ok()) else {
        return damaged("precision");
    };
    Number::parse_with_bits(text, bits).map_err(|error| SnapshotError(error.to_string()))
}

fn read_unknown(rest: Vec<Json>) -> Read<Value> {
    let Ok([ty, Json::Array(known), Json::Array(causes)]) = <[Json; 3]>::try_from(rest) else {
        return damaged("unknown");
    };
    let causes: Read<Vec<Causes>> = causes.into_iter().map(read_cause).collect();
    Ok(Value::refined(Unknown {
        ty: read_type(&ty)?,
        refinements: read_refinements(known)?,
        causes: Causes::union(&causes?),
    }))
}

fn read_refinements(known: Vec<Json>) -> Read<Refinements> {
    let Ok([Json::Bool(not_null), prefix, Json::Number(least), most, lower, upper]) =
        <[Json; 6]>::try_from(known)
    else {
        return damaged("refinements");
    };
    Ok(Refinements {
        not_null,
        prefix: match prefix {
            Json::Null => None,
            Json::String(prefix) => Some(prefix),
            other => return damaged(other.kind()),
        },
        min_length: least.to_u64().unwrap_or(0),
        max_length: match most {
            Json::Null => None,
            Json::Number(most) => most.to_u64(),
            other => return damaged(other.kind()),
        },
        lower: read_bound(lower)?.map(Box::new),
        upper: read_bound(upper)?.map(Box::new),
    })
}

fn read_bound(bound: Json) -> Read<Option<(Number, bool)>> {
    let parts = match bound {
        Json::Null => return Ok(None),
        Json::Array(parts) => parts,
        other => return damaged(other.kind()),
    };
    let Ok([number, Json::Bool(inclusive)]) = <[Json; 2]>::try_from(parts) else {
        return damaged("bound");
    };
    match read(number)?.as_number() {
        Some(number) => Ok(Some((number.clone(), inclusive))),
        None => damaged("bound"),
    }
}

fn read_cause(cause: Json) -> Read<Causes> {
    let parts = match cause {
        Json::String(words) => return Ok(Causes::one(Cause::Other(words))),
        Json::Array(parts) => parts,
        other => return damaged(other.kind()),
    };
    let (addr, when) = match parts.as_slice() {
        [Json::String(addr)] => (addr, When::Apply),
        [Json::String(addr), Json::String(at)] if at.as_ref() == "later" => (addr, When::Later),
        [Json::String(addr), Json::String(at)] => {
            let never = at.strip_prefix("never since ");
            match never.unwrap_or(at).parse() {
                Ok(since) if never.is_some() => (addr, When::Never(since)),
                Ok(at) => (addr, When::At(at)),
                Err(_) => return damaged("time"),
            }
        }
        _ => return damaged("cause"),
    };
    match addr.parse::<ResourceAddr>() {
        Ok(addr) => Ok(Causes::one(Cause::Instance { addr, when })),
        Err(_) => damaged("address"),
    }
}
