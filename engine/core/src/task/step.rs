//! One step of a task. Each row of the match is a rule; whatever it doesn't name changes nothing.

use std::time::Duration;

use terrarium_provider::{Action, ApplyOutcome, Doubt, DoubtKind, PollOutcome};

use super::{Deed, Fact, Seen, Shell, TaskState, Terms, Times, horizon};

/// How often an action is sent in one run before it is given up: once more than it was.
const SENDS: u32 = 2;

/// Says where a task stands after a fact, and what is to be done about it.
pub(crate) fn step(state: TaskState, fact: Fact, terms: &Terms) -> (TaskState, Deed) {
    use TaskState::{Accepted, InDoubt, Preparing, Provisioning, Recorded, Sent};
    match (state, fact) {
        // Only what has an intent of its own is sent, be it the first call or the next.
        (Preparing | Provisioning, Fact::Drafted) => (Recorded, Deed::Record),
        (Recorded, Fact::Durable) => (Sent, Deed::Send),
        (Sent, Fact::Answered(outcome)) => answered(outcome, terms),
        (Accepted { .. }, Fact::Polled(outcome)) => polled(state, outcome, terms),
        (InDoubt { .. }, Fact::Looked(seen)) => looked(state, seen, terms),
        (state, _) => (state, Deed::Stay),
    }
}

fn answered(outcome: ApplyOutcome, terms: &Terms) -> (TaskState, Deed) {
    // Recovery sends what is left of an action: only what makes an object tells what became of it.
    let tells = terms.shell == Shell::Apply || terms.action == Action::Create;
    match outcome {
        ApplyOutcome::Accepted(accepted) => {
            (TaskState::accepted(terms.now, accepted.timeout), Deed::Keep(accepted))
        }
        ApplyOutcome::Unknown(doubt) => doubted(doubt, terms),
        ApplyOutcome::Done { state, private, window } if tells => {
            (TaskState::Settling, Deed::Finish { state, private, window })
        }
        ApplyOutcome::Refused { state, private } if tells => {
            (TaskState::Settling, Deed::Refuse { state, private })
        }
        ApplyOutcome::Done { .. } | ApplyOutcome::Refused { .. } => {
            (TaskState::Settling, Deed::Reread)
        }
    }
}

/// What never left needs no look, and recovery leaves its own doubts to the next command.
fn doubted(doubt: Doubt, terms: &Terms) -> (TaskState, Deed) {
    let may_have_left = doubt.kind != DoubtKind::NotSent && terms.shell == Shell::Apply;
    let until = terms
        .recorded_at
        .filter(|_| may_have_left)
        .map(|recorded_at| horizon(Times { recorded_at, cloud_at: None, began: terms.now }));
    let look = until.and_then(|until| left(until, terms).map(|left| (until, left)));
    match look {
        Some((until, left)) => {
            let state = TaskState::InDoubt { kind: doubt.kind, until };
            (state, Deed::Doubt { doubt, look: Some(left) })
        }
        None => (TaskState::Settling, Deed::Doubt { doubt, look: None }),
    }
}

fn polled(state: TaskState, outcome: PollOutcome, terms: &Terms) -> (TaskState, Deed) {
    match outcome {
        // A service that never finishes what it accepted: it is given up, at the time it was given.
        PollOutcome::Waiting { status, .. } if is_over(state, terms) => {
            (TaskState::Settling, Deed::GiveUp { status })
        }
        PollOutcome::Waiting { status, .. } if terms.shell == Shell::Look => {
            (state, Deed::LeaveAtWork { status })
        }
        PollOutcome::Waiting { poll_after: after, status } => (state, Deed::Ask { after, status }),
        // A delete whose object failed is sent again: at once by a run, by the next plan after recovery.
        PollOutcome::Continue { state, private } => match (terms.shell, terms.action, &state) {
            (Shell::Look | Shell::Resolve, Action::Delete, _)
            | (Shell::Look | Shell::Resolve, Action::Create, None) => {
                (TaskState::Settling, Deed::Reread)
            }
            _ => (TaskState::Provisioning, Deed::GoOn { state, private }),
        },
        // What was found again after a lost reply is made; what follows has not been sent.
        PollOutcome::Done { state: Some(state), private, .. } if terms.owes => {
            (TaskState::Provisioning, Deed::GoOn { state: Some(state), private })
        }
        PollOutcome::Done { state, private, window } => {
            (TaskState::Settling, Deed::Finish { state, private, window })
        }
        PollOutcome::Refused { state, private } => {
            (TaskState::Settling, Deed::Refuse { state, private })
        }
    }
}

fn looked(state: TaskState, seen: Seen, terms: &Terms) -> (TaskState, Deed) {
    let TaskState::InDoubt { kind, until } = state else { return (state, Deed::Stay) };
    match seen {
        Seen::Unclear => match left(until, terms) {
            Some(left) => (state, Deed::LookAgain { left }),
            None => (TaskState::Settling, Deed::LeaveOpen),
        },
        Seen::Doubled => (TaskState::Settling, Deed::LeaveOpen),
        // The same call would earn the same answer.
        Seen::Nothing if kind == DoubtKind::Failed => (TaskState::Settling, Deed::Failed),
        Seen::Nothing if terms.sends >= SENDS => (TaskState::Settling, Deed::LeaveOpen),
        Seen::Nothing => (TaskState::Provisioning, Deed::SendAgain),
        Seen::AtWork(accepted) => {
            (TaskState::accepted(terms.now, accepted.timeout), Deed::Keep(accepted))
        }
        Seen::There(there) if terms.action == Action::Create && terms.owes => {
            (TaskState::Provisioning, Deed::Adopt(there))
        }
        Seen::There(there) if terms.action == Action::Create => {
            (TaskState::Settling, Deed::Adopt(there))
        }
        Seen::There(there) => {
            let (state, private) = (Some(there.state), there.private);
            (TaskState::Settling, Deed::Finish { state, private, window: None })
        }
        Seen::Gone => {
            (TaskState::Settling, Deed::Finish { state: None, private: None, window: None })
        }
    }
}

fn is_over(state: TaskState, terms: &Terms) -> bool {
    matches!(state, TaskState::Accepted { until } if terms.now >= until)
}

/// Returns how long it is until then; `None` where that is past.
fn left(until: jiff::Timestamp, terms: &Terms) -> Option<Duration> {
    let left = until.duration_since(terms.now);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}
