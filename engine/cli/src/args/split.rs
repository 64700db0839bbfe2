//! Splits `TF_CLI_ARGS` as a shell does.

use std::fmt;

/// A quote is open at the end of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unterminated {
    /// The variable it stands in.
    pub variable: String,
}

impl fmt::Display for Unterminated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a quote in {} is not closed", self.variable)
    }
}

/// Splits at blanks; quotes group, a backslash takes the next character as it is.
pub fn split(variable: &str, text: &str) -> Result<Vec<String>, Unterminated> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Unterminated { variable: variable.to_owned() });
    }
    words.extend(word);
    Ok(words)
}
