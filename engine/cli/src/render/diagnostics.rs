//! Diagnostics as text: a title in Terraform's words, then miette's picture of the place.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use terrarium_diagnostic::{Diagnostic, Diagnostics, FileId, Label, Severity, Sources};

use super::paint::{bold, dim, red, yellow};
use super::wrap::{PROSE_WIDTH, wrap};

/// Whether warnings are shown whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warnings {
    /// With place, reason and remedy.
    Whole,
    /// One line each, where no error comes with them.
    Compact,
}

/// Returns all diagnostics as text: warnings first, so that what stopped the run stands last.
pub fn text(diagnostics: &Diagnostics, sources: &Sources, warnings: Warnings) -> String {
    let (errors, mild): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        unique(diagnostics).into_iter().partition(|diagnostic| diagnostic.is_error());
    let mut out = String::new();
    if warnings == Warnings::Compact && errors.is_empty() && !mild.is_empty() {
        return compact(&mild, sources);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for warning in &mild {
        *seen.entry(&warning.summary).or_default() += 1;
    }
    for warning in mild {
        // Fifty warnings of one kind are one warning with a number.
        if let Some(count) = seen.remove(warning.summary.as_str()) {
            out.push_str(&one(warning, sources, count - 1));
        }
    }
    for error in errors {
        out.push_str(&one(error, sources, 0));
    }
    out
}

/// Drops repetitions: instances of one block find the same mistake in it.
pub(crate) fn unique(diagnostics: &Diagnostics) -> Vec<&Diagnostic> {
    let mut seen = std::collections::BTreeSet::new();
    let mut key = |one: &Diagnostic| {
        let place = one.at.as_ref().map(|label| label.span);
        seen.insert((
            one.code,
            one.summary.clone(),
            one.detail.clone(),
            place,
            one.origin.addr.clone(),
        ))
    };
    diagnostics.iter().filter(|one| key(one)).collect()
}

fn compact(warnings: &[&Diagnostic], sources: &Sources) -> String {
    let mut out = format!("\n{}\n\n", bold(&yellow("Warnings:")));
    for warning in warnings {
        let _infallible = writeln!(out, "- {}", warning.summary);
        if let Some(label) = &warning.at {
            let _infallible = writeln!(out, "  {}", place(label, sources));
        }
    }
    out.push_str("\nTo see the full warning notes, run without -compact-warnings.\n");
    out
}

fn place(label: &Label, sources: &Sources) -> String {
    let name = sources.get(label.span.file).map(|source| source.name.to_string());
    let (line, _) = sources.line_column(label.span.file, label.span.start);
    format!("on {} line {line}", name.unwrap_or_default())
}

fn one(diagnostic: &Diagnostic, sources: &Sources, similar: usize) -> String {
    let title = match diagnostic.severity {
        Severity::Error => format!("{} {}", bold(&red("Error:")), bold(&diagnostic.summary)),
        Severity::Warning => format!("{} {}", bold(&yellow("Warning:")), bold(&diagnostic.summary)),
    };
    let mut out = format!("\n{title} {}\n", dim(&format!("[{}]", diagnostic.code)));
    if let Some(addr) = &diagnostic.origin.addr {
        let path = diagnostic.origin.path.as_ref().map(|path| format!(", at {path}"));
        let _infallible = writeln!(out, "\n  with {addr}{}", path.unwrap_or_default());
    }
    if diagnostic.at.is_some() {
        out.push('\n');
        out.push_str(&picture(diagnostic, sources));
    } else if !diagnostic.detail.is_empty() {
        let _infallible = writeln!(out, "\n{}", wrap(&diagnostic.detail, PROSE_WIDTH));
    }
    if let (Some(help), None) = (&diagnostic.help, &diagnostic.at) {
        let _infallible = writeln!(out, "\n{}", wrap(&format!("Help: {help}"), PROSE_WIDTH));
    }
    if similar > 0 {
        let warnings = if similar == 1 { "warning" } else { "warnings" };
        let _infallible = writeln!(out, "\n(and {similar} more similar {warnings} elsewhere)");
    }
    out
}

/// Lets miette draw the source with the labels.
fn picture(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let report = Report::new(diagnostic, sources);
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(PROSE_WIDTH)
        .with_links(false);
    let mut out = String::new();
    match handler.render_report(&mut out, &report) {
        Ok(()) => out,
        // A span that fits no source must not hide the message.
        Err(fmt::Error) => format!("{report}\n"),
    }
}

/// What miette needs to know of a diagnostic: one file and the labels in it.
#[derive(Debug)]
struct Report {
    message: String,
    severity: Severity,
    help: Option<String>,
    source: Option<NamedSource<Arc<str>>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Report>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let file = diagnostic.at.as_ref().map(|label| label.span.file);
        let mut others: BTreeMap<FileId, Vec<&Label>> = BTreeMap::new();
        let mut here = Vec::new();
        for label in diagnostic.at.iter().chain(&diagnostic.also) {
            if Some(label.span.file) == file {
                here.push(label);
            } else {
                others.entry(label.span.file).or_default().push(label);
            }
        }
        let message =
            if diagnostic.detail.is_empty() { &diagnostic.summary } else { &diagnostic.detail };
        Self {
            message: message.clone(),
            severity: diagnostic.severity,
            help: diagnostic.help.clone(),
            source: file.and_then(|file| named(sources, file)),
            labels: here
                .iter()
                .enumerate()
                .map(|(at, label)| span(label, at == 0, sources))
                .collect(),
            elsewhere: others
                .into_iter()
                .map(|(file, labels)| Self {
                    message: labels.first().map(|label| label.text.clone()).unwrap_or_default(),
                    severity: diagnostic.severity,
                    help: None,
                    source: named(sources, file),
                    labels: labels.iter().map(|label| span(label, false, sources)).collect(),
                    elsewhere: Vec::new(),
                })
                .collect(),
        }
    }
}

fn named(sources: &Sources, file: FileId) -> Option<NamedSource<Arc<str>>> {
    sources.get(file).map(|source| NamedSource::new(&*source.name, source.text.clone()))
}

/// Cuts the span at the end of its text, so that a stale one is drawn all the same.
fn span(label: &Label, primary: bool, sources: &Sources) -> LabeledSpan {
    let length = sources.get(label.span.file).map_or(0, |source| source.text.len());
    let range = label.span.range();
    let range = range.start.min(length)..range.end.min(length).max(range.start.min(length));
    let text = Some(label.text.clone()).filter(|text| !text.is_empty());
    if primary {
        LabeledSpan::new_primary_with_span(text, range)
    } else {
        LabeledSpan::new_with_span(text, range)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.elsewhere.is_empty() {
            return None;
        }
        Some(Box::new(self.elsewhere.iter().map(|report| report as &dyn miette::Diagnostic)))
    }
}
