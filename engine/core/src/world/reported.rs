//! The diagnostics of a run: each is said once, however often it is found, and errors are counted as they come.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use terrarium_address::ResourceAddr;
use terrarium_diagnostic::{Diagnostic, Diagnostics, Severity};

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

    /// Takes all of them, in the order in which they were found.
    pub(super) fn take(&mut self) -> Diagnostics {
        std::mem::take(self).all
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

#[cfg(test)]
mod tests {
    use terrarium_diagnostic::{Code, Diagnostic};

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
}
