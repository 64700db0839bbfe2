//! What is done with a lease, from how it is and what the configuration says now.

use jiff::Timestamp;
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::PlanRequest;
use terrarium_value::Value;

use super::{Course, in_place};
use crate::codes;
use crate::look::Look;
use crate::plan::Draft;
use crate::reservation::date::{self, Moment};
use crate::reservation::dates::{Declared, Given};
use crate::reservation::term::{Condition, condition};

/// Decides what is done with a lease, from how it is.
pub(super) fn course(
    draft: &mut Draft<'_>,
    request: &PlanRequest,
    declared: &Declared,
    now: Timestamp,
) -> Course {
    let Some(prior) = draft.prior else { return Course::Create };
    let dates = prior
        .text("start_date")
        .and_then(date::read)
        .zip(prior.text("end_date").and_then(date::read));
    // An import is read before it is planned; without dates there is nothing to compare.
    let Some((start, end)) = dates else { return Course::Create };
    let status = prior.text("status").unwrap_or_default();
    let condition = match request.ended {
        Some(_) => Condition::Ended,
        None => condition(status, start, end, now),
    };
    match condition {
        Condition::Ended => ended(draft, declared, (start, end), now),
        Condition::Failed if now < end && in_place::mends(prior).is_some() => {
            let begun = in_place::mends(prior) == Some(true);
            draft.diagnostics.push(mended(prior, begun));
            draft.forget("status");
            Course::Keep { start, end, begun }
        }
        Condition::EndedEarly | Condition::Failed if now < end => {
            draft.diagnostics.push(broken(prior, declared, (condition, end)));
            Course::Replace
        }
        Condition::EndedEarly | Condition::Failed => Course::Rest,
        Condition::Open => Course::Keep { start, end, begun: true },
        Condition::Upcoming => Course::Keep { start, end, begun: start <= now },
    }
}

/// Says that a lease comes back: what it lends was never taken from it.
fn mended(prior: &Value, begun: bool) -> Diagnostic {
    let id = prior.text("id").unwrap_or_default();
    let rest = if begun {
        "What it lends is still lent, and what runs on it runs on."
    } else {
        "It holds what it held."
    };
    Diagnostic::warning(codes::FAILED, "The lease is in state ERROR, and an update brings it back")
        .detail(format!(
            "A change of lease {id} was refused, which Blazar calls a failed lease. {rest}"
        ))
        .path(AttrPath::attr("status"))
}

fn broken(
    prior: &Value,
    declared: &Declared,
    (condition, end): (Condition, Timestamp),
) -> Diagnostic {
    let (id, end) = (prior.text("id").unwrap_or_default(), declared.shown(end));
    let (summary, why) = match condition {
        Condition::Failed => {
            ("The lease has failed", "its status is ERROR: Blazar could not start or change it")
        }
        _ => ("The lease was ended before its time", "its status is TERMINATED: somebody ended it"),
    };
    let on_it = match condition {
        Condition::Failed => " What still runs on it is destroyed with it.",
        _ => "",
    };
    Diagnostic::warning(codes::FAILED, summary)
        .detail(format!(
            "Lease {id} was to last until {end}, but {why}. Another one takes its place.{on_it}"
        ))
        .path(AttrPath::attr("status"))
}

/// Decides about a lease that ended when it was to end.
fn ended(
    draft: &mut Draft<'_>,
    declared: &Declared,
    (start, end): (Timestamp, Timestamp),
    now: Timestamp,
) -> Course {
    let ahead = matches!(declared.start, Given::At(Moment::At(at)) if at > now && at != start);
    let open = declared.start == Given::Unknown || declared.end_of(start).is_none();
    // Another end that has passed as well brings nothing back: somebody had it end at another time.
    let another = declared.end_of(start).is_some_and(|declared| declared != end && declared > now);
    if open || ahead || another {
        return Course::Replace;
    }
    let since = declared.shown(end);
    match draft.config.text("on_terminated").unwrap_or("keep") {
        "recreate" => Course::Replace,
        "error" => {
            draft.diagnostics.push(
                Diagnostic::error(codes::TIME, "The lease has ended")
                    .detail(format!("It ended at {since}, and on_terminated is \"error\"."))
                    .help("set a new end, or remove it from the configuration")
                    .path(AttrPath::attr("on_terminated")),
            );
            Course::Rest
        }
        _ => Course::Rest,
    }
}
