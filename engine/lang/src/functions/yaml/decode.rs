//! YAML to values: the types of plain scalars are those of YAML 1.1's core, numbers have all their digits.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Tag};
use terrarium_value::{Map, Number, Type, Value};

/// The deepest nesting, and the most nodes with aliases expanded: a "billion laughs" ends here.
const MAX_DEPTH: usize = 256;
const MAX_NODES: usize = 1_000_000;

/// Reads a text that holds one document.
pub(super) fn document(text: &str) -> Result<Value, String> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(..) => {}
            Event::StreamEnd | Event::DocumentEnd => {
                return Err("on line 1, column 1: missing start of document".to_owned());
            }
            event => {
                let value = reader.node(event, 0)?;
                return reader.end().map(|()| value);
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, serde_saphyr::granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        loop {
            return match self.parser.next_event() {
                // Comments are events too.
                Some(Ok((event, _))) if !is_node(&event) => continue,
                Some(Ok((event, _))) => Ok(event),
                Some(Err(error)) => {
                    let at = error.marker();
                    Err(format!("on line {}, column {}: {}", at.line(), at.col() + 1, error.info()))
                }
                None => Ok(Event::StreamEnd),
            };
        }
    }

    fn end(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                Event::StreamEnd => return Ok(()),
                Event::DocumentEnd => {}
                _ => return Err("unexpected extra content after value".to_owned()),
            }
        }
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES { Err(format!("more than {MAX_NODES} values")) } else { Ok(()) }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of nesting"));
        }
        self.count(1)?;
        let before = self.nodes;
        let (value, anchor) = match event {
            Event::Alias(id) => {
                let (value, nodes) =
                    self.anchors.get(&id).cloned().ok_or("reference to undefined anchor")?;
                self.count(nodes)?;
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => {
                (scalar(&text, style, tag.as_deref())?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", "sequence")?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", "mapping")?;
                (self.mapping(depth)?, anchor)
            }
            _ => return Err("unexpected end of the document".to_owned()),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before + 1));
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::tuple(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut entries = Map::new();
        let mut merged = Map::new();
        loop {
            match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(key, style, ..) if style == ScalarStyle::Plain && key == "<<" => {
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    merge(&value, &mut merged)?;
                }
                Event::Scalar(key, ..) => {
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    entries.insert((*key).into(), value);
                }
                _ => return Err("only strings are allowed as mapping keys".to_owned()),
            }
        }
        for (key, value) in merged {
            entries.entry(key).or_insert(value);
        }
        Ok(Value::object(entries))
    }
}

fn is_node(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd
    )
}

fn merge(value: &Value, into: &mut Map) -> Result<(), String> {
    if let Some(entries) = value.as_entries() {
        for (key, value) in entries {
            into.entry(key.clone()).or_insert_with(|| value.clone());
        }
        return Ok(());
    }
    let items =
        value.as_items().ok_or("map merge requires map or sequence of maps as the value")?;
    items.iter().try_for_each(|item| match item.as_entries() {
        Some(_) => merge(item, into),
        None => Err("map merge requires map or sequence of maps as the value".to_owned()),
    })
}

fn tag_name(tag: &Tag) -> Result<String, String> {
    let text = tag.to_string();
    let core = text.strip_prefix("!!").or_else(|| text.strip_prefix("tag:yaml.org,2002:"));
    core.map(str::to_owned).ok_or_else(|| format!("unsupported tag {text:?}"))
}

fn check_tag(tag: Option<&Tag>, wanted: &str, what: &str) -> Result<(), String> {
    let Some(tag) = tag else { return Ok(()) };
    let name = tag_name(tag)?;
    if name == wanted {
        Ok(())
    } else {
        Err(format!("can't interpret {what} as tag:yaml.org,2002:{name}"))
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    if let Some(tag) = tag {
        let name = tag_name(tag)?;
        let plain = plain(text)?;
        let fits = match name.as_str() {
            "str" | "binary" => return Ok(Value::string(text)),
            // A quoted scalar stays text, whatever number it is said to be.
            "int" | "float" if style != ScalarStyle::Plain => return Ok(Value::string(text)),
            "int" | "float" => plain.as_number().is_some(),
            "bool" => plain.as_bool().is_some(),
            "null" => plain.is_null(),
            _ => false,
        };
        return if fits {
            Ok(plain)
        } else {
            Err(format!("cannot parse {text:?} as tag:yaml.org,2002:{name}"))
        };
    }
    if style == ScalarStyle::Plain { plain(text) } else { Ok(Value::string(text)) }
}

fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::null(Type::Dynamic),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => return Err("floating point NaN is not supported".to_owned()),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            Value::number(Number::infinity(false))
        }
        "-.inf" | "-.Inf" | "-.INF" => Value::number(Number::infinity(true)),
        _ => match (number(text), timestamp(text)) {
            (Some(number), _) => Value::number(number),
            (None, Some(time)) => Value::string(time),
            (None, None) => Value::string(text),
        },
    })
}

/// A date, or a date and time of day, as Terraform shows it: in RFC 3339.
fn timestamp(text: &str) -> Option<String> {
    let length = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (date, rest) = text.split_at(length);
    let mut parts = date.split('-').map(|part| {
        part.parse::<i16>().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let short = |number: i16| i8::try_from(number).ok();
    let valid = jiff::civil::Date::new(year, short(month)?, short(day)?).is_ok();
    if parts.next().is_some() || date.find('-') != Some(4) || !valid {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let time = rest.get(1..)?;
    let zoned = time.ends_with('Z') || time.contains(['+', '-']);
    // With a blank between, there is no zone.
    if rest.starts_with(' ') == zoned {
        return None;
    }
    let time = format!("{date}T{time}{}", if zoned { "" } else { "Z" });
    super::super::time::normalised(&time)
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.bytes().next()?.is_ascii_digit() && !digits.starts_with('.') {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            return Number::parse_radix(digits, radix).ok();
        }
    }
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    Number::parse(&format!("{sign}{digits}")).ok().filter(|_| plain)
}
