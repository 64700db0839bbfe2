//! `format` and `formatlist`: Go's verbs on the language's values.

mod decimal;

use terrarium_value::{Kind, Number, Type, Value, convert, json};
use unicode_segmentation::UnicodeSegmentation;

use super::{Args, Function, Refusal, STRING, STRINGS, any, function, string};
use decimal::Decimal;

pub(super) const FUNCTIONS: &[Function] = &[
    function("format", &[string("format")], STRING, format,
        "Returns `format` with its verbs (`%s`, `%d`, `%05.2f`, …) replaced by the `args`.")
        .variadic(any("args").nullable().deep()),
    function("formatlist", &[string("format")], STRINGS, formatlist,
        "Applies `format` to each element of the lists among the `args`; other arguments are used again each time.")
        .variadic(any("args").nullable().deep()),
];

/// The widest field: wider ones are a mistake, and cost memory.
const MAX_WIDTH: usize = 1 << 16;

#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the five flags of the format language")]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
}

struct Verb<'a> {
    text: &'a str,
    offset: usize,
    flags: Flags,
    width: Option<usize>,
    precision: Option<usize>,
    index: Option<usize>,
    letter: char,
}

fn format(args: &Args<'_>) -> Result<Value, Refusal> {
    let rest = args.values.get(1..).unwrap_or_default();
    one(args.str(0), rest).map(Value::string)
}

fn one(format: &str, args: &[Value]) -> Result<String, Refusal> {
    let mut out = String::with_capacity(format.len() + 16);
    let mut next = 0;
    let mut used = 0;
    let mut at = 0;
    while let Some(found) = format[at..].find('%') {
        out.push_str(&format[at..at + found]);
        at += found;
        if format[at..].starts_with("%%") {
            out.push('%');
            at += 2;
            continue;
        }
        let verb = verb(format, at)?;
        at += verb.text.len();
        let index = verb.index.unwrap_or(next);
        next = index + 1;
        used = used.max(next);
        let Some(arg) = args.get(index) else {
            return Err(Refusal::call(format!(
                "not enough arguments for {:?} at {}: need index {} but have {} total",
                verb.text,
                verb.offset,
                index + 1,
                args.len()
            )));
        };
        out.push_str(&formatted(&verb, arg)?);
    }
    out.push_str(&format[at..]);
    if used < args.len() {
        let why = if used == 0 {
            "too many arguments; no verbs in format string".to_owned()
        } else {
            format!("too many arguments; only {used} used by format string")
        };
        return Err(Refusal::argument(used + 1, why));
    }
    Ok(out)
}

fn verb(format: &str, offset: usize) -> Result<Verb<'_>, Refusal> {
    let invalid =
        |at: usize| Refusal::call(format!("invalid format string starting at offset {at}"));
    let text = &format[offset..];
    let mut flags = Flags::default();
    let mut rest = &text[1..];
    while let Some(c) = rest.chars().next() {
        match c {
            '-' => flags.minus = true,
            '+' => flags.plus = true,
            '#' => flags.sharp = true,
            ' ' => flags.space = true,
            '0' => flags.zero = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let digits = |rest: &mut &str| -> Option<usize> {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(length);
        *rest = after;
        number.parse().ok()
    };
    let width = digits(&mut rest);
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        precision = Some(digits(&mut rest).unwrap_or(0));
    }
    let mut index = None;
    if let Some(after) = rest.strip_prefix('[') {
        rest = after;
        index = digits(&mut rest).and_then(|index| index.checked_sub(1));
        rest = rest
            .strip_prefix(']')
            .filter(|_| index.is_some())
            .ok_or_else(|| invalid(format.len() - rest.len()))?;
    }
    let letter = rest.chars().next().ok_or_else(|| invalid(format.len() - rest.len()))?;
    let length = text.len() - rest.len() + letter.len_utf8();
    if width.is_some_and(|width| width > MAX_WIDTH)
        || precision.is_some_and(|precision| precision > MAX_WIDTH)
    {
        return Err(invalid(offset));
    }
    Ok(Verb { text: &text[..length], offset, flags, width, precision, index, letter })
}

