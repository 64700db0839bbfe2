//! The diagnostic itself, and collections of them.

use terrarium_address::{AttrPath, ResourceAddr};

use crate::{Code, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing may be changed.
    Error,
    /// It will surprise somebody later.
    Warning,
}

/// A place that has something to say, with its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words, shown at the place; may be empty.
    pub text: String,
}

/// What a diagnostic is about where no source exists, or before its source is known.
///
/// A provider names an attribute path; `engine/core` adds the address and turns both into a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The resource instance.
    pub addr: Option<ResourceAddr>,
    /// The part of its value.
    pub path: Option<AttrPath>,
}

/// Something the user should know: what, where, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Its stable code.
    pub code: Code,
    /// What is wrong in one line, Terraform's words where it has them: `Unsupported argument`.
    pub summary: String,
    /// Why, in whole sentences; may be empty.
    pub detail: String,
    /// Where: the place that is wrong.
    pub at: Option<Label>,
    /// Other places that explain it.
    pub also: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// The address and path, where they are known.
    pub origin: Origin,
    /// Names what is behind it, where that has nothing to do with one object (a service that answers nobody): what
    /// has the same cause is said once.
    pub cause: Option<Box<str>>,
}

impl Diagnostic {
    /// Starts an error.
    pub fn error(code: Code, summary: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, summary.into())
    }

    /// Starts a warning.
    pub fn warning(code: Code, summary: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, summary.into())
    }

    fn new(severity: Severity, code: Code, summary: String) -> Self {
        Self {
            severity,
            code,
            summary,
            detail: String::new(),
            at: None,
            also: Vec::new(),
            help: None,
            origin: Origin::default(),
            cause: None,
        }
    }

    /// Sets the explanation.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Sets the place, with a few words to show there.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.at = Some(Label { span, text: text.into() });
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the resource instance.
    #[must_use]
    pub fn about(mut self, addr: ResourceAddr) -> Self {
        self.origin.addr = Some(addr);
        self
    }

    /// Names the part of the resource's value.
    #[must_use]
    pub fn path(mut self, path: AttrPath) -> Self {
        self.origin.path = Some(path);
        self
    }

    /// Names what is behind it; others with the same cause need not be said.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<Box<str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Returns whether this is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The diagnostics of a phase, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Returns an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Returns whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

/// Returns the candidate nearest to `given`, if it is near enough to be a slip of the keyboard.
///
/// For "did you mean": the distance is Levenshtein's, and must be at most 2, or 3 in words of nine letters and more.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: Vec<char> = given.chars().collect();
    let length = given.len();
    let mut limit = if length < 3 { 1 } else { (length / 3).clamp(2, 3) };
    let mut row = Vec::with_capacity(length + 1);
    let mut best = None;
    for candidate in candidates {
        let Some(distance) = distance_within(&given, candidate, limit, &mut row) else { continue };
        best = Some(candidate);
        // From here on only what is nearer is of interest.
        let Some(less) = distance.checked_sub(1) else { break };
        limit = less;
    }
    best
}

/// Returns the distance of two words, if it is at most `limit`; `row` is room to count in.
///
/// It stops as soon as it can tell: a large module with many slips compares each of them with each name.
fn distance_within(a: &[char], b: &str, limit: usize, row: &mut Vec<usize>) -> Option<usize> {
    if a.len().abs_diff(b.chars().count()) > limit {
        return None;
    }
    row.clear();
    row.extend(0..=a.len());
    for (i, x) in b.chars().enumerate() {
        let mut above_left = i;
        let mut left = i + 1;
        let mut least = left;
        for (y, cell) in a.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (above_left + usize::from(x != *y)).min(above + 1).min(left + 1);
            above_left = above;
            *cell = left;
            least = least.min(left);
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        if least > limit {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::{distance_within, nearest};

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flavor", "flavour", 1)]
        {
            for (a, b) in [(a, b), (b, a)] {
                let a: Vec<char> = a.chars().collect();
                let within = |limit| distance_within(&a, b, limit, &mut Vec::new());
                assert_eq!(within(expected), Some(expected), "{a:?} {b}");
                assert_eq!(within(9), Some(expected), "{a:?} {b}");
                assert_eq!(expected.checked_sub(1).and_then(within), None, "{a:?} {b}");
            }
        }
    }

    #[test]
    fn only_a_slip_is_offered() {
        assert_eq!(nearest("flavour_name", ["flavor_name", "image_name"]), Some("flavor_name"));
        assert_eq!(nearest("aplly", ["apply", "plan"]), Some("apply"));
        assert_eq!(nearest("x", ["region", "name"]), None);
        assert_eq!(
            nearest("plaxx", ["plan", "plaxy", "plaxz"]),
            Some("plaxy"),
            "the first of the nearest"
        );
    }
}
