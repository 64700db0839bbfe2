//! Instance keys: which instance of a `count` or `for_each` is meant.

use std::fmt::{self, Write};

use crate::Name;

/// Key of one instance of a resource or module call.
///
/// The order is Terraform's: no key, then numbers by value, then strings by bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// The block has neither `count` nor `for_each`.
    #[default]
    None,
    /// Index of a `count`, from 0.
    Int(u64),
    /// Key of a `for_each`.
    Str(Name),
}

impl InstanceKey {
    /// Returns whether this is the key of a single instance.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Int(index) => write!(f, "[{index}]"),
            Self::Str(key) => write!(f, "[{}]", quote(key)),
        }
    }
}

/// Returns `text` as a quoted HCL string literal, without any template in it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() => {
                let code = u32::from(c);
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{code:04x}");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
