//! The last filter: whatever a run writes for people, programs, logs and pages, the sensitive values that it knows
//! are taken out, in clear and in the forms in which they travel.
//!
//! Marks hide a value where it is; they are lost in what a service computes from it (`all_metadata`), in its
//! answers, and in messages. The filter is built once from what is known, and costs one pass over a text. Commands
//! whose contract is to print sensitive data (`output NAME`, `output -json`, `output -raw`, `state pull`,
//! `show -json -show-sensitive`) write past it.

mod forms;
mod known;

pub(crate) use known::makes_secrets;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aho_corasick::{AhoCorasick, MatchKind};
use terrarium_diagnostic::{Diagnostic, Label};
use terrarium_value::{Kind, Marks, Value};

use crate::render::excerpt::Cut;

/// Fewest bytes of a value that is looked for: a shorter one would be found inside innocent words.
pub const SHORTEST: usize = 6;
/// Fewest digits of a number that is looked for.
const SHORTEST_NUMBER: usize = 8;
/// Fewest bytes of a line of a longer value that is looked for by itself.
const SHORTEST_LINE: usize = 12;
/// What stands in place of a sensitive value.
pub const HIDDEN: &str = "(sensitive value)";
/// Most bytes of one line of a diagnostic: services echo what they were sent.
const LONGEST_LINE: usize = 4_000;
/// Most bytes of one word of a diagnostic, such as a script in base64.
const LONGEST_WORD: usize = 400;

/// Knows the sensitive values of a run. Cheap to clone; all clones know the same.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Mutex<Book>>);

/// What is known, and the filter over it.
#[derive(Default)]
struct Book {
    /// Sensitive texts, as they are.
    texts: BTreeSet<String>,
    /// Texts that may be shown with all that they contain: `nonsensitive` gave them free. What they contain stays
    /// hidden elsewhere.
    open: BTreeSet<String>,
    /// Names of the configuration, which stand in every address.
    names: BTreeSet<String>,
    /// Root variables whose values are not printed.
    variables: BTreeSet<String>,
    /// Root outputs that are given free.
    free_outputs: BTreeSet<String>,
    /// The filter.
    filter: Filter,
}

/// The filter over what is known.
#[derive(Clone, Default)]
enum Filter {
    /// There is nothing to look for.
    #[default]
    Nothing,
    /// Something was learned since it was built.
    Stale,
    /// It is this.
    Built(Arc<Patterns>),
}

/// What is looked for.
struct Patterns {
    all: AhoCorasick,
    /// How many of them are hidden; the others may be shown with the hidden ones that they contain.
    hidden: usize,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a text as sensitive from now on.
    pub fn hide(&self, text: &str) {
        let mut book = self.book();
        let mut learn = |text: &str| {
            if text.len() >= SHORTEST && book.texts.insert(text.to_owned()) {
                book.filter = Filter::Stale;
            }
        };
        learn(text.trim());
        // A text of several lines is drawn line by line, and indented.
        if text.trim().contains('\n') {
            for line in text.lines().map(str::trim) {
                let says_nothing = line.starts_with("-----") || line.starts_with('#');
                if line.len() >= SHORTEST_LINE && !says_nothing {
                    learn(line);
                }
            }
        }
    }

    /// Takes all of a value as sensitive.
    pub fn hide_value(&self, value: &Value) {
        value.for_each_leaf(&mut |_, leaf| match leaf.kind() {
            Kind::String(text) => self.hide(text),
            Kind::Number(number) => {
                let digits = number.to_string();
                if digits.len() >= SHORTEST_NUMBER {
                    self.hide(&digits);
                }
            }
            _ => {}
        });
    }

