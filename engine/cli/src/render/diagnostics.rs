//! Diagnostics as text: a title in Terraform's words, then miette's picture of the place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};
use terrarium_diagnostic::{Diagnostic, Diagnostics, FileId, Label, Severity, Sources};

use super::excerpt::{Cut, Excerpt, long_lines, merged};
use super::paint::{bold, dim, red, yellow};
use super::wrap::{PROSE_WIDTH, wrap};
use crate::redact::Redactor;

/// Whether warnings are shown whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warnings {
    /// With place, reason and remedy.
    Whole,
    /// One line each, where no error comes with them.
    Compact,
}

/// Returns all diagnostics as text: warnings first, so that what stopped the run stands last.
///
/// What the redactor knows is not shown, neither in messages nor in source texts.
pub fn text(
    diagnostics: &Diagnostics,
    (sources, redactor): (&Sources, &Redactor),
    warnings: Warnings,
) -> String {
    let diagnostics = &diagnostics.iter().map(|one| redactor.diagnostic(one)).collect();
    let shown = &Texts { sources, redactor, cuts: RefCell::default() };
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
            out.push_str(&one(warning, shown, count - 1));
        }
    }
    for error in errors {
        out.push_str(&one(error, shown, 0));
    }
    out
}

/// The texts that diagnostics point into, and what is not shown of them.
struct Texts<'a> {
    sources: &'a Sources,
    redactor: &'a Redactor,
    /// What is not shown of a text, once it was looked for.
    cuts: RefCell<BTreeMap<FileId, Rc<[Cut]>>>,
}

impl Texts<'_> {
    /// Returns what is not shown of a part of a text, by offsets in that part.
    fn cuts(&self, file: FileId, text: &str, part: &Range<usize>) -> Vec<Cut> {
        let mut known = self.cuts.borrow_mut();
        let all = known.entry(file).or_insert_with(|| self.redactor.cuts(text).into()).clone();
        let inside =
            all.iter().filter(|cut| cut.from.end > part.start && cut.from.start < part.end);
        let clipped = inside.map(|cut| {
            let (start, end) = (cut.from.start.max(part.start), cut.from.end.min(part.end));
            Cut { from: start - part.start..end - part.start, to: cut.to }
        });
        clipped.collect()
    }
}

/// Lines drawn before and after what labels are in, and some more for those that miette merges.
const AROUND: usize = 4;

/// Most codes that are named below errors.
const CODES: usize = 3;

