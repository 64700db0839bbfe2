//! **A change may have a window of its own.** Blazar extends a lease only near its end: a provider answers with the
//! instant from which on it can, and the change waits for that.

use jiff::Timestamp;
use terrarium_provider::Schedule;

use crate::Waits;
use crate::fate::Wait;

/// Returns what a change waits for that is not possible yet.
pub(super) fn own_window(schedule: Schedule, now: Timestamp) -> Option<Wait> {
    schedule.not_before.filter(|at| *at > now).map(|at| Wait {
        at: Some(at),
        waits: Waits::Opening,
        reason: "the time from which it is possible".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::cases::day;
    use super::*;

    #[test]
    fn a_change_waits_for_its_window_and_not_when_it_is_open() {
        for (opens, waits) in
            [(None, None), (Some(9), None), (Some(10), None), (Some(11), Some(11))]
        {
            let schedule = Schedule { not_before: opens.map(day), not_after: Some(day(20)) };
            let found = own_window(schedule, day(10)).and_then(|wait| wait.at);
            assert_eq!(found, waits.map(day), "{opens:?}");
        }
    }
}
