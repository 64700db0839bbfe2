//! Diagnostic codes: each crate owns a table of its own, the CLI chains them.

/// Stable name of a kind of diagnostic, such as `T0412`.
///
/// Ranges: T00xx–T02xx language, T03xx providers' schemas, T04xx planning and time, T05xx apply and
/// recovery, T06xx state, T07xx command line, T10xx OpenStack, T11xx built-in providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

/// A row of a crate's table of codes.
#[derive(Clone, Copy, Debug)]
pub struct CodeRow {
    /// The code.
    pub code: Code,
    /// One line: what is wrong, in general.
    pub title: &'static str,
    /// What it means, an example, and what to do: Markdown.
    pub explanation: &'static str,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