/// Says where more about the errors is to be read; `None` where there is no error.
pub(crate) fn explained(diagnostics: &Diagnostics) -> Option<String> {
    let mut codes = Vec::new();
    for error in diagnostics.iter().filter(|one| one.is_error()) {
        if !codes.contains(&error.code) && codes.len() < CODES {
            codes.push(error.code);
        }
    }
    let lines: Vec<String> = codes.iter().map(|code| format!("terrarium explain {code}")).collect();
    (!lines.is_empty()).then(|| dim(&format!("\nTo read more, run: {}", lines.join(", or "))))
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

fn one(diagnostic: &Diagnostic, sources: &Texts<'_>, similar: usize) -> String {
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

/// Columns that miette puts before each line of a message, and before each line of a remedy.
const MARGINS: (usize, usize) = (6, 10);

/// Most other places of one file that are drawn: a circle may have thousands.
const PLACES: usize = 20;

/// Lets miette draw the source with the labels. It wraps nothing: it would do so inside dates and paths.
fn picture(diagnostic: &Diagnostic, sources: &Texts<'_>) -> String {
    let report = Report::new(diagnostic, sources);
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(PROSE_WIDTH)
        .with_wrap_lines(false)
        .with_links(false);
    let draw = |report: &Report| {
        let mut out = String::new();
        match handler.render_report(&mut out, report) {
            Ok(()) => out,
            // A span that fits no source must not hide the message.
            Err(fmt::Error) => format!("{report}\n"),
        }
    };
    std::iter::once(&report).chain(&report.elsewhere).map(draw).collect()
}

/// What miette needs to know of a diagnostic: one file and the labels in it.
#[derive(Debug)]
struct Report {
    message: String,
    severity: miette::Severity,
    help: Option<String>,
    source: Option<Shown>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Report>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, texts: &Texts<'_>) -> Self {
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
        let message = wrap(message, PROSE_WIDTH - MARGINS.0);
        let here = Self::of_file(file.zip(Some(&*here)), texts, (diagnostic, message));
        let help = |help: &String| wrap(help, PROSE_WIDTH - MARGINS.1);
        Self {
            help: diagnostic.help.as_ref().map(help),
            elsewhere: others
                .iter()
                .map(|(file, labels)| {
                    let message = labels.first().map(|label| label.text.clone());
                    let message = message.unwrap_or_default();
                    let labels = (*file, labels.as_slice());
                    let report = Self::of_file(Some(labels), texts, (diagnostic, message));
                    Self { severity: miette::Severity::Advice, ..report }
                })
                .collect(),
            ..here
        }
    }

    /// Shows labels in their file; the first one of the diagnostic's own file is what it is about.
    fn of_file(
        labels: Option<(FileId, &[&Label])>,
        texts: &Texts<'_>,
        (diagnostic, message): (&Diagnostic, String),
    ) -> Self {
        let bare = Self {
            message,
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: None,
            source: None,
            labels: Vec::new(),
            elsewhere: Vec::new(),
        };
        let Some((file, labels)) = labels else { return bare };
        let Some(source) = texts.sources.get(file) else { return bare };
        let labels = labels.get(..PLACES).unwrap_or(labels);
        let ranges: Vec<_> = labels.iter().map(|label| range(label, source.text.len())).collect();
        // A thousand errors in a file of a hundred megabytes draw a few lines each.
        let first = ranges.iter().map(|range| range.start).min().unwrap_or_default();
        let last = ranges.iter().map(|range| range.end).max().unwrap_or_default();
        let part = source.lines_around(first..last, AROUND);
        let text: Arc<str> = source.text.get(part.clone()).unwrap_or_default().into();
        let inside = |range: &Range<usize>| range.start - part.start..range.end - part.start;
        let ranges: Vec<_> = ranges.iter().map(inside).collect();
        let cuts = merged(long_lines(&text, &ranges), texts.cuts(file, &source.text, &part));
        let excerpt = Excerpt::of(&text, cuts);
        let primary = diagnostic.at.as_ref();
        let labels = labels.iter().zip(&ranges).map(|(label, range)| {
            let shown = excerpt.label(range);
            let text = Some(label.text.clone()).filter(|text| !text.is_empty());
            if primary == Some(*label) {
                LabeledSpan::new_primary_with_span(text, shown)
            } else {
                LabeledSpan::new_with_span(text, shown)
            }
        });
        Self {
            labels: labels.collect(),
            source: Some(Shown {
                name: source.name.to_string(),
                sources: Sources::clone(texts.sources),
                file,
                begins: part.start,
                excerpt,
            }),
            ..bare
        }
    }
}

/// Cuts the span at the end of its text, so that a stale one is drawn all the same.
fn range(label: &Label, length: usize) -> Range<usize> {
    let range = label.span.range();
    range.start.min(length)..range.end.min(length).max(range.start.min(length))
}

/// A text as it is shown, which knows lines and columns of the original.
#[derive(Debug)]
struct Shown {
    name: String,
    sources: Sources,
    file: FileId,
    /// Where the excerpt begins in the original.
    begins: usize,
    excerpt: Excerpt,
}

impl SourceCode for Shown {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.excerpt.text.as_bytes().read_span(span, before, after)?;
        let start = if before == 0 { span.offset() } else { contents.span().offset() };
        let original = self.begins + self.excerpt.original(start);
        let original = u32::try_from(original).unwrap_or(u32::MAX);
        let (line, column) = self.sources.line_column(self.file, original);
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            contents.data(),
            *contents.span(),
            line - 1,
            column - 1,
            contents.line_count(),
        )))
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
        Some(self.severity)
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
}
