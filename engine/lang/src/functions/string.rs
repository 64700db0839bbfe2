//! Strings.

use terrarium_value::{Kind, Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::regex::regex;
use super::{
    Args, BOOL, Function, Param, Refusal, STRING, STRINGS, Want, function, number, param, string,
};

const STR: Param = string("str");

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "chomp",
        &[STR],
        STRING,
        |args| Ok(Value::string(args.str(0).trim_end_matches(['\r', '\n']))),
        "Returns `str` without the newlines at its end.",
    ),
    function(
        "lower",
        &[STR],
        STRING,
        |args| Ok(Value::string(args.str(0).chars().map(lower).collect::<String>())),
        "Returns `str` in lower case.",
    ),
    function(
        "upper",
        &[STR],
        STRING,
        |args| Ok(Value::string(args.str(0).chars().map(upper).collect::<String>())),
        "Returns `str` in upper case.",
    ),
    function(
        "title",
        &[STR],
        STRING,
        title,
        "Returns `str` with the first letter of each word in upper case.",
    ),
    function(
        "startswith",
        &[STR.unknown(), string("prefix")],
        BOOL,
        startswith,
        "Whether `str` begins with `prefix`; true for an empty prefix.",
    ),
    function(
        "endswith",
        &[STR, string("suffix")],
        BOOL,
        |args| Ok(Value::bool(args.str(0).ends_with(args.str(1)))),
        "Whether `str` ends with `suffix`; true for an empty suffix.",
    ),
    function(
        "strcontains",
        &[STR, string("substr")],
        BOOL,
        |args| Ok(Value::bool(args.str(0).contains(args.str(1)))),
        "Whether `substr` occurs in `str`.",
    ),
    function(
        "indent",
        &[number("spaces"), STR],
        STRING,
        indent,
        "Returns `str` with `spaces` blanks before each line but the first.",
    ),
    function(
        "join",
        &[string("separator")],
        STRING,
        join,
        "Returns the elements of the `lists`, with `separator` between them.",
    )
    .variadic(param("lists", Want::Strings).deep()),
    function(
        "split",
        &[string("separator"), STR],
        STRINGS,
        split,
        "Returns the parts of `str` between occurrences of `separator`.",
    ),
    function(
        "replace",
        &[STR, string("substr"), string("replace")],
        STRING,
        replace,
        "Returns `str` with `replace` for each `substr`; between slashes that is a regular expression.",
    ),
    function(
        "strrev",
        &[STR],
        STRING,
        |args| Ok(Value::string(args.str(0).graphemes(true).rev().collect::<String>())),
        "Returns the characters of `str` in reverse order.",
    ),
    function(
        "substr",
        &[STR, number("offset"), number("length")],
        STRING,
        substr,
        "Returns `length` characters of `str` from `offset`; a negative offset counts from the end, length -1 is the rest.",
    ),
    function(
        "trim",
        &[STR, string("cutset")],
        STRING,
        trim,
        "Returns `str` without the characters of `cutset` at both ends.",
    ),
    function(
        "trimprefix",
        &[STR, string("prefix")],
        STRING,
        |args| Ok(Value::string(args.str(0).strip_prefix(args.str(1)).unwrap_or(args.str(0)))),
        "Returns `str` without `prefix` at its start.",
    ),
    function(
        "trimsuffix",
        &[STR, string("suffix")],
        STRING,
        |args| Ok(Value::string(args.str(0).strip_suffix(args.str(1)).unwrap_or(args.str(0)))),
        "Returns `str` without `suffix` at its end.",
    ),
    function(
        "trimspace",
        &[STR],
        STRING,
        |args| Ok(Value::string(args.str(0).trim())),
        "Returns `str` without white space at both ends.",
    ),
];

