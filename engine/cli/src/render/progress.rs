//! What a run tells, as Terraform's lines.

use std::time::Duration;

use terrarium_core::{Event, PlannedAction};
use terrarium_provider::Patience;

use super::paint::bold;

/// Returns the line of an event.
pub fn line(event: &Event) -> String {
    let text = match event {
        Event::Refreshing { addr, id } => {
            format!("{addr}: Refreshing state...{}", bracket(id.as_deref(), None))
        }
        Event::Refreshed { addr, id } => {
            format!("{addr}: Refresh complete{}", bracket(id.as_deref(), None))
        }
        Event::Reading { addr } => format!("{addr}: Reading..."),
        Event::Read { addr, elapsed, id } => {
            format!(
                "{addr}: Read complete after {}{}",
                seconds(*elapsed),
                bracket(id.as_deref(), None)
            )
        }
        Event::Begun { addr, action, id } => {
            format!("{addr}: {}...{}", words(*action).begun, bracket(id.as_deref(), None))
        }
        Event::Waiting { addr, action, elapsed, id, .. } => {
            // Said every ten seconds or so: the odd second says nothing.
            let round = Duration::from_secs(elapsed.as_secs() / 10 * 10);
            let bracket = bracket(id.as_deref(), Some(round));
            format!("{addr}: Still {}...{bracket}", words(*action).begun.to_lowercase())
        }
        Event::Done { addr, action, elapsed, id } => {
            let id = id.as_deref().filter(|_| *action != PlannedAction::Delete);
            format!(
                "{addr}: {} complete after {}{}",
                words(*action).noun,
                seconds(*elapsed),
                bracket(id, None)
            )
        }
        Event::Failed { addr, action } => format!("{addr}: {} failed", words(*action).noun),
        Event::Patient(patience) => waiting(patience),
        Event::Recovering { addr, what, left } => {
            let left = left.map(|left| format!(", up to {} more", seconds(left)));
            format!("{addr}: Recovering: {what}{}", left.unwrap_or_default())
        }
        Event::Recovered { addr, what, .. } => format!("{addr}: Recovered: {what}"),
    };
    bold(&text)
}

/// Says what a call waits for.
fn waiting(patience: &Patience) -> String {
    let Patience { call, why, attempt, attempts, until } = patience;
    match until {
        Some(until) => {
            format!("Waiting for {call}: {why}; attempt {attempt} of {attempts} at {until:.0}")
        }
        None => format!("Waiting for {call}: {why}, attempt {attempt} of {attempts}"),
    }
}

/// The words for an action.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// `Creating`
    pub begun: &'static str,
    /// `Creation`
    pub noun: &'static str,
    /// `create`
    pub verb: &'static str,
}

/// Returns the words for an action.
pub fn words(action: PlannedAction) -> Words {
    let (begun, noun, verb) = match action {
        PlannedAction::Create => ("Creating", "Creation", "create"),
        PlannedAction::Update => ("Modifying", "Modifications", "update"),
        PlannedAction::Delete => ("Destroying", "Destruction", "destroy"),
        PlannedAction::Replace(_) => ("Replacing", "Replacement", "replace"),
        PlannedAction::Read => ("Reading", "Read", "read"),
        PlannedAction::Forget => ("Forgetting", "Removal from the state", "forget"),
        PlannedAction::NoOp => ("Checking", "Check", "check"),
    };
    Words { begun, noun, verb }
}

fn bracket(id: Option<&str>, elapsed: Option<Duration>) -> String {
    match (id, elapsed) {
        (Some(id), Some(elapsed)) => format!(" [id={id}, {} elapsed]", seconds(elapsed)),
        (Some(id), None) => format!(" [id={id}]"),
        (None, Some(elapsed)) => format!(" [{} elapsed]", seconds(elapsed)),
        (None, None) => String::new(),
    }
}

/// Returns a duration in whole seconds: `0s`, `1m10s`, `1h0m3s`.
pub fn seconds(elapsed: Duration) -> String {
    let total = elapsed.as_secs() + u64::from(elapsed.subsec_millis() >= 500);
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::seconds;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (millis, expected) in
            [(0, "0s"), (499, "0s"), (500, "1s"), (70_000, "1m10s"), (3_603_000, "1h0m3s")]
        {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
