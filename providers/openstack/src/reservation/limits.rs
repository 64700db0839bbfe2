//! A testbed's rules about one planned lease: how long, when it may be extended, what it costs.

use jiff::Timestamp;
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{Claim, Cost, Schedule, Window};

use super::calendar::{Calendar, Pool};
use super::part::{Part, PartKind};
use super::plan::{Course, Sketch};
use super::rules::{self, Rules};
use super::{claims, filter, room};
use crate::client::Session;
use crate::codes;
use crate::look::Look;
use crate::verbs::Scope;

/// Minutes of an hour.
const HOUR_MIN: u64 = 60;

/// Checks a planned lease against the rules of its site, and notes what it costs.
pub(super) async fn check(
    scope: &Scope<'_>,
    sketch: &mut Sketch<'_>,
    (online, now): (bool, Timestamp),
) {
    let session = scope.session;
    let region = room::region_of(session, sketch);
    if let Some(rules) = rules::of(&region) {
        length(rules, sketch, now);
        let hosts = sketch.parts.iter().any(|part| part.kind == PartKind::Host);
        let calendar = if online && hosts && is_new(sketch) {
            Calendar::read(session, &region, Pool::Hosts).await.ok()
        } else {
            None
        };
        cost(rules, sketch, calendar.as_ref());
        empty_filters(rules, sketch);
    }
    account(session, sketch);
}

/// Returns whether a lease is to be made, or gets other dates.
pub(super) fn is_new(sketch: &Sketch<'_>) -> bool {
    match sketch.course {
        Course::Create => true,
        Course::Keep { start, end, .. } => Window::new(start, Some(end)) != sketch.window,
        Course::Rest | Course::Replace => false,
    }
}

fn end_name(sketch: &Sketch<'_>) -> AttrPath {
    AttrPath::attr(if sketch.draft.config.has("end_date") { "end_date" } else { "duration" })
}

/// Checks how long it is, and when it may be extended.
fn length(rules: &Rules, sketch: &mut Sketch<'_>, now: Timestamp) {
    let Some((start, end)) = sketch.window.and_then(|w| Some((w.from(), w.until()?))) else {
        return;
    };
    let from = match sketch.course {
        Course::Create => start,
        Course::Keep { end: old, begun: true, .. } if end > old => {
            let opens = rules.extension_opens(&sketch.parts, old);
            if opens > now {
                wait(sketch, (opens, old));
            }
            opens.max(now)
        }
        Course::Keep { start: old_start, end: old, begun: false }
            if (start, end) != (old_start, old) =>
        {
            start
        }
        _ => return,
    };
    let Some((latest, limit)) = rules.latest_end(&sketch.parts, from) else { return };
    if end <= latest {
        return;
    }
    let (shown_end, shown_latest) = (sketch.declared.shown(end), sketch.declared.shown(latest));
    let begun = from != start;
    let counted = if begun { "counted from the extension" } else { "counted from its start" };
    let path = end_name(sketch);
    sketch.draft.diagnostics.push(
        Diagnostic::error(codes::RULE, "The lease would be longer than the testbed allows")
            .detail(format!(
                "It would last until {shown_end}. The limit is {limit}, {counted}: until {shown_latest}."
            ))
            .help("shorten it, extend it near its end, or let a second lease follow")
            .path(path),
    );
}

/// Puts an extension off until it is possible.
fn wait(sketch: &mut Sketch<'_>, (opens, end): (Timestamp, Timestamp)) {
    sketch.schedule = Schedule { not_before: Some(opens), not_after: Some(end) };
    let (opens, end) = (sketch.declared.shown(opens), sketch.declared.shown(end));
    let path = end_name(sketch);
    sketch.draft.diagnostics.push(
        Diagnostic::warning(
            codes::RULE,
            "The extension waits: the testbed extends a lease only near its end",
        )
        .detail(format!(
            "It is possible from {opens} on, and must be made before {end}, when the lease ends."
        ))
        .help("`terrarium run` makes it when it is due")
        .path(path),
    );
}

