//! What a case says of time: windows, terms, schedules, notes.

use serde_json::{Value as Json, json};
use terrarium_provider::{PlannedChange, Standing, Term, Window};

use crate::convert::assert_has;

/// Fails unless a planned change says of time what the case expects.
pub(crate) fn check_plan(case: &Json, change: &PlannedChange) {
    if let Some(expected) = case.get("window") {
        assert_eq!(window_json(change.window), *expected, "the planned window");
    }
    if let Some(expected) = case.get("schedule") {
        let text = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
        let schedule = &change.schedule;
        let there =
            json!({"not_before": text(schedule.not_before), "not_after": text(schedule.not_after)});
        assert_has(&there, expected, "schedule");
    }
    if let Some(expected) = case.get("notes") {
        let notes = &change.notes;
        let cost = notes
            .cost
            .as_ref()
            .map(|cost| json!([cost.total_milli, cost.hourly_milli, &*cost.unit]));
        let there = json!({
            "zone": notes.zone.as_deref(), "gap": notes.gap, "perishes": notes.perishes, "cost": cost,
        });
        assert_has(&there, expected, "notes");
    }
}

/// Returns a window as `[from, until]`.
pub(crate) fn window_json(window: Option<Window>) -> Json {
    window.map_or(Json::Null, |window| {
        json!([window.from().to_string(), window.until().map(|at| at.to_string())])
    })
}

/// Returns a term as `[from, until, standing, zone]`.
pub(crate) fn term_json(term: Option<Term>) -> Json {
    let Some(term) = term else { return Json::Null };
    let standing = match term.standing {
        Standing::Open => "open".to_owned(),
        Standing::Upcoming => "upcoming".to_owned(),
        Standing::Ended(at) => format!("ended {at}"),
    };
    let until = term.window.until().map(|at| at.to_string());
    json!([term.window.from().to_string(), until, standing, term.zone.as_deref()])
}
