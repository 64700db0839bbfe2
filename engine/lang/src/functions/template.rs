//! `templatefile` and `templatestring`: texts whose names are the entries of a map.

use std::sync::Arc;

use terrarium_diagnostic::{Diagnostics, FileId, Sources, Span};
use terrarium_value::{Type, Value};

use super::file::read_text;
use super::{ANY, Args, Function, Refusal, any, function, string};
use crate::expr::{Evaluator, Frame, Origin, compile_template};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "templatefile",
        &[string("path"), any("vars").marked().unknown()],
        ANY,
        templatefile,
        "Returns the text of a file with its template sequences evaluated; they see `vars` alone.",
    ),
    function(
        "templatestring",
        &[string("template"), any("vars").marked()],
        ANY,
        templatestring,
        "Returns the text `template` with its template sequences evaluated; they see `vars` alone.",
    ),
];

/// Bound while a template file is evaluated; no identifier is spelt so.
const INSIDE: &str = "templatefile()";

fn templatefile(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.frame.lookup(INSIDE).is_some() {
        return Err(Refusal::call(
            "cannot recursively call templatefile from inside another template function",
        ));
    }
    let text = read_text(args, 0)?;
    let vars = args.value(1);
    if !vars.is_known() {
        // The file is read all the same: it is part of what the result rests on.
        return Ok(Value::unknown(Type::Dynamic, vars.causes_deep()).marked(vars.marks()));
    }
    render(args, args.str(0), text)
}

fn templatestring(args: &Args<'_>) -> Result<Value, Refusal> {
    if args.frame.lookup(INSIDE).is_some() {
        return Err(Refusal::call(
            "cannot recursively call templatestring from inside another template function",
        ));
    }
    render(args, "<templatestring argument>", args.str(0).to_owned())
}

fn render(args: &Args<'_>, name: &str, text: String) -> Result<Value, Refusal> {
    let vars = args.value(1);
    let Some(entries) = vars.as_entries() else {
        return Err(Refusal::argument(1, "invalid vars value: must be a map"));
    };
    if let Some(wrong) = entries.keys().find(|name| !is_identifier(name)) {
        let why = format!(
            "invalid template variable name {:?}: must start with a letter, followed by zero or more letters, digits, \
             and underscores",
            &**wrong
        );
        return Err(Refusal::argument(1, why));
    }
    let text: Arc<str> = text.into();
    let mut sources = Sources::default();
    let file = sources.add_text(name, text.clone());
    let mut diags = Diagnostics::new();
    let origin = Origin { file, offset: 0, text };
    let compiled = compile_template(&origin, &mut diags);
    if let Some(why) = first_error(&diags, &sources, file) {
        return Err(Refusal::call(why));
    }
    let Some((node, free)) = compiled else {
        return Err(Refusal::call("the template can't be read"));
    };
    for (wanted, span) in &free {
        if !entries.contains_key(wanted) {
            let why = format!(
                "vars map does not contain key {:?}, referenced at {}",
                &**wanted,
                place(&sources, *span)
            );
            return Err(Refusal::argument(1, why));
        }
    }
    let inside = Frame::new(args.frame.scope());
    let marker = inside.bind(INSIDE, Value::bool(true));
    let bindings: Vec<(&str, Value)> =
        free.iter().filter_map(|(name, _)| Some((&**name, entries.get(name)?.clone()))).collect();
    let value = bound(&inside.with(&marker), &bindings, &mut |frame| {
        Evaluator::new(&mut diags).eval(&node, frame)
    });
    match first_error(&diags, &sources, file) {
        Some(why) => Err(Refusal::call(why)),
        None => Ok(value.marked(vars.marks())),
    }
}

/// Evaluates with all the names bound.
fn bound(
    frame: &Frame<'_>,
    bindings: &[(&str, Value)],
    eval: &mut dyn FnMut(&Frame<'_>) -> Value,
) -> Value {
    match bindings.split_first() {
        None => eval(frame),
        Some(((name, value), rest)) => {
            let binding = frame.bind(name, value.clone());
            bound(&frame.with(&binding), rest, eval)
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Returns `files/x.tftpl:1,3-10`.
fn place(sources: &Sources, span: Span) -> String {
    let name = sources.get(span.file).map(|source| source.name.clone()).unwrap_or_default();
    let (line, column) = sources.line_column(span.file, span.start);
    let (end_line, end_column) = sources.line_column(span.file, span.end);
    if line == end_line {
        format!("{name}:{line},{column}-{end_column}")
    } else {
        format!("{name}:{line},{column}-{end_line},{end_column}")
    }
}

pub(super) fn first_error(diags: &Diagnostics, sources: &Sources, file: FileId) -> Option<String> {
    let error = diags.iter().find(|one| one.is_error())?;
    let span = error.at.as_ref().map_or_else(|| Span::new(file, 0..0), |label| label.span);
    Some(format!("{}: {}; {}", place(sources, span), error.summary, error.detail))
}
