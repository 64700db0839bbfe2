//! Phrases that several diagnostics share.

use terrarium_address::ModulePath;
use terrarium_value::{Cause, Causes, When};

/// How many causes a sentence names.
const NAMED_CAUSES: usize = 3;

/// Returns `the root module` or `module.x`.
pub(crate) fn module(path: &ModulePath) -> String {
    if path.is_root() { "the root module".to_owned() } else { path.config().to_string() }
}

/// Returns `a.b, c.d and 2 more`, the addresses and words of causes; `None` where none is known.
pub(crate) fn named(causes: &Causes) -> Option<String> {
    listed(causes.iter().map(|cause| match cause {
        Cause::Instance { addr, .. } => addr.to_string(),
        Cause::Other(words) => words.to_string(),
    }))
}

/// Returns ` (it waits for a.b and 2 more)`, or nothing where no cause is known.
pub(crate) fn causes(causes: &Causes) -> String {
    let names = listed(causes.iter().map(|cause| match cause {
        Cause::Instance { addr, when: When::Apply } => addr.to_string(),
        Cause::Instance { addr, when: When::At(at) } => format!("{addr} (not before {at})"),
        Cause::Instance { addr, when: When::Later } => format!("{addr}, which waits itself"),
        Cause::Other(words) => words.to_string(),
    }));
    names.map(|names| format!(" (it waits for {names})")).unwrap_or_default()
}

fn listed(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    let (named, rest) = names.split_at_checked(NAMED_CAUSES.min(names.len()))?;
    match (named, rest.len()) {
        ([], _) => None,
        (named, 0) => Some(named.join(", ")),
        (named, more) => Some(format!("{} and {more} more", named.join(", "))),
    }
}