fn formatted(verb: &Verb<'_>, arg: &Value) -> Result<String, Refusal> {
    let unsupported = |why: &str| {
        Refusal::call(format!("unsupported value for {:?} at {}: {why}", verb.text, verb.offset))
    };
    if arg.is_null() && verb.letter != 'v' {
        return Err(unsupported("null value cannot be formatted"));
    }
    let converted = |ty: Type| convert(arg, &ty).map_err(|error| unsupported(&error.message));
    let text = match verb.letter {
        'v' => as_is(verb, arg).map_err(|why| unsupported(&why))?,
        't' => {
            let value = converted(Type::Bool)?;
            // No width: Terraform leaves it aside here.
            value.as_bool().unwrap_or_default().to_string()
        }
        's' | 'q' => {
            let value = converted(Type::String)?;
            let mut text = value.as_str().unwrap_or_default().to_owned();
            if let Some(precision) = verb.precision {
                text = text.graphemes(true).take(precision).collect();
            }
            pad(verb, if verb.letter == 'q' { quoted(&text) } else { text }, false)
        }
        'b' | 'd' | 'o' | 'x' | 'X' => {
            let value = converted(Type::Number)?;
            let number = value.as_number().filter(|number| number.is_integer());
            let number = number.ok_or_else(|| unsupported("an integer is required"))?;
            let (radix, prefix) = match verb.letter {
                'b' => (2, "0b"),
                'o' => (8, "0"),
                'x' | 'X' => (16, "0x"),
                _ => (10, ""),
            };
            let text = number.to_radix(radix).unwrap_or_else(|| number.to_string());
            let (sign, digits) =
                text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
            let prefix = if verb.flags.sharp { prefix } else { "" };
            let sign = if digits == "0" { "" } else { sign };
            let text = format!("{sign}{prefix}{digits}");
            pad(verb, if verb.letter == 'X' { text.to_uppercase() } else { text }, true)
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let value = converted(Type::Number)?;
            let number = value.as_number().cloned().unwrap_or_else(|| Number::from(0));
            let text = float(&number, verb.letter.to_ascii_lowercase(), verb.precision);
            pad(verb, if verb.letter.is_uppercase() { text.to_uppercase() } else { text }, true)
        }
        other => {
            let why = format!(
                "unsupported format verb {other:?} in {:?} at offset {}",
                verb.text, verb.offset
            );
            return Err(Refusal::call(why));
        }
    };
    Ok(text)
}

fn float(number: &Number, letter: char, precision: Option<usize>) -> String {
    // The shortest digits that read back, or all digits, of which a precision keeps some.
    let shortest = letter == 'g' && precision.is_none();
    let decimal =
        if shortest { Decimal::parse(&number.to_string()) } else { Decimal::exact(number) };
    decimal.map_or_else(|| number.to_string(), |decimal| decimal.format(letter, precision))
}

/// `%v` and `%#v`.
fn as_is(verb: &Verb<'_>, arg: &Value) -> Result<String, String> {
    let encoded = || json::encode(arg).map_err(|error| error.message);
    if verb.flags.sharp {
        return encoded().map(|text| pad(verb, text, false));
    }
    let text = match arg.kind() {
        Kind::Null(_) => "null".to_owned(),
        Kind::Number(number) => float(number, 'g', None),
        Kind::String(_) | Kind::Bool(_) => convert(arg, &Type::String)
            .map_err(|error| error.message)?
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        _ => encoded()?,
    };
    Ok(pad(verb, text, false))
}

fn quoted(text: &str) -> String {
    json::encode(&Value::string(text)).unwrap_or_default()
}

fn pad(verb: &Verb<'_>, text: String, numeric: bool) -> String {
    let flags = verb.flags;
    let (sign, digits) = match text.strip_prefix('-').or_else(|| text.strip_prefix('+')) {
        Some(digits) if numeric => (text.chars().next(), digits.to_owned()),
        _ if numeric && flags.plus => (Some('+'), text),
        _ if numeric && flags.space => (Some(' '), text),
        _ => (None, text),
    };
    let sign = sign.map(String::from).unwrap_or_default();
    let length = sign.graphemes(true).count() + digits.graphemes(true).count();
    let missing = verb.width.unwrap_or(0).saturating_sub(length);
    if flags.minus {
        format!("{sign}{digits}{}", " ".repeat(missing))
    } else if flags.zero {
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{sign}{digits}", " ".repeat(missing))
    }
}

fn formatlist(args: &Args<'_>) -> Result<Value, Refusal> {
    let format = args.str(0);
    let rest = args.values.get(1..).unwrap_or_default();
    let mut length: Option<(usize, usize)> = None;
    for (at, arg) in rest.iter().enumerate() {
        let Some(items) = arg.as_items() else { continue };
        match length {
            None => length = Some((at, items.len())),
            Some((first, length)) if length != items.len() => {
                let why = format!(
                    "argument {} has length {}, which is inconsistent with argument {} of length {length}",
                    at + 1,
                    items.len(),
                    first + 1
                );
                return Err(Refusal::argument(at + 1, why));
            }
            Some(_) => {}
        }
    }
    let mut results = Vec::new();
    for round in 0..length.map_or(1, |(_, length)| length) {
        let row: Vec<Value> = rest
            .iter()
            .map(|arg| arg.as_items().and_then(|items| items.get(round)).unwrap_or(arg).clone())
            .collect();
        let text = one(format, &row).map_err(|refusal| match refusal {
            Refusal::Call(why) => {
                Refusal::call(format!("error on format iteration {round}: {why}"))
            }
            other @ Refusal::Argument(..) => other,
        })?;
        results.push(Value::string(text));
    }
    Ok(Value::list(Type::String, results))
}
