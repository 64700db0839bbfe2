//! How a run ended: Terraform's line, and after a failure what was done, what failed, what was left.

use std::fmt::Write;

use terrarium_core::{Blocked, PlannedAction, RunSummary};

use super::paint::{bold, green, red};
use super::progress::words;

/// Most lines of one kind; the rest is counted.
const LIST_LIMIT: usize = 30;

/// What was run, in the words of its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// `apply`
    Apply,
    /// `destroy`, `apply -destroy`
    Destroy,
    /// `refresh`
    Refresh,
}

/// Counts of what was done: added, changed, destroyed.
fn counts(summary: &RunSummary) -> (usize, usize, usize) {
    let count = |action| summary.done.iter().filter(|done| done.action == action).count();
    (count(PlannedAction::Create), count(PlannedAction::Update), count(PlannedAction::Delete))
}

/// Returns `Apply complete! Resources: 1 added, 0 changed, 0 destroyed.`
pub fn complete(summary: &RunSummary, run: Run, imported: usize) -> String {
    let (added, changed, destroyed) = counts(summary);
    let import = if imported > 0 { format!("{imported} imported, ") } else { String::new() };
    let taken_over = taken_over(summary);
    let text = match run {
        Run::Apply | Run::Refresh => {
            format!(
                "Apply complete! Resources: {import}{added} added, {changed} changed, {destroyed} destroyed{taken_over}."
            )
        }
        Run::Destroy => format!("Destroy complete! Resources: {destroyed} destroyed{taken_over}."),
    };
    bold(&green(&text))
}

/// Returns what a failed or interrupted run did and did not do; the summary is the last line.
pub fn incomplete(summary: &RunSummary, run: Run, command: &str) -> String {
    let mut out = String::new();
    let done =
        summary.done.iter().map(|done| format!("{}: {}", done.addr, words(done.action).verb));
    list(&mut out, "Done", &done.collect::<Vec<_>>());
    let failed = summary.failed.iter();
    let failed = failed.map(|failure| {
        format!("{}: {}: {}", failure.addr, words(failure.action).verb, failure.why)
    });
    list(&mut out, "Failed", &failed.collect::<Vec<_>>());
    let pending = summary
        .pending
        .iter()
        .map(|addr| format!("{addr}: the service is still at work; the next run asks"));
    list(&mut out, "Not finished", &pending.collect::<Vec<_>>());
    let skipped = summary.skipped.iter().map(|skipped| {
        let because = because(&skipped.because);
        format!("{}: {}, because {because}", skipped.addr, words(skipped.action).verb)
    });
    list(&mut out, "Skipped", &skipped.collect::<Vec<_>>());
    let _infallible = write!(out, "\nTo continue, run:\n    {command}\n\n");
    let (added, changed, destroyed) = counts(summary);
    let what = match (run, summary.interrupted) {
        (Run::Refresh, false) => "Refresh incomplete!",
        (Run::Apply, false) => "Apply incomplete!",
        (Run::Destroy, false) => "Destroy incomplete!",
        (_, true) => "Interrupted!",
    };
    let text = format!(
        "{what} Resources: {added} added, {changed} changed, {destroyed} destroyed, {} failed, {} skipped{}.",
        summary.failed.len(),
        summary.skipped.len(),
        taken_over(summary)
    );
    out.push_str(&bold(&red(&text)));
    out
}

/// Returns how many objects of an interrupted run are in the state now: `, 2 taken over`.
fn taken_over(summary: &RunSummary) -> String {
    match summary.taken_over.len() {
        0 => String::new(),
        count => format!(", {count} taken over"),
    }
}

/// Says why an action was not begun.
pub(crate) fn because(blocked: &Blocked) -> String {
    match blocked {
        Blocked::By(addr) => format!("{addr} failed"),
        Blocked::Interrupted => "the run was interrupted".to_owned(),
        Blocked::Store(why) => format!("the state can't be written: {why}"),
    }
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _infallible = write!(out, "\n{title}:\n");
    for line in lines.iter().take(LIST_LIMIT) {
        let _infallible = writeln!(out, "  {line}");
    }
    if lines.len() > LIST_LIMIT {
        let _infallible = writeln!(out, "  … and {} more", lines.len() - LIST_LIMIT);
    }
}