/// One character for one, as in Go: `ß` has no upper case of its own.
fn upper(c: char) -> char {
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn title(args: &Args<'_>) -> Result<Value, Refusal> {
    let mut before = ' ';
    let text: String = args
        .str(0)
        .chars()
        .map(|c| {
            let separator = if before.is_ascii() {
                !before.is_ascii_alphanumeric() && before != '_'
            } else {
                before.is_whitespace()
            };
            before = c;
            if separator { upper(c) } else { c }
        })
        .collect();
    Ok(Value::string(text))
}

fn startswith(args: &Args<'_>) -> Result<Value, Refusal> {
    let prefix = args.str(1);
    if let Kind::Unknown(unknown) = args.value(0).kind() {
        let known = unknown.refinements.prefix.as_deref().unwrap_or_default();
        if known.starts_with(prefix) {
            return Ok(Value::bool(true));
        }
        if !prefix.starts_with(known) {
            return Ok(Value::bool(false));
        }
        return Ok(Value::unknown(Type::Bool, unknown.causes.clone()));
    }
    Ok(Value::bool(args.str(0).starts_with(prefix)))
}

fn indent(args: &Args<'_>) -> Result<Value, Refusal> {
    let spaces = usize::try_from(args.whole(0)?).unwrap_or(0);
    let lines = args.str(1).matches('\n').count();
    let length = args.str(1).len().saturating_add(lines.saturating_mul(spaces));
    fits(args, length)?;
    let pad = if lines == 0 { String::new() } else { format!("\n{}", " ".repeat(spaces)) };
    Ok(Value::string(args.str(1).replace('\n', &pad)))
}

/// Refuses a call whose result would be too long, before it is built.
fn fits(args: &Args<'_>, bytes: usize) -> Result<(), Refusal> {
    args.environment().limits.check_text(bytes).map_err(Refusal::Call)
}

fn join(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.len() < 2 {
        return Err(Refusal::call("at least one list is required"));
    }
    let mut parts = Vec::new();
    for list in 1..args.len() {
        for (at, item) in args.items(list).iter().enumerate() {
            let Some(text) = item.as_str() else {
                let which = if args.len() > 2 { format!(" of list {list}") } else { String::new() };
                let why = format!("element {at}{which} is null; cannot concatenate null values");
                return Err(Refusal::argument(list, why));
            };
            parts.push(text);
        }
    }
    let separators = parts.len().saturating_mul(args.str(0).len());
    let length: usize = parts.iter().map(|part| part.len()).sum();
    fits(args, length.saturating_add(separators))?;
    Ok(Value::string(parts.join(args.str(0))))
}

fn split(args: &Args<'_>) -> Result<Value, Refusal> {
    let (separator, text) = (args.str(0), args.str(1));
    let count = if separator.is_empty() { text.len() } else { text.matches(separator).count() };
    args.environment().limits.check_parts(count).map_err(Refusal::Call)?;
    let parts: Vec<Value> = if separator.is_empty() {
        text.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    Ok(Value::list(Type::String, parts))
}

fn replace(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, from, to) = (args.str(0), args.str(1), args.str(2));
    if let Some(pattern) = from.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        let regex = regex(pattern).map_err(|why| Refusal::argument(1, why))?;
        let mut length = text.len();
        for found in regex.captures_iter(text) {
            let mut replaced = String::new();
            found.expand(to, &mut replaced);
            length = length.saturating_add(replaced.len());
            fits(args, length.saturating_sub(text.len()))?;
        }
        return Ok(Value::string(regex.replace_all(text, to).into_owned()));
    }
    let longer = text.matches(from).count().saturating_mul(to.len().saturating_sub(from.len()));
    fits(args, text.len().saturating_add(longer))?;
    Ok(Value::string(text.replace(from, to)))
}

fn substr(args: &Args<'_>) -> Result<Value, Refusal> {
    let (text, mut offset, length) = (args.str(0), args.int(1)?, args.int(2)?);
    if offset < 0 {
        offset += i64::try_from(text.graphemes(true).count()).unwrap_or(i64::MAX);
    }
    let skip = usize::try_from(offset).unwrap_or(0);
    let take = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Value::string(text.graphemes(true).skip(skip).take(take).collect::<String>()))
}

fn trim(args: &Args<'_>) -> Result<Value, Refusal> {
    let cutset: Vec<char> = args.str(1).chars().collect();
    Ok(Value::string(args.str(0).trim_matches(cutset.as_slice())))
}
