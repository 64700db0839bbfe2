//! The fate of a planned action, from where its instance sits.

use jiff::Timestamp;
use terrarium_provider::Schedule;
use terrarium_state::Ended;

use super::modes::Modes;
use super::own_window::own_window;
use super::seat::Seat;
use crate::PlannedAction;
use crate::fate::{Fate, Wait};

/// Whether there is an object, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// There is none.
    Not,
    /// There is one.
    Stands,
    /// There is one, and it has no more to do with what it sat on: an address whose port went with its server.
    LetGo,
    /// It ended.
    Ended(Ended),
}

/// Decides what becomes of an instance that needs something that is over, before its provider is asked: there is
/// nothing to ask. `None`: nothing that it needs is over.
///
/// The same in every kind of plan: time goes on in all of them.
pub(crate) fn rests(seat: &Seat, there: There) -> Option<Fate> {
    let over = seat.over.as_ref()?;
    Some(match there {
        There::Ended(ended) => Fate::Ended(ended),
        There::LetGo => Fate::Ended(over.clone()),
        There::Stands => Fate::Lingers(over.clone()),
        There::Not => Fate::Never(over.clone()),
    })
}

/// Decides when a planned action is done.
///
/// | | acts | waits | lender goes first | |
/// |---|---|---|---|---|
/// | nothing to do | no | | | now |
/// | | yes | no | | now |
/// | `-no-defer` | yes | yes | | now, with an error of its caller's |
/// | | yes | yes | no | later |
/// | there is an object | yes | yes | yes | goes down |
pub(crate) fn comes(
    seat: &Seat,
    (action, schedule): (PlannedAction, Schedule),
    (stands, gap): (bool, bool),
    (modes, now): (Modes, Timestamp),
) -> (Fate, Option<Wait>) {
    if matches!(action, PlannedAction::NoOp | PlannedAction::Forget) {
        return (Fate::Now, None);
    }
    match Wait::later(seat.wait.clone(), own_window(schedule, now)) {
        None => (Fate::Now, None),
        Some(wait) if !modes.defers => (Fate::Now, Some(wait)),
        Some(wait) if stands && gap && seat.moves.is_some() => (Fate::GoesDown(wait), None),
        Some(wait) => (Fate::Later(wait), None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{addr, day};
    use super::*;
    use crate::{ReplaceOrder, Waits};

    #[test]
    fn what_needs_something_that_is_over_rests_as_it_is() {
        let ended = Ended { at: day(3), with: Some(addr("a.lease")) };
        let early = Ended { at: day(2), with: None };
        let seat = Seat { over: Some(ended.clone()), ..Seat::default() };
        for (there, expected) in [
            (There::Not, Fate::Never(ended.clone())),
            (There::Stands, Fate::Lingers(ended.clone())),
            (There::LetGo, Fate::Ended(ended.clone())),
            (There::Ended(early.clone()), Fate::Ended(early.clone())),
        ] {
            assert_eq!(rests(&seat, there.clone()), Some(expected));
            assert_eq!(rests(&Seat::default(), there), None);
        }
    }

    #[test]
    fn an_action_comes_now_later_or_in_two_halves() {
        let waits = Waits::Dependency(addr("a.b"));
        let wait = Wait { at: Some(day(12)), waits, reason: "a.b".to_owned() };
        let own = Wait {
            at: Some(day(15)),
            waits: Waits::Opening,
            reason: "the time from which it is possible".to_owned(),
        };
        let free = Seat::default();
        let waiting = Seat { wait: Some(wait.clone()), ..Seat::default() };
        let moving = Seat { moves: Some(addr("a.lease")), ..waiting.clone() };
        let open = Schedule::default();
        let opens = Schedule { not_before: Some(day(15)), not_after: None };
        let modes = Modes { defers: true, eager: false, makes: true, asked: true };
        let replace = PlannedAction::Replace(ReplaceOrder::DeleteFirst);
        let (create, update) = (PlannedAction::Create, PlannedAction::Update);
        let rows = [
            (&waiting, PlannedAction::NoOp, open, (true, false), modes, Fate::Now),
            (&free, create, open, (false, false), modes, Fate::Now),
            (&waiting, create, open, (false, false), modes, Fate::Later(wait.clone())),
            (&waiting, update, opens, (true, false), modes, Fate::Later(own)),
            (&moving, replace, open, (true, false), modes, Fate::Later(wait.clone())),
            (&moving, replace, open, (true, true), modes, Fate::GoesDown(wait.clone())),
            (&moving, create, open, (false, true), modes, Fate::Later(wait.clone())),
            (&waiting, create, open, (false, false), Modes { defers: false, ..modes }, Fate::Now),
        ];
        for (seat, action, schedule, there, modes, expected) in rows {
            let (fate, refused) = comes(seat, (action, schedule), there, (modes, day(10)));
            assert_eq!(fate, expected, "{action:?} {there:?}");
            assert_eq!(refused.is_some(), !modes.defers);
        }
    }
}
