//! Regular expressions: Go's syntax on Rust's engine.

use std::cell::RefCell;
use std::collections::HashMap;
use std::iter::Peekable;
use std::rc::Rc;
use std::str::Chars;

use ::regex::{Captures, Regex};
use terrarium_value::{Map, Type, Value};

use super::{Args, Function, Refusal, Returns, function, string};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "regex",
        &[string("pattern"), string("string")],
        Returns::Of(shape),
        first,
        "Returns what the regular expression `pattern` finds first in `string`: text, or what its groups hold.",
    ),
    function(
        "regexall",
        &[string("pattern"), string("string")],
        Returns::Of(|args| Ok(Type::list(shape(args)?))),
        every,
        "Returns all that the regular expression `pattern` finds in `string`.",
    ),
];

/// How many compiled patterns a thread keeps: planning applies the same few to each of many resources.
const CACHED: usize = 64;

thread_local! {
    static CACHE: RefCell<HashMap<String, Rc<Regex>>> = RefCell::new(HashMap::new());
}

/// Compiles a pattern in Go's syntax; the error completes "invalid value: ".
pub(super) fn regex(pattern: &str) -> Result<Rc<Regex>, String> {
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(pattern).cloned()) {
        return Ok(found);
    }
    let translated = translate(pattern)?;
    let compiled = Regex::new(&translated)
        .map_err(|error| format!("invalid regexp pattern: {}", reason(&error)))?;
    let compiled = Rc::new(compiled);
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(pattern.to_owned(), compiled.clone());
    });
    Ok(compiled)
}

/// Returns the last line of the engine's message, which says what is wrong.
fn reason(error: &::regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Rewrites what the two syntaxes read differently: `\d \w \s \b` are ASCII in Go, `\Q…\E` quotes, `[` and
/// `&&` within brackets are plain, and a repetition counts to 1,000.
fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, class, &mut out)?,
            '[' if !class => {
                class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '[' | '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '{' if !class => repetition(&mut chars, &mut out)?,
            c => out.push(c),
        }
    }
    Ok(out)
}

fn escape(chars: &mut Peekable<Chars<'_>>, class: bool, out: &mut String) -> Result<(), String> {
    let Some(c) = chars.next() else {
        return Err("invalid regexp pattern: trailing backslash at end of expression".to_owned());
    };
    let set = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\x0C\\r ",
        'D' => "\\x00-/:-\\x{10FFFF}",
        'W' => "\\x00-/:-@\\[-\\^`{-\\x{10FFFF}",
        'S' => "\\x00-\\x08\\x0B\\x0E-\\x1F!-\\x{10FFFF}",
        'b' if !class => {
            out.push_str("(?-u:\\b)");
            return Ok(());
        }
        'B' if !class => {
            out.push_str("(?-u:\\B)");
            return Ok(());
        }
        'Q' => {
            quoted(chars, out);
            return Ok(());
        }
        other => {
            out.push('\\');
            out.push(other);
            // `\p{Greek}`, `\x{1F600}`: these braces are no repetition.
            if matches!(other, 'p' | 'P' | 'x') && chars.peek() == Some(&'{') {
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
            return Ok(());
        }
    };
    if class {
        out.push_str(set);
    } else {
        out.push('[');
        out.push_str(set);
        out.push(']');
    }
    Ok(())
}

fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek() == Some(&'E') {
            chars.next();
            break;
        }
        text.push(c);
    }
    out.push_str(&::regex::escape(&text));
}

/// A brace that begins no repetition is plain in Go.
fn repetition(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let inner: String = chars.clone().take_while(|c| *c != '}').collect();
    let closed = chars.clone().nth(inner.chars().count()) == Some('}');
    let (least, most) = inner.split_once(',').unwrap_or((&inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !closed || least.is_empty() || !digits(least) || !digits(most) {
        out.push_str("\\{");
        return Ok(());
    }
    let too_many = |text: &str| text.parse::<u32>().map_or(!text.is_empty(), |count| count > 1000);
    if too_many(least) || too_many(most) {
        return Err(format!("invalid regexp pattern: invalid repeat count in {{{inner}}}"));
    }
    out.push('{');
    Ok(())
}

/// Returns the type of a match.
fn shape(args: &[Value]) -> Result<Type, Refusal> {
    let Some(pattern) = args.first().and_then(Value::as_str) else { return Ok(Type::Dynamic) };
    let regex = checked(pattern)?;
    let groups: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
    Ok(if groups.is_empty() {
        Type::String
    } else if groups.iter().all(Option::is_some) {
        Type::object(groups.into_iter().flatten().map(|name| (name, Type::String)))
    } else {
        Type::tuple(groups.iter().map(|_| Type::String))
    })
}

fn checked(pattern: &str) -> Result<Rc<Regex>, Refusal> {
    let regex = regex(pattern).map_err(|why| Refusal::argument(0, why))?;
    let named = regex.capture_names().skip(1).flatten().count();
    if named > 0 && named + 1 < regex.captures_len() {
        let why = "invalid regexp pattern: cannot mix both named and unnamed capture groups";
        return Err(Refusal::argument(0, why));
    }
    Ok(regex)
}

fn found(regex: &Regex, captures: &Captures<'_>) -> Value {
    let text = |group: Option<::regex::Match<'_>>| {
        group.map_or_else(|| Value::null(Type::String), |group| Value::string(group.as_str()))
    };
    if captures.len() == 1 {
        return text(captures.get(0));
    }
    let named: Map = regex
        .capture_names()
        .flatten()
        .map(|name| (name.into(), text(captures.name(name))))
        .collect();
    if named.is_empty() {
        Value::tuple(captures.iter().skip(1).map(text))
    } else {
        Value::object(named)
    }
}

fn first(args: &Args<'_>) -> Result<Value, Refusal> {
    let regex = checked(args.str(0))?;
    let captures = regex.captures(args.str(1));
    let captures = captures
        .ok_or_else(|| Refusal::call("pattern did not match any part of the given string"))?;
    Ok(found(&regex, &captures))
}

fn every(args: &Args<'_>) -> Result<Value, Refusal> {
    let regex = checked(args.str(0))?;
    let text = args.str(1);
    let mut items = Vec::new();
    let mut end = None;
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        // Go drops an empty match right after the one before it.
        if whole.is_empty() && end == Some(whole.start()) {
            continue;
        }
        end = Some(whole.end());
        items.push(found(&regex, &captures));
    }
    Ok(Value::list(shape(&args.values)?, items))
}
