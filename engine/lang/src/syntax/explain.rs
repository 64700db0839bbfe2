//! Words for what the syntax refuses, in Terraform's manner.

mod expression;
mod grammar;

use std::ops::Range;

use terrarium_diagnostic::{Diagnostic, Span};

use super::Text;
use super::chunk::{Fault, FaultKind, MAX_NESTING};
use super::token::Kind;
use crate::codes;

/// Explains a mistake that tokens alone show.
pub(super) fn fault(text: &Text, fault: &Fault) -> Diagnostic {
    let at = text.span(fault.at.clone());
    match fault.kind {
        FaultKind::Unclosed(kind) => unclosed(kind, at),
        FaultKind::Unopened(kind) => unopened(kind, at),
        FaultKind::QuotedNewline => syntax("Invalid multi-line string")
            .detail(
                "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use \
                 the \\n escape to represent a newline character or use the \"heredoc\" multi-line template syntax.",
            )
            .at(at, "the line ends within the string"),
        FaultKind::Invalid => invalid(text, fault.at.clone()),
        FaultKind::TooDeep => Diagnostic::error(codes::NESTING, "Too many levels of nesting")
            .detail(format!("Blocks, brackets and templates may be nested {MAX_NESTING} levels deep."))
            .at(at, "one level too many"),
    }
}

fn syntax(summary: &str) -> Diagnostic {
    Diagnostic::error(codes::SYNTAX, summary)
}

fn unclosed(kind: Kind, at: Span) -> Diagnostic {
    let (summary, detail) = match kind {
        Kind::OpenBrace => (
            "Unclosed configuration block",
            "There is no closing brace for this block before the end of the file. This may be caused by incorrect \
             brace nesting elsewhere in this file.",
        ),
        Kind::OpenBracket => (
            "Unterminated tuple constructor expression",
            "There is no corresponding closing bracket before the end of the file. This may be caused by incorrect \
             bracket nesting elsewhere in this file.",
        ),
        Kind::OpenParen => (
            "Unbalanced parentheses",
            "Expected a closing parenthesis to terminate the expression.",
        ),
        Kind::Interpolation | Kind::Control => (
            "Unclosed template interpolation sequence",
            "There is no closing brace for this interpolation sequence before the end of the file. This might be \
             caused by incorrect nesting inside the given expression.",
        ),
        _ => ("Unterminated template string", "No closing marker was found for the string."),
    };
    syntax(summary).detail(detail).at(at, "opened here, never closed")
}

fn unopened(kind: Kind, at: Span) -> Diagnostic {
    let text = match kind {
        Kind::CloseBrace | Kind::SequenceEnd => "closing brace",
        Kind::CloseBracket => "closing bracket",
        _ => "closing parenthesis",
    };
    let detail = format!(
        "This {text} closes nothing that is open here. Check the nesting of what stands before it."
    );
    syntax("Unbalanced brackets").detail(detail).at(at, "closes nothing")
}

/// Explains a character that the language doesn't use.
fn invalid(text: &Text, range: Range<usize>) -> Diagnostic {
    let found = text.text.get(range.clone()).unwrap_or_default();
    let at = text.span(range);
    let (summary, detail) = match found {
        "/*" => ("Unterminated comment", "There is no \"*/\" after this before the end of the file.".to_owned()),
        "'" => ("Invalid character", "Single quotes are not valid. Use double quotes (\") to enclose strings.".to_owned()),
        "`" => (
            "Invalid character",
            "The \"`\" character is not valid. To create a multi-line string, use the \"heredoc\" syntax, like \
             \"<<EOT\"."
                .to_owned(),
        ),
        ";" => (
            "Invalid character",
            "The \";\" character is not valid. Use newlines to separate arguments and blocks, and commas to separate \
             items in collection values."
                .to_owned(),
        ),
        "\u{201c}" | "\u{201d}" | "\u{2018}" | "\u{2019}" => (
            "Invalid character",
            "\"Curly quotes\" are not valid here. These can sometimes be inadvertently introduced when sharing code \
             via documents or discussion forums. It might help to replace the character with a \"straight quote\"."
                .to_owned(),
        ),
        "&" | "|" | "^" | "~" => {
            let instead = match found {
                "&" => " Did you mean boolean AND (\"&&\")?",
                "|" => " Did you mean boolean OR (\"||\")?",
                _ => "",
            };
            ("Unsupported operator", format!("Bitwise operators are not supported.{instead}"))
        }
        _ => ("Invalid character", "This character is not used within the language.".to_owned()),
    };
    syntax(summary).detail(detail).at(at, "")
}

/// Explains why the parser refused a top-level block or argument.
pub(super) fn refusal(
    text: &Text,
    chunk: Range<usize>,
    error: &hcl_edit::parser::Error,
) -> Diagnostic {
    if is_about_depth(error) {
        return too_deep(text, &chunk, error);
    }
    match grammar::body(&text.text, chunk.clone()) {
        Some(complaint) => in_words(text, complaint),
        None => parser_words(text, &chunk, error),
    }
}

/// Explains why the parser refused an expression that stands alone.
pub(super) fn refused_expression(text: &Text, error: &hcl_edit::parser::Error) -> Diagnostic {
    let whole = 0..text.text.len();
    if is_about_depth(error) {
        return too_deep(text, &whole, error);
    }
    match grammar::expression(&text.text) {
        Some(complaint) => in_words(text, complaint),
        None => parser_words(text, &whole, error),
    }
}

/// Explains why the parser refused what is valid JSON.
pub(super) fn refused_json(text: &Text, error: &hcl_edit::parser::Error) -> Diagnostic {
    let whole = 0..text.text.len();
    if is_about_depth(error) {
        too_deep(text, &whole, error)
    } else {
        parser_words(text, &whole, error)
    }
}

fn is_about_depth(error: &hcl_edit::parser::Error) -> bool {
    error.message().contains("nested levels")
        || error.message().contains("chained binary operators")
}

fn too_deep(text: &Text, range: &Range<usize>, error: &hcl_edit::parser::Error) -> Diagnostic {
    Diagnostic::error(codes::NESTING, "Too many levels of nesting")
        .detail("The expression is nested too deep, or has too many operators in a row. Split it with locals.")
        .at(text.span(place(text, range, error)), "")
}

fn in_words(text: &Text, complaint: grammar::Complaint) -> Diagnostic {
    let diagnostic =
        syntax(complaint.summary).detail(complaint.detail).at(text.span(complaint.at), "");
    match complaint.first {
        Some(first) => diagnostic.also(text.span(first), "set here first"),
        None => diagnostic,
    }
}

/// The parser's own words, where the second look found nothing.
fn parser_words(text: &Text, chunk: &Range<usize>, error: &hcl_edit::parser::Error) -> Diagnostic {
    let at = text.span(place(text, chunk, error));
    let mut detail = error.message().to_owned();
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    syntax("Invalid expression").detail(detail + ".").at(at, "")
}

fn place(text: &Text, chunk: &Range<usize>, error: &hcl_edit::parser::Error) -> Range<usize> {
    let start = chunk.start.saturating_add(error.location().offset()).min(chunk.end);
    let length = text
        .text
        .get(start..chunk.end)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    start..start + length
}
