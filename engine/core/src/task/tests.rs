//! The table of the machine: where a task stands, what happened, who carries it out, and what follows.

use std::time::Duration;

use jiff::Timestamp;
use terrarium_provider::{Accepted, Action, ApplyOutcome, Doubt, DoubtKind, PollOutcome};
use terrarium_state::IntentProgress;
use terrarium_value::Value;

use super::TaskState::{InDoubt, Preparing, Provisioning, Recorded, Sent, Settling};
use super::{Deed, Fact, Found, Seen, Shell, TaskState, Terms, There, step};

const RUN: Shell = Shell::Apply;
const RECOVERY: Shell = Shell::Resolve;
const LOOK: Shell = Shell::Look;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A create of a run, recorded at 0, looked at at 10.
fn terms() -> Terms {
    Terms {
        shell: RUN,
        action: Action::Create,
        owes: false,
        sends: 1,
        recorded_at: Some(at(0)),
        now: at(10),
    }
}

fn by(shell: Shell, action: Action) -> Terms {
    Terms { shell, action, ..terms() }
}

fn work() -> Accepted {
    Accepted {
        id: "x".into(),
        state: None,
        private: None,
        poll_after: Duration::from_secs(1),
        timeout: Duration::from_secs(100),
    }
}

fn lost(kind: DoubtKind) -> ApplyOutcome {
    let (attempted, symptom) = ("POST /servers".into(), "no answer".into());
    ApplyOutcome::Unknown(Doubt { attempted, symptom, kind })
}

fn thing() -> Value {
    Value::bool(true)
}

fn there() -> Seen {
    let state = Value::bool(true);
    Seen::There(Box::new(There { state, private: None, lacks: None, as_planned: true }))
}

fn waiting() -> Fact {
    let (poll_after, status) = (Duration::from_secs(3), "BUILD".to_owned());
    Fact::Polled(PollOutcome::Waiting { poll_after, status })
}

fn goes_on(state: Option<Value>) -> Fact {
    Fact::Polled(PollOutcome::Continue { state, private: None })
}

fn poll_done(state: Option<Value>) -> Fact {
    Fact::Polled(PollOutcome::Done { state, private: None, window: None })
}

fn poll_refused() -> Fact {
    Fact::Polled(PollOutcome::Refused { state: Some(thing()), private: None })
}

fn done(state: Option<Value>) -> Fact {
    Fact::Answered(ApplyOutcome::Done { state, private: None, window: None })
}

fn refused() -> Fact {
    Fact::Answered(ApplyOutcome::Refused { state: None, private: None })
}

