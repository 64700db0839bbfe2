//! Phrases that several diagnostics share.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terrarium_address::ModulePath;
use terrarium_value::{Cause, Causes, When};

/// How many things a sentence names.
const NAMED: usize = 3;

/// How many members of a circle, or places of one, a diagnostic shows.
pub(crate) const MEMBERS: usize = 12;

/// Joins names; of more than a reader can follow, the first ones, a count, and the last.
pub(crate) fn shortened(
    mut names: impl Iterator<Item = String>,
    count: usize,
    between: &str,
) -> String {
    if count <= MEMBERS {
        return names.collect::<Vec<_>>().join(between);
    }
    let mut shown: Vec<String> = names.by_ref().take(MEMBERS - 1).collect();
    shown.push(format!("… ({} more) …", count - MEMBERS));
    shown.extend(names.last());
    shown.join(between)
}

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

/// Returns an instant as people of a time zone read it, with UTC beside it:
/// `2026-03-08 09:00 EST (2026-03-08 14:00 UTC)`; UTC alone without one.
pub(crate) fn instant(at: Timestamp, zone: Option<&str>) -> String {
    let utc = at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    match zone.and_then(|name| TimeZone::get(name).ok()) {
        Some(zone) => {
            format!("{} ({utc})", at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M %Z"))
        }
        None => utc,
    }
}

/// Returns ` (it waits for a.b and 2 more)`, or nothing where no cause is known.
pub(crate) fn causes(causes: &Causes) -> String {
    let names = listed(causes.iter().map(|cause| match cause {
        Cause::Instance { addr, when: When::Apply } => addr.to_string(),
        Cause::Instance { addr, when: When::At(at) } => {
            format!("{addr} (not before {})", instant(*at, None))
        }
        Cause::Instance { addr, when: When::Later } => format!("{addr}, which waits itself"),
        Cause::Instance { addr, when: When::Never(since) } => {
            format!("{addr}, whose time ended {}", instant(*since, None))
        }
        Cause::Other(words) => words.to_string(),
    }));
    names.map(|names| format!(" (it waits for {names})")).unwrap_or_default()
}

/// Names all as `a, b and c`; of more than a sentence holds, the first ones and a count; `None` where there is none.
pub(crate) fn enumerated(all: &[String]) -> Option<String> {
    match all {
        [] => None,
        [one] => Some(one.clone()),
        all if all.len() > NAMED => listed(all.iter().cloned()),
        [most @ .., last] => Some(format!("{} and {last}", most.join(", "))),
    }
}

fn listed(names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    let (named, rest) = names.split_at_checked(NAMED.min(names.len()))?;
    match (named, rest.len()) {
        ([], _) => None,
        (named, 0) => Some(named.join(", ")),
        (named, more) => Some(format!("{} and {more} more", named.join(", "))),
    }
}
