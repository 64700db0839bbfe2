//! What lasts for good. A lease to the year 2100 has an end by its service's rules alone: drawn to scale, everything else
//! would stand in one column. What only lasts is named in a line, and what still happens to it is drawn as endless.

use jiff::{SignedDuration, Timestamp};
use terrarium_core::{Group, PlannedAction, Row, Stage, Timeline};
use terrarium_provider::Window;

use super::words::Names;
use crate::render::instant::Times;

/// An end later than this is none: no course, project or allocation is planned so far ahead.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 365 * 5);

/// Most names in the line.
const NAMED: usize = 3;

/// A timeline as it is drawn, and what is not.
pub(super) struct Drawn {
    /// What is drawn.
    pub(super) timeline: Timeline,
    /// What only lasts, in a line.
    pub(super) lasting: Option<String>,
}

impl Drawn {
    /// Takes out what only lasts.
    pub(super) fn of(timeline: &Timeline, times: &Times) -> Self {
        let horizon = timeline.now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
        let ends = |row: &Row| row.window.and_then(|window| window.until());
        let lasts = |row: &Row| ends(row).is_some_and(|until| until > horizon);
        if !timeline.rows().any(lasts) {
            return Self { timeline: timeline.clone(), lasting: None };
        }
        let names = Names::new(timeline);
        let mut lasting = Vec::new();
        let mut groups = Vec::new();
        for group in &timeline.groups {
            let head = group.head.as_ref().filter(|head| lasts(head));
            let still = |row: &Row| only_lasts(row, timeline.now);
            match head {
                Some(head) if still(head) && group.rows.iter().all(still) => {
                    let until = ends(head).map(|until| times.date(until)).unwrap_or_default();
                    lasting.push(format!("{} (until {until})", names.short(head)));
                }
                _ => groups.push(endless(group, horizon)),
            }
        }
        let line = told(&lasting);
        Self { timeline: Timeline { groups, ..timeline.clone() }, lasting: line }
    }
}

/// Returns whether nothing happens to a row in the time to come but that it is there, or made now.
fn only_lasts(row: &Row, now: Timestamp) -> bool {
    let quiet = match row.stage {
        Stage::Stands => true,
        Stage::Now(action) => !matches!(action, PlannedAction::Replace(_)),
        Stage::Upcoming | Stage::Later { .. } | Stage::Ended(_) | Stage::Closed(_) => false,
    };
    let begun = row.window.is_none_or(|window| window.from() <= now);
    quiet && begun && row.marks.is_empty() && row.was.is_none() && row.then.is_none()
}

/// Leaves out of a group the ends that are none.
fn endless(group: &Group, horizon: Timestamp) -> Group {
    let open = |window: &mut Option<Window>| {
        if let Some(known) =
            window.filter(|known| known.until().is_some_and(|until| until > horizon))
        {
            *window = Window::new(known.from(), None);
        }
    };
    let mut group = group.clone();
    for row in group.head.iter_mut().chain(&mut group.rows) {
        open(&mut row.window);
        open(&mut row.was);
        open(&mut row.then);
    }
    group
}

fn told(lasting: &[String]) -> Option<String> {
    let (first, more) = lasting.split_at(lasting.len().min(NAMED));
    if first.is_empty() {
        return None;
    }
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    Some(format!("Without an end in sight: {}{more}", first.join(", ")))
}
