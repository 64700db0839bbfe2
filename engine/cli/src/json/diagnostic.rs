//! Diagnostics for programs: Terraform's keys, and our code, help and address.

use std::sync::Arc;

use serde::Serialize;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Severity, Sources, Span};

use crate::redact::Redactor;
use crate::render::excerpt::{Excerpt, long_lines, merged};

/// A diagnostic.
#[derive(Debug, Serialize)]
pub struct Twin {
    severity: &'static str,
    summary: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<Snippet>,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

#[derive(Debug, Serialize)]
struct Range {
    filename: String,
    start: Position,
    end: Position,
}

#[derive(Debug, Serialize)]
struct Position {
    line: usize,
    column: usize,
    byte: u32,
}

#[derive(Debug, Serialize)]
struct Snippet {
    context: Option<String>,
    code: String,
    start_line: usize,
    highlight_start_offset: usize,
    highlight_end_offset: usize,
    values: [(); 0],
}

/// The result of `validate -json`.
#[derive(Debug, Serialize)]
pub struct Validation {
    format_version: &'static str,
    valid: bool,
    error_count: usize,
    warning_count: usize,
    diagnostics: Vec<Twin>,
}

/// Converts the result of a check.
pub fn validation(diagnostics: &Diagnostics, sources: &Sources, redactor: &Redactor) -> Validation {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    Validation {
        format_version: "1.0",
        valid: errors == 0,
        error_count: errors,
        warning_count: diagnostics.0.len() - errors,
        diagnostics: diagnostics
            .iter()
            .map(|diagnostic| twin(diagnostic, sources, redactor))
            .collect(),
    }
}

/// Converts a diagnostic, without what the redactor knows.
pub fn twin(diagnostic: &Diagnostic, sources: &Sources, redactor: &Redactor) -> Twin {
    let diagnostic = &redactor.diagnostic(diagnostic);
    let span = diagnostic.at.as_ref().map(|label| label.span);
    Twin {
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        summary: diagnostic.summary.clone(),
        detail: diagnostic.detail.clone(),
        address: diagnostic.origin.addr.as_ref().map(ToString::to_string),
        range: span.map(|span| range(span, sources)),
        snippet: span.and_then(|span| snippet(span, sources, redactor)),
        code: diagnostic.code.to_string(),
        help: diagnostic.help.clone(),
    }
}

fn range(span: Span, sources: &Sources) -> Range {
    let position = |byte| {
        let (line, column) = sources.line_column(span.file, byte);
        Position { line, column, byte }
    };
    let filename = sources.get(span.file).map(|source| source.name.to_string()).unwrap_or_default();
    Range { filename, start: position(span.start), end: position(span.end) }
}

/// Cuts out the line in which the span begins; of a long one, what is around the span.
fn snippet(span: Span, sources: &Sources, redactor: &Redactor) -> Option<Snippet> {
    let text = &*sources.get(span.file)?.text;
    let range = span.range();
    let begin = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = text.get(range.start..)?.find('\n').map_or(text.len(), |at| range.start + at);
    let (start_line, _) = sources.line_column(span.file, span.start);
    let line: Arc<str> = text.get(begin..end)?.into();
    let label = range.start - begin..range.end.min(end).max(range.start) - begin;
    let cuts = merged(long_lines(&line, std::slice::from_ref(&label)), redactor.cuts(&line));
    let excerpt = Excerpt::of(&line, cuts);
    let label = excerpt.label(&label);
    Some(Snippet {
        context: context(text.get(..begin)?, &line),
        code: excerpt.text.to_string(),
        start_line,
        highlight_start_offset: label.start,
        highlight_end_offset: label.end,
        values: [],
    })
}

/// Returns the header of the top-level block around a line: the last line before it that begins one.
fn context(before: &str, line: &str) -> Option<String> {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphabetic());
    let header = if begins(&line) { line } else { before.lines().rev().find(begins)? };
    let (header, _) = header.split_once('{')?;
    // A file on one line has no header that says anything.
    Some(header.trim_end().to_owned()).filter(|header| header.len() <= 200)
}
