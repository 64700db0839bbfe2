//! What is scheduled, in lines: instances of one block that wait for the same are one line.

use jiff::Timestamp;
use terrarium_provider::Action;
use terrarium_state::Scheduled;

use super::alike::alike;
use super::instant::Times;

/// Most lines; the rest is counted.
const LIMIT: usize = 20;

/// Returns a line for all that waits for the same: when, what, because of what; the soonest first.
pub(crate) fn lines(entries: &[Scheduled], times: &Times, now: Timestamp) -> Vec<String> {
    let key =
        |entry: &&Scheduled| (entry.addr.block.clone(), entry.action, entry.schedule.not_before);
    let mut groups = alike(entries, key);
    groups.sort_by_key(|(entry, _)| entry.schedule.not_before.unwrap_or(Timestamp::MAX));
    let mut lines: Vec<String> = groups
        .iter()
        .take(LIMIT)
        .map(|(entry, more)| {
            let when = match entry.schedule.not_before {
                Some(at) if at <= now => format!("due since {}", times.both(at)),
                Some(at) => times.both(at),
                None => "later".to_owned(),
            };
            let what = format!("{} {}", verb(entry.action), entry.addr);
            let more =
                if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            let wait = if more.is_empty() { "waits" } else { "wait" };
            format!("{when}: {what}{more}, which {wait} for {}", entry.reason)
        })
        .collect();
    if groups.len() > LIMIT {
        lines.push(format!("… and {} more", groups.len() - LIMIT));
    }
    lines
}

/// Returns the verb of a scheduled action.
pub(crate) fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "destroy",
    }
}

/// Returns `1 approved change waits`, `40 approved changes wait`.
pub(crate) fn waiting(count: usize) -> String {
    if count == 1 {
        "1 approved change waits".to_owned()
    } else {
        format!("{count} approved changes wait")
    }
}
