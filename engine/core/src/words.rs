//! Phrases that several diagnostics share.

use terrarium_address::ModulePath;
use terrarium_value::{Cause, Causes, When};

/// How many causes a sentence names.
const NAMED_CAUSES: usize = 3;

/// Returns `the root module` or `module.x`.
pub(crate) fn module(path: &ModulePath) -> String {
    if path.is_root() { "the root module".to_owned() } else { path.config().to_string() }
}

/// Returns ` (it waits for a.b and 2 more)`, or nothing where no cause is known.
pub(crate) fn causes(causes: &Causes) -> String {
    let names: Vec<String> = causes
        .iter()
        .map(|cause| match cause {
            Cause::Instance { addr, when: When::Apply } => addr.to_string(),
            Cause::Instance { addr, when: When::At(at) } => format!("{addr} (not before {at})"),
            Cause::Instance { addr, when: When::Later } => format!("{addr}, which waits itself"),
            Cause::Other(words) => words.to_string(),
        })
        .collect();
    let Some((named, rest)) = names.split_at_checked(NAMED_CAUSES.min(names.len())) else {
        return String::new();
    };
    match (named, rest.len()) {
        ([], _) => String::new(),
        (named, 0) => format!(" (it waits for {})", named.join(", ")),
        (named, more) => format!(" (it waits for {} and {more} more)", named.join(", ")),
    }
}
