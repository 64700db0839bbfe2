//! Expectations that stand in the source itself: `#~ error T0210: words of the message`.
//!
//! The comment names its own line; each further `^` after `#~` one line up.

use std::fmt::Write as _;

use terrarium_diagnostic::{Diagnostics, Severity, Sources};

/// An expected or actual diagnostic: file, line, `error` or `warning`, code, words.
type Line = (String, usize, String, String);

/// Compares what was found with what the sources announce; returns the differences as text.
pub(crate) fn differences(sources: &Sources, found: &Diagnostics) -> String {
    let mut wanted: Vec<Line> = Vec::new();
    for (_, source) in sources.iter() {
        for (at, line) in source.text.lines().enumerate() {
            if let Some((_, comment)) = line.split_once("#~") {
                // In JSON, the comment is the value of a property `//`.
                let unescaped = comment.replace("\\\"", "\"");
                let json = source.name.rsplit_once('.').is_some_and(|(_, end)| end == "json");
                let comment =
                    if json { unescaped.trim_end_matches([',', ' ', '}']) } else { comment };
                let comment = if json { comment.trim_end_matches('"') } else { comment };
                let up = comment.chars().take_while(|c| *c == '^').count();
                let mut parts = comment.trim_start_matches('^').trim().splitn(3, ' ');
                let (severity, code) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
                let head = format!("{severity} {}", code.trim_end_matches(':'));
                wanted.push((
                    source.name.to_string(),
                    at + 1 - up,
                    head,
                    parts.next().unwrap_or("").to_owned(),
                ));
            }
        }
    }
    let mut text = String::new();
    for diagnostic in found {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let head = format!("{severity} {}", diagnostic.code);
        let words = format!("{}: {}", diagnostic.summary, diagnostic.detail);
        let (file, line) = diagnostic.at.as_ref().map_or((String::new(), 0), |label| {
            let name = sources.get(label.span.file).map(|s| s.name.to_string()).unwrap_or_default();
            (name, sources.line_column(label.span.file, label.span.start).0)
        });
        let hit = wanted.iter().position(|(f, l, h, w)| {
            *f == file && *l == line && *h == head && words.contains(w.as_str())
        });
        match hit {
            Some(at) => {
                wanted.remove(at);
            }
            None => writeln!(text, "unexpected {file}:{line}: {head}: {words}").unwrap(),
        }
    }
    for (file, line, head, words) in wanted {
        writeln!(text, "missing {file}:{line}: {head}: {words}").unwrap();
    }
    text
}
