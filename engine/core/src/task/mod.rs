//! The task machine: what an answer means for one action on one object. Pure and synchronous: no world, no
//! provider, no store. The shells feed facts in and carry deeds out: `apply` from the beginning, `recover`
//! from where a journal shows a task.

mod decide;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Times, Verdict, decide, horizon};
pub(crate) use step::step;

use std::time::Duration;

use jiff::Timestamp;
use terrarium_provider::{
    Accepted, Action, ApplyOutcome, Doubt, DoubtKind, PollOutcome, Private, Window,
};
use terrarium_state::IntentProgress;
use terrarium_value::Value;

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// Nothing is written down: no call may leave.
    Preparing,
    /// Its intent is with the store. Whoever reads it there must take it for sent.
    Recorded,
    /// Its call has left, and no answer has come.
    Sent,
    /// No trustworthy answer came: what came of it is looked for until then, and *nothing* counts then only.
    InDoubt { kind: DoubtKind, until: Timestamp },
    /// The service is at work on it, and may be until then.
    Accepted { until: Timestamp },
    /// One call is done, and the next waits for an intent of its own.
    Provisioning,
    /// Its outcome is known and is written down, or it is left open.
    Settling,
}

/// What happened to a task.
#[derive(Debug)]
pub(crate) enum Fact {
    /// Its next intent was handed to the store.
    Drafted,
    /// That intent is durable.
    Durable,
    /// The provider answered its call.
    Answered(ApplyOutcome),
    /// The provider told how accepted work stands.
    Polled(PollOutcome),
    /// It was looked what came of a call without an answer.
    Looked(Seen),
}

/// What a look shows.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Nothing yet: it is looked again, while there is time.
    Unclear,
    /// There are several of it: recovery removes doubles, with which the next command begins.
    Doubled,
    /// Nothing came of the call, and nothing will any more.
    Nothing,
    /// The service is at work on it.
    AtWork(Accepted),
    /// The object is there, changed where it was to be changed.
    There(Box<There>),
    /// The object is gone.
    Gone,
}

/// An object as it is found.
#[derive(Debug)]
pub(crate) struct There {
    pub(crate) state: Value,
    pub(crate) private: Private,
    /// What of it is missing, and no plan would see.
    pub(crate) lacks: Option<String>,
    /// Whether a plan would change nothing of it.
    pub(crate) as_planned: bool,
}

/// What is to be done about a task.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Nothing: the fact says nothing to a task that stands there.
    Stay,
    /// The intent becomes durable before anything else.
    Record,
    /// The call leaves.
    Send,
    /// That the service took it on is written down, before anybody asks how it stands.
    Keep(Accepted),
    /// It is asked again after this.
    Ask { after: Duration, status: String },
    /// A look ends here: the service is still at work.
    LeaveAtWork { status: String },
    /// The next call is sent, under an intent of its own.
    GoOn { state: Option<Value>, private: Private },
    /// The action came to its end.
    Finish { state: Option<Value>, private: Private, window: Option<Window> },
    /// The service said no, or failed at it; what exists all the same is kept.
    Refuse { state: Option<Value>, private: Private },
    /// It took longer than it may.
    GiveUp { status: String },
    /// The doubt is written down; then it is looked for as long as that, or left open at once.
    Doubt { doubt: Doubt, look: Option<Duration> },
    /// It is looked again, for so long at most.
    LookAgain { left: Duration },
    /// The same call is sent once more, under an intent of its own.
    SendAgain,
    /// The service failed at it, and nothing came of it.
    Failed,
    /// What was made without an answer is taken over.
    Adopt(Box<There>),
    /// The intent stays open, and the next command looks.
    LeaveOpen,
    /// The object is read: the plan that follows compares it and does the rest.
    Reread,
}

/// Who carries the deeds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    /// A run that sent the call itself: it has the plan, and what others wait for.
    Apply,
    /// A command that found the task open, and only looks: `plan`.
    Look,
    /// A command that found the task open, and may wait and act; a plan follows.
    Resolve,
}

/// What a step rests on beside the state and the fact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) shell: Shell,
    pub(crate) action: Action,
    /// Whether more calls must follow before the object is whole.
    pub(crate) owes: bool,
    /// How often the call was sent in this run.
    pub(crate) sends: u32,
    /// When its last intent was recorded; `None` where there is none.
    pub(crate) recorded_at: Option<Timestamp>,
    pub(crate) now: Timestamp,
}

impl TaskState {
    /// Accepted at an instant, with so long to go.
    pub(crate) fn accepted(since: Timestamp, timeout: Duration) -> Self {
        let timeout = jiff::SignedDuration::try_from(timeout).unwrap_or(jiff::SignedDuration::MAX);
        Self::Accepted { until: since.saturating_add(timeout).unwrap_or(Timestamp::MAX) }
    }
}

/// Where recovery finds a task. Never `Recorded`: what a journal shows as recorded may have been sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// The service took it on.
    Accepted(Accepted),
    /// It may have been sent, and nobody knows what came of it.
    InDoubt,
}

impl Found {
    /// Reads a journal's entry.
    pub(crate) fn of(progress: &IntentProgress) -> Self {
        match progress {
            IntentProgress::Accepted(accepted) => Self::Accepted((**accepted).clone()),
            IntentProgress::Recorded | IntentProgress::Doubtful(_) => Self::InDoubt,
        }
    }
}