/// Notes what the whole window costs, where the rate of everything in it is known.
fn cost(rules: &Rules, sketch: &mut Sketch<'_>, calendar: Option<&Calendar>) {
    let Some((start, end)) = sketch.window.and_then(|w| Some((w.from(), w.until()?))) else {
        return;
    };
    let mut hourly: u64 = 0;
    for part in &sketch.parts {
        let known = calendar.and_then(|calendar| dearest(calendar, part));
        let Some(rate) = known.or_else(|| rules.rate_milli(part)) else { return };
        let (_, most) = part.amount();
        hourly = hourly.saturating_add(rate.saturating_mul(u64::try_from(most).unwrap_or(1)));
    }
    let minutes = u64::try_from(end.duration_since(start).as_mins()).unwrap_or(0);
    let total = hourly.saturating_mul(minutes) / HOUR_MIN;
    sketch.notes.cost = Some(Cost { total_milli: total, hourly_milli: hourly, unit: "SU".into() });
}

/// Returns the highest rate among the hosts that a part may get, as their records say.
fn dearest(calendar: &Calendar, part: &Part) -> Option<u64> {
    if part.kind != PartKind::Host {
        return None;
    }
    let conditions = filter::parse(part.text("resource_properties")?).ok()?;
    let fitting =
        calendar.things.iter().filter(|thing| filter::meets(&thing.properties, &conditions));
    let rates = fitting.filter_map(|thing| milli(thing.property("su_factor")));
    rates.max()
}

/// Reads a decimal number as thousandths.
fn milli(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(digits.parse().ok()?)
}

/// Warns of filters that mean something else than everything.
fn empty_filters(rules: &Rules, sketch: &mut Sketch<'_>) {
    if sketch.course != Course::Create {
        return;
    }
    let empty = |part: &&Part| {
        matches!(part.kind, PartKind::Host | PartKind::Network)
            && part.get("resource_properties").is_some_and(|value| value.as_str() == Some(""))
    };
    let warnings: Vec<Diagnostic> = sketch
        .parts
        .iter()
        .filter(empty)
        .map(|part| {
            let instead = match part.kind {
                PartKind::Host => rules.default_filter.as_str(),
                _ => "[\"=\",\"$stitch_provider\",\"none\"]",
            };
            Diagnostic::warning(
                codes::RULE,
                format!("{} has no filter: the site puts one in", part.key()),
            )
            .detail(format!("Blazar takes an empty filter for {instead}, and not for everything."))
            .help("say what it must be: where { property = \"node_type\", value = \"gpu_v100\" }")
        })
        .collect();
    sketch.draft.diagnostics.0.extend(warnings);
}

/// Checks it against the end of the allocation, where clouds.yaml tells that, and claims the units that it
/// spends: whether they suffice is judged once the whole plan is known.
fn account(session: &Session, sketch: &mut Sketch<'_>) {
    let account = session.account();
    let end = sketch.window.and_then(|window| window.until());
    let changes = match sketch.course {
        Course::Create => true,
        Course::Keep { end: old, .. } => end.is_some_and(|end| end > old),
        Course::Rest | Course::Replace => false,
    };
    if !changes {
        return;
    }
    if let (Some(end), Some(last)) = (end, account.allocation_end)
        && end > last
    {
        let (end, last) = (sketch.declared.shown(end), sketch.declared.shown(last));
        let path = end_name(sketch);
        sketch.draft.diagnostics.push(
            Diagnostic::error(codes::RULE, "The lease would outlast the project's allocation")
                .detail(format!(
                    "It would end at {end}; the allocation ends at {last}, as clouds.yaml says."
                ))
                .help("end it earlier, or have the allocation extended and correct allocation_end")
                .path(path),
        );
    }
    if let Some(window) = sketch.window {
        let (by, amount) = (sketch.request.addr.clone(), added_milli(sketch));
        sketch.claims.push(Claim { by, resource: claims::units(session), amount, window });
    }
}

/// Returns what is spent in addition: all of a new lease, of an extension the time added.
fn added_milli(sketch: &Sketch<'_>) -> u64 {
    let Some(cost) = &sketch.notes.cost else { return 0 };
    let end = sketch.window.and_then(|window| window.until());
    match (sketch.course, end) {
        (Course::Keep { end: old, .. }, Some(end)) => {
            let minutes = u64::try_from(end.duration_since(old).as_mins()).unwrap_or(0);
            cost.hourly_milli.saturating_mul(minutes) / HOUR_MIN
        }
        _ => cost.total_milli,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rates_are_read_as_thousandths() {
        for (text, expected) in
            [("2.0", Some(2_000)), ("1", Some(1_000)), ("0.04", Some(40)), ("", None), ("x", None)]
        {
            assert_eq!(super::milli(text), expected, "{text}");
        }
    }
}
