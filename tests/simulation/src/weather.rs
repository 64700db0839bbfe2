//! What goes wrong in a run, and how often.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use terrarium_drive::Signal;

use crate::Dice;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection is made.
    NotSent,
    /// The connection breaks before the service saw the request; nobody knows.
    LostBefore,
    /// The connection breaks after the service did its work.
    LostAfter,
    /// The connection breaks at once, and the request arrives later all the same.
    Late,
    /// The service does nothing and answers this status.
    Answers(u16),
    /// The service does its work and answers this status.
    AnswersAfter(u16),
    /// The service has no time, and says how many seconds to wait.
    Busy(u16),
    /// Blazar finds too few hosts for a lease, which it tells with a 500.
    NotEnough,
}

const TROUBLES: &[Trouble] = &[
    Trouble::NotSent,
    Trouble::LostBefore,
    Trouble::LostAfter,
    Trouble::LostAfter,
    Trouble::Late,
    Trouble::Answers(500),
    Trouble::Answers(503),
    Trouble::Answers(401),
    Trouble::AnswersAfter(500),
    Trouble::AnswersAfter(502),
    Trouble::AnswersAfter(504),
    Trouble::Busy(1),
    Trouble::Busy(45),
    Trouble::Busy(100),
];

/// How a cloud is away.
const AWAY: &[Trouble] =
    &[Trouble::NotSent, Trouble::LostBefore, Trouble::Answers(503), Trouble::Busy(100)];

/// Returns which signal arrives before a step.
fn signal(step: u64) -> Signal {
    match step % 3 {
        0 => Signal::Interrupt,
        1 => Signal::Terminate,
        _ => Signal::HangUp,
    }
}

/// The longest storm, in minutes.
const DAY_AND_A_HALF: u64 = 36 * 60;

/// Quotas that run out in the middle of a small project.
const TIGHT: &[(&str, i64)] =
    &[("instances", 1), ("port", 2), ("volumes", 0), ("floatingip", 0), ("network", 0)];

/// What goes wrong in a run; where a number says how rare, 0 is never.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// How rare trouble is among requests.
    pub requests_one_in: u64,
    /// What the trouble of requests is drawn from.
    pub troubles: Vec<Trouble>,
    /// How rare trouble is among commits.
    pub commits_one_in: u64,
    /// The engine is killed before this step.
    pub crash: Option<u64>,
    /// Signals arrive before these steps.
    pub signals: Vec<(u64, Signal)>,
    /// How long it lasts, until all is calm; `None`: longer than the process.
    pub lasts: Option<SignedDuration>,
    /// How long a token lives; `None` leaves it.
    pub token_lifetime_s: Option<u32>,
    /// Quotas while it lasts.
    pub quotas: BTreeMap<String, i64>,
    /// Whether builds of servers end in ERROR.
    pub failing_builds: bool,
    /// How far the engine's clock is ahead of the world's, in seconds.
    pub clock_ahead_s: i64,
    /// How many deletions of servers fail inside Nova; a volume that fails so is nobody's to free.
    pub failing_deletions: u32,
    /// How rarely a lease is refused; 1 is always.
    pub leases_refused_one_in: u64,
    /// How long a lease takes to begin and to end.
    pub lease_transition_s: u32,
    /// Whether the projects' service units are spent.
    pub broke: bool,
}

impl Weather {
    /// Returns weather in which nothing goes wrong.
    pub fn calm() -> Self {
        Self::default()
    }

    /// Draws the weather of one run, of which no more than `steps` matter.
    pub fn drawn(dice: &mut Dice, steps: u64) -> Self {
        let mut weather = Self::default();
        if dice.one_in(2) {
            weather.requests_one_in = 4 + dice.below(30);
            let kinds = 1 + dice.below(4);
            weather.troubles = (0..kinds).filter_map(|_| dice.pick(TROUBLES)).collect();
        }
        if dice.one_in(3) {
            weather.commits_one_in = 3 + dice.below(20);
        }
        if !dice.one_in(4) {
            weather.crash = Some(dice.below(steps));
        }
        if dice.one_in(6) {
            let first = dice.below(steps);
            weather.signals.push((first, signal(first)));
            if dice.one_in(2) {
                let second = first + dice.below(20);
                weather.signals.push((second, signal(second)));
            }
        }
        if dice.one_in(5) {
            weather.token_lifetime_s = Some(40 + u32::try_from(dice.below(60)).unwrap_or_default());
        }
        if dice.one_in(6)
            && let Some((name, limit)) = dice.pick(TIGHT)
        {
            weather.quotas.insert(name.to_owned(), limit);
        }
        weather.failing_builds = dice.one_in(8);
        if dice.one_in(3) {
            weather.clock_ahead_s = dice.pick(&[-300, -90, 90, 300]).unwrap_or_default();
        }
        if dice.one_in(8) {
            weather.failing_deletions = 1 + u32::try_from(dice.below(4)).unwrap_or_default();
        }
        weather
    }

    /// Draws the weather of one run where there are leases.
    pub fn drawn_for_leases(dice: &mut Dice, steps: u64) -> Self {
        let mut weather = Self::drawn(dice, steps);
        // Windows are told by the engine's clock: a skewed one plans another semester.
        weather.clock_ahead_s = 0;
        if dice.one_in(4) {
            weather.leases_refused_one_in = 1 + dice.below(3);
        }
        if dice.one_in(3) {
            weather.lease_transition_s = 10 + u32::try_from(dice.below(200)).unwrap_or_default();
        }
        weather.broke = dice.one_in(10);
        weather
    }

    /// Draws the weather of a run that stays for days: storms pass, and at times the cloud is away for a day.
    pub fn drawn_for_days(dice: &mut Dice, steps: u64) -> Self {
        let mut weather = Self::drawn_for_leases(dice, steps);
        weather.lasts = Some(SignedDuration::from_mins(
            i64::try_from(10 + dice.below(DAY_AND_A_HALF)).unwrap_or_default(),
        ));
        // What is broken three times is left alone, and would be until somebody approves it anew.
        weather.failing_builds = false;
        if dice.one_in(2)
            && let Some(trouble) = dice.pick(AWAY)
        {
            weather.requests_one_in = 1;
            weather.troubles = vec![trouble];
            weather.crash = None;
        }
        weather
    }

    /// Returns weather in which no lease can be had.
    pub fn without_leases() -> Self {
        Self { leases_refused_one_in: 1, ..Self::default() }
    }
}