/// The deed's name: what it carries is the fact's.
fn name(deed: &Deed) -> String {
    format!("{deed:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
}

fn check(cases: Vec<(TaskState, Fact, Terms, TaskState, &str)>) {
    for (from, fact, terms, to, deed) in cases {
        let case = format!("{from:?} {fact:?} {terms:?}");
        let (state, done) = step(from, fact, &terms);
        assert_eq!((state, name(&done).as_str()), (to, deed), "{case}");
    }
}

#[test]
fn no_call_leaves_before_its_intent_is_durable() {
    check(vec![
        (Preparing, Fact::Drafted, terms(), Recorded, "Record"),
        (Preparing, Fact::Durable, terms(), Preparing, "Stay"),
        (Recorded, Fact::Durable, terms(), Sent, "Send"),
        // A later call has an intent of its own, and nothing is sent twice under one.
        (Provisioning, Fact::Drafted, terms(), Recorded, "Record"),
        (Provisioning, Fact::Durable, terms(), Provisioning, "Stay"),
        (Sent, Fact::Durable, terms(), Sent, "Stay"),
        (Settling, Fact::Drafted, terms(), Settling, "Stay"),
        (Settling, Fact::Durable, terms(), Settling, "Stay"),
    ]);
}

#[test]
fn an_answer_ends_a_call_or_says_that_more_is_to_come() {
    let accepted = TaskState::Accepted { until: at(110) };
    let (create, update) = (by(RECOVERY, Action::Create), by(RECOVERY, Action::Update));
    let answered = |work| Fact::Answered(ApplyOutcome::Accepted(work));
    check(vec![
        (Sent, done(Some(thing())), terms(), Settling, "Finish"),
        (Sent, refused(), terms(), Settling, "Refuse"),
        (Sent, answered(work()), terms(), accepted, "Keep"),
        // Recovery sent the rest of it: only of a create it knows all that there is.
        (Sent, done(Some(thing())), create, Settling, "Finish"),
        (Sent, done(Some(thing())), update, Settling, "Reread"),
        (Sent, refused(), update, Settling, "Reread"),
        (Sent, answered(work()), update, accepted, "Keep"),
        // An answer to nothing that was sent.
        (Recorded, done(Some(thing())), terms(), Recorded, "Stay"),
        (Settling, done(Some(thing())), terms(), Settling, "Stay"),
    ]);
}

#[test]
fn a_lost_reply_is_in_doubt_until_no_request_can_be_on_its_way() {
    let doubt = |kind| InDoubt { kind, until: at(70) };
    let late = Terms { now: at(2_000), ..terms() };
    let unrecorded = Terms { recorded_at: None, ..terms() };
    let answer = |kind| Fact::Answered(lost(kind));
    check(vec![
        (Sent, answer(DoubtKind::Lost), terms(), doubt(DoubtKind::Lost), "Doubt"),
        (Sent, answer(DoubtKind::Failed), terms(), doubt(DoubtKind::Failed), "Doubt"),
        // What never left, or has no intent, or left so long ago, needs no look.
        (Sent, answer(DoubtKind::NotSent), terms(), Settling, "Doubt"),
        (Sent, answer(DoubtKind::Lost), unrecorded, Settling, "Doubt"),
        (Sent, answer(DoubtKind::Lost), late, Settling, "Doubt"),
        (Sent, answer(DoubtKind::Lost), by(RECOVERY, Action::Create), Settling, "Doubt"),
    ]);
}

#[test]
fn what_a_look_shows_decides_about_a_doubt() {
    let lost = InDoubt { kind: DoubtKind::Lost, until: at(70) };
    let failed = InDoubt { kind: DoubtKind::Failed, until: at(70) };
    let over = Terms { now: at(70), ..terms() };
    let twice = Terms { sends: 2, ..terms() };
    let owes = Terms { owes: true, ..terms() };
    let accepted = TaskState::Accepted { until: at(110) };
    let (update, delete) = (by(RUN, Action::Update), by(RUN, Action::Delete));
    let look = Fact::Looked;
    check(vec![
        (lost, look(Seen::Unclear), terms(), lost, "LookAgain"),
        (lost, look(Seen::Unclear), over, Settling, "LeaveOpen"),
        (lost, look(Seen::Doubled), terms(), Settling, "LeaveOpen"),
        (lost, look(Seen::Nothing), terms(), Provisioning, "SendAgain"),
        (lost, look(Seen::Nothing), twice, Settling, "LeaveOpen"),
        (failed, look(Seen::Nothing), terms(), Settling, "Failed"),
        (lost, look(Seen::AtWork(work())), terms(), accepted, "Keep"),
        (lost, look(there()), terms(), Settling, "Adopt"),
        (lost, look(there()), owes, Provisioning, "Adopt"),
        (lost, look(there()), update, Settling, "Finish"),
        (lost, look(Seen::Gone), delete, Settling, "Finish"),
        (Sent, look(Seen::Nothing), terms(), Sent, "Stay"),
    ]);
}

#[test]
fn accepted_work_ends_is_gone_on_with_or_is_given_up() {
    let work = TaskState::Accepted { until: at(70) };
    let over = |shell| Terms { shell, now: at(70), ..terms() };
    let owes = |shell| Terms { shell, owes: true, ..terms() };
    check(vec![
        (work, waiting(), terms(), work, "Ask"),
        (work, waiting(), by(RECOVERY, Action::Delete), work, "Ask"),
        (work, waiting(), by(LOOK, Action::Delete), work, "LeaveAtWork"),
        // A service that never finishes what it accepted.
        (work, waiting(), over(RUN), Settling, "GiveUp"),
        (work, waiting(), over(RECOVERY), Settling, "GiveUp"),
        (work, waiting(), over(LOOK), Settling, "GiveUp"),
        (work, poll_done(Some(thing())), terms(), Settling, "Finish"),
        (work, poll_done(Some(thing())), owes(RUN), Provisioning, "GoOn"),
        (work, poll_done(Some(thing())), owes(RECOVERY), Provisioning, "GoOn"),
        (work, poll_done(None), by(RUN, Action::Delete), Settling, "Finish"),
        (work, poll_refused(), by(RUN, Action::Delete), Settling, "Refuse"),
        (Settling, poll_done(None), terms(), Settling, "Stay"),
    ]);
}

/// A deletion that fails inside its service: a run sends it again, recovery leaves that to the plan.
#[test]
fn a_failed_deletion_is_sent_again() {
    let work = TaskState::Accepted { until: at(70) };
    check(vec![
        (work, goes_on(Some(thing())), by(RUN, Action::Delete), Provisioning, "GoOn"),
        (work, goes_on(Some(thing())), by(RECOVERY, Action::Delete), Settling, "Reread"),
        (work, goes_on(None), by(RECOVERY, Action::Update), Provisioning, "GoOn"),
        (work, goes_on(Some(thing())), by(RECOVERY, Action::Create), Provisioning, "GoOn"),
        (work, goes_on(None), by(RECOVERY, Action::Create), Settling, "Reread"),
    ]);
}

#[test]
fn recovery_takes_what_is_recorded_for_sent() {
    assert_eq!(Found::of(&IntentProgress::Recorded), Found::InDoubt);
    assert_eq!(Found::of(&IntentProgress::Doubtful("no answer".into())), Found::InDoubt);
    let accepted = IntentProgress::Accepted(Box::new(work()));
    assert_eq!(Found::of(&accepted), Found::Accepted(work()));
}
