//! The diagnostics of a run: each is said once, however often it is found, and errors are counted as they come.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::{Code, Diagnostic, Diagnostics, Severity};

use crate::words;

/// Diagnostics that were found and not yet taken.
#[derive(Default)]
pub(super) struct Reported {
    all: Diagnostics,
    /// Where diagnostics stand that may be the same, by a hash of what makes them different.
    alike: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    errors: usize,
}

impl Reported {
    /// Adds a diagnostic, unless the same one is there.
    pub(super) fn add(&mut self, diagnostic: Diagnostic) {
        let Diagnostic { code, summary, detail, at, origin, .. } = &diagnostic;
        let span = at.as_ref().map(|label| label.span);
        let hash = self.hasher.hash_one((code, summary, detail, span, &origin.addr, &origin.path));
        let alike = self.alike.entry(hash).or_default();
        if alike.iter().any(|known| self.all.0.get(*known) == Some(&diagnostic)) {
            return;
        }
        alike.push(self.all.0.len());
        self.errors += usize::from(diagnostic.is_error());
        self.all.push(diagnostic);
    }

    /// Takes all of them, in the order of their places: which provider answers first says nothing.
    pub(super) fn take(&mut self) -> Diagnostics {
        let mut all = std::mem::take(self).all;
        all.0.sort_by(|one, other| place(one).cmp(&place(other)));
        once_a_cause(all)
    }

    /// Makes the errors about some instances warnings.
    pub(super) fn forgive(&mut self, forgiven: impl Fn(&ResourceAddr) -> bool) {
        for diagnostic in &mut self.all.0 {
            if diagnostic.is_error() && diagnostic.origin.addr.as_ref().is_some_and(&forgiven) {
                diagnostic.severity = Severity::Warning;
                self.errors -= 1;
            }
        }
    }

    /// Returns how many errors there are.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Returns the latest error.
    pub(super) fn last_error(&self) -> Option<&Diagnostic> {
        self.all.0.iter().rev().find(|diagnostic| diagnostic.is_error())
    }
}

/// What makes diagnostics one.
type Cause = (Severity, Code, Box<str>);

/// Says what has the same cause once, with the others that it befell.
fn once_a_cause(all: Diagnostics) -> Diagnostics {
    let mut said = Diagnostics::new();
    let mut known: BTreeMap<Cause, (usize, Vec<String>)> = BTreeMap::new();
    for diagnostic in all.0 {
        let Some(cause) = &diagnostic.cause else {
            said.push(diagnostic);
            continue;
        };
        match known.entry((diagnostic.severity, diagnostic.code, cause.clone())) {
            Entry::Occupied(mut first) => {
                let others = &mut first.get_mut().1;
                others.extend(diagnostic.origin.addr.map(|addr| addr.to_string()));
            }
            Entry::Vacant(first) => {
                first.insert((said.0.len(), Vec::new()));
                said.push(diagnostic);
            }
        }
    }
    for (at, others) in known.into_values() {
        if let Some(others) = words::enumerated(&others) {
            let detail = &mut said.0[at].detail;
            *detail = format!("{detail}\nThe same befell {others}.");
        }
    }
    said
}

/// Returns where a diagnostic stands among others: by its place in the sources, then by what it is about; what has
/// no place comes last.
fn place(of: &Diagnostic) -> impl Ord {
    let span = of.at.as_ref().map(|label| label.span);
    let about = (&of.origin.addr, &of.origin.path);
    (span.is_none(), span, about, of.code, &of.summary, &of.detail, &of.help)
}

#[cfg(test)]
mod tests {
    use terrarium_diagnostic::{Code, Diagnostic, FileId, Span};

    use super::Reported;

    const CODE: Code = Code("T0000");

    #[test]
    fn the_same_is_said_once_and_errors_are_counted() {
        let mut reported = Reported::default();
        let about =
            |addr: &str| Diagnostic::error(CODE, "Wrong").about(addr.parse().expect("an address"));
        for diagnostic in [
            about("a.b[0]"),
            about("a.b[1]"),
            about("a.b[0]"),
            about("a.b[0]").help("do this"),
            Diagnostic::warning(CODE, "Wrong"),
            Diagnostic::warning(CODE, "Wrong"),
        ] {
            reported.add(diagnostic);
        }
        assert_eq!(reported.errors(), 3);
        reported.forgive(|addr| addr.to_string() == "a.b[0]");
        assert_eq!(reported.errors(), 1);
        assert_eq!(reported.take().0.len(), 4);
        // What was taken is forgotten: the next round may say it again.
        reported.add(about("a.b[1]"));
        assert_eq!((reported.errors(), reported.take().0.len()), (1, 1));
    }

    #[test]
    fn what_has_the_same_cause_is_said_once_with_all_that_it_befell() {
        let mut reported = Reported::default();
        for (addr, cause) in
            [("a.b[0]", "busy"), ("a.b[1]", "busy"), ("a.c", "gone"), ("a.d", "busy")]
        {
            let about = Diagnostic::error(CODE, "Wrong").about(addr.parse().expect("an address"));
            reported.add(about.detail(format!("{cause}.")).cause(cause));
        }
        reported.add(Diagnostic::error(CODE, "Wrong").detail("on its own"));
        assert_eq!(reported.errors(), 5);
        let said = reported.take();
        let details: Vec<&str> = said.iter().map(|one| &*one.detail).collect();
        assert_eq!(details, ["on its own", "busy.\nThe same befell a.b[1] and a.d.", "gone."]);
    }

    #[test]
    fn whoever_comes_first_the_order_is_that_of_the_places() {
        let at = |start: usize| {
            let span = Span::new(FileId(0), start..start + 1);
            Diagnostic::warning(CODE, "Wrong").at(span, "")
        };
        let about = |one: Diagnostic, addr: &str| one.about(addr.parse().expect("an address"));
        let ordered = [
            about(at(1), "a.b[2]"),
            about(at(1), "a.b[10]"),
            at(7),
            Diagnostic::error(CODE, "Nowhere"),
            about(Diagnostic::error(CODE, "Nowhere"), "a.a"),
            about(Diagnostic::error(CODE, "Nowhere"), "a.c"),
        ];
        for shift in 0..ordered.len() {
            let mut reported = Reported::default();
            for step in 0..ordered.len() {
                reported.add(ordered[(shift + step * 5) % ordered.len()].clone());
            }
            assert_eq!(reported.take().0, ordered, "{shift}");
        }
    }
}