    /// Takes the parts of a value that are marked as sensitive or ephemeral.
    pub fn hide_marked(&self, value: &Value) {
        let secret =
            |marks: Marks| marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL);
        if !secret(value.deep_marks()) {
            return;
        }
        if secret(value.marks()) {
            return self.hide_value(value);
        }
        match value.kind() {
            Kind::List(items) | Kind::Set(items) | Kind::Tuple(items) => {
                for item in items {
                    self.hide_marked(item);
                }
            }
            Kind::Map(entries) | Kind::Object(entries) => {
                for item in entries.values() {
                    self.hide_marked(item);
                }
            }
            _ => {}
        }
    }

    /// Takes a text as one that may be shown, with all that it contains.
    pub fn open(&self, text: &str) {
        let mut book = self.book();
        if book.open.insert(text.to_owned()) {
            book.filter = Filter::Stale;
        }
    }

    /// Takes a text as a name, which is no secret where a value is the same.
    fn name(&self, text: &str) {
        let mut book = self.book();
        if text.len() >= SHORTEST && book.names.insert(text.to_owned()) {
            book.filter = Filter::Stale;
        }
    }

    fn free_outputs(&self, names: BTreeSet<String>) {
        self.book().free_outputs = names;
    }

    fn is_free_output(&self, name: &str) -> bool {
        self.book().free_outputs.contains(name)
    }

    /// Takes a root variable as one whose value is not printed.
    pub fn hide_variable(&self, name: &str) {
        self.book().variables.insert(name.to_owned());
    }

    /// Returns whether the value of a root variable is not printed.
    pub fn hides_variable(&self, name: &str) -> bool {
        self.book().variables.contains(name)
    }

    fn filter(&self) -> Option<Arc<Patterns>> {
        let mut book = self.book();
        if matches!(book.filter, Filter::Stale) {
            book.filter = book.build();
        }
        match &book.filter {
            Filter::Built(filter) => Some(filter.clone()),
            Filter::Nothing | Filter::Stale => None,
        }
    }

    /// Returns a text without the sensitive values. JSON stays JSON: what is in strings is taken out of them.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found = self.find(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let begins = text.trim_start().starts_with(['{', '[']);
        if begins && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            found = json_strings(text, found);
        }
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for range in found {
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(HIDDEN);
            done = range.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// Returns what to cut out of a source text before it is shown.
    pub(crate) fn cuts(&self, text: &str) -> Vec<Cut> {
        self.find(text).into_iter().map(|from| Cut { from, to: HIDDEN }).collect()
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let Some(filter) = self.filter() else { return Vec::new() };
        let found = filter.all.find_iter(text);
        let found = found.filter(|found| found.pattern().as_usize() < filter.hidden);
        let found = found.map(|found| found.range());
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => merged.push(range),
            }
        }
        merged
    }

    /// Returns a message as it may be shown: what is hidden is hidden first, since a cut would leave half of it.
    pub(crate) fn message(&self, text: &str) -> String {
        shortened(&self.text(text))
    }

    /// Returns a diagnostic as it may be shown: before it is wrapped and drawn, which would break values in two.
    pub(crate) fn diagnostic(&self, of: &Diagnostic) -> Diagnostic {
        let text = |text: &str| self.message(text);
        let label = |label: &Label| Label { span: label.span, text: text(&label.text) };
        Diagnostic {
            summary: text(&of.summary),
            detail: text(&of.detail),
            at: of.at.as_ref().map(label),
            also: of.also.iter().map(label).collect(),
            help: of.help.as_deref().map(text),
            ..of.clone()
        }
    }
}

impl Book {
    fn build(&self) -> Filter {
        let free = |text: &str| self.names.contains(text) || self.open.contains(text);
        let texts: Vec<&String> = self.texts.iter().filter(|text| !free(text)).collect();
        let forms = texts.iter().flat_map(|text| forms::of(text));
        let mut patterns: Vec<String> = forms.filter(|form| !self.open.contains(form)).collect();
        let Some(found) = AhoCorasick::new(&patterns).ok().filter(|_| !patterns.is_empty()) else {
            return Filter::Nothing;
        };
        let hidden = patterns.len();
        let known: BTreeSet<&String> = patterns.iter().collect();
        let shown: Vec<String> = self
            .open
            .iter()
            // A text of several lines is drawn line by line.
            .flat_map(|open| std::iter::once(open.as_str()).chain(open.lines().map(str::trim)))
            .filter(|open| found.is_match(open))
            .flat_map(forms::of)
            .filter(|form| !known.contains(form))
            .collect();
        patterns.extend(shown);
        // Fails where the automaton would have over two thousand million states; the marks hide values even then.
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns)
            .map_or(Filter::Nothing, |all| Filter::Built(Arc::new(Patterns { all, hidden })))
    }
}

/// Keeps of the places in a JSON text those in string values: not in a key, a number, or half an escape.
fn json_strings(text: &str, found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = found.into_iter().peekable();
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(quote) = text.get(at..).and_then(|rest| rest.find('"')).map(|next| at + next) {
        let mut end = quote + 1;
        while let Some(byte) = bytes.get(end).filter(|byte| **byte != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let key = text.get(end + 1..).is_some_and(|rest| rest.trim_start().starts_with(':'));
        while found.next_if(|range| range.start <= quote).is_some() {}
        while let Some(range) = found.next_if(|range| range.end <= end) {
            let escaped = bytes.get(..range.start).is_some_and(|before| {
                before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
            });
            let whole_key = key && range.start == quote + 1 && range.end == end;
            if !escaped && !whole_key {
                kept.push(range);
            }
        }
        at = end + 1;
    }
    kept
}

/// Cuts words and lines that nobody reads: a service may answer with all that it was sent.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_WORD {
        return text.to_owned();
    }
    let line = |line: &str| {
        let words: Vec<_> = line.split(' ').map(|word| ends_of(word, LONGEST_WORD)).collect();
        ends_of(&words.join(" "), LONGEST_LINE).into_owned()
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Keeps both ends of a text that is longer than so many bytes.
fn ends_of(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let head = text.get(..text.floor_char_boundary(longest / 2)).unwrap_or_default();
    let tail = text.get(text.ceil_char_boundary(text.len() - longest / 8)..).unwrap_or_default();
    let left = text.len() - head.len() - tail.len();
    Cow::Owned(format!("{head}… ({left} more bytes) …{tail}"))
}

#[cfg(test)]
mod tests;
