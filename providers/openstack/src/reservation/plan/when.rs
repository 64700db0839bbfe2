//! The dates of a planned lease.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::Window;
use terrarium_value::Value;

use super::unknown_text;
use crate::codes;
use crate::look::Look;
use crate::plan::Draft;
use crate::reservation::date::{self, Moment};
use crate::reservation::dates::{Dates, Declared, Given, Start};

/// Plans the dates of a lease that is to be made.
pub(super) fn anew(draft: &mut Draft<'_>, declared: &Declared, now: Timestamp) -> Option<Window> {
    if draft.prior.is_some() {
        // What identifies it is not what it was: the engine plans its successor next.
        draft.set("id", unknown_text());
        draft.force_new("id");
    }
    let dates = declared.anew(now);
    check_new(draft, declared, dates, now);
    draft.set(
        "start_date",
        match dates.start {
            Start::At(at) => Value::string(date::stored(at)),
            Start::Now | Start::Unknown => open_text(draft, "start_date"),
        },
    );
    draft.set(
        "end_date",
        match dates.end {
            Some(end) if dates.fixed_end => Value::string(date::stored(end)),
            _ => open_text(draft, "end_date"),
        },
    );
    let before = match declared.before_end {
        Given::At(Moment::At(at)) => Value::string(date::stored(at)),
        _ => open_text(draft, "before_end_date"),
    };
    draft.set("before_end_date", before);
    check_before_end(draft, declared, dates.start.at(now).zip(dates.end));
    Window::new(dates.start.at(now)?, Some(dates.end?))
}

/// Returns an unknown text, the engine's own where it has one.
fn open_text(draft: &Draft<'_>, name: &str) -> Value {
    draft.planned.get(name).filter(|own| !own.is_known()).cloned().unwrap_or_else(unknown_text)
}

fn check_new(draft: &mut Draft<'_>, declared: &Declared, dates: Dates, now: Timestamp) {
    let Some(end) = dates.end else { return };
    let name = if draft.config.has("end_date") { "end_date" } else { "duration" };
    if end <= now {
        draft.diagnostics.push(
            Diagnostic::error(codes::TIME, "The lease would end before it begins")
                .detail(format!(
                    "Its end, {}, has passed; it is {}.",
                    declared.shown(end),
                    declared.shown(now)
                ))
                .help("set a later end, or remove the lease from the configuration")
                .path(AttrPath::attr(name)),
        );
    } else if let Start::At(start) = dates.start
        && end <= start
    {
        draft.diagnostics.push(not_after(declared, (start, end), name));
    } else if let (true, Given::At(Moment::At(start))) = (dates.late, declared.start) {
        draft.diagnostics.push(
            Diagnostic::warning(codes::TIME, "The start of the lease has passed: it begins now")
                .detail(format!(
                    "It was to begin at {}; it is {}, and its end, {}, lies ahead.",
                    declared.shown(start),
                    declared.shown(now),
                    declared.shown(end)
                ))
                .path(AttrPath::attr("start_date")),
        );
    }
}

fn not_after(declared: &Declared, (start, end): (Timestamp, Timestamp), name: &str) -> Diagnostic {
    Diagnostic::error(codes::TIME, "The end of the lease does not lie after its start")
        .detail(format!(
            "It begins at {} and would end at {}.",
            declared.shown(start),
            declared.shown(end)
        ))
        .help("set a later end, or an earlier start")
        .path(AttrPath::attr(name))
}

/// Warns of dates that nothing gives a time zone: they are UTC, and somebody may have meant local time,
/// which is that of `local` where we know one.
pub(super) fn warn_zoneless(draft: &mut Draft<'_>, declared: &Declared, local: Option<&TimeZone>) {
    for (name, at) in &declared.zoneless {
        let place = local.and_then(TimeZone::iana_name).map(|name| format!(" in {name}"));
        let shown = date::shown(*at, local);
        let mine = local.and_then(TimeZone::iana_name).unwrap_or("America/New_York");
        draft.diagnostics.push(
            Diagnostic::warning(
                codes::TIME,
                format!("{name} has no time zone and was read as UTC"),
            )
            .detail(format!("That is {shown}{}.", place.unwrap_or_default()))
            .help(format!(
                "set time_zone = {mine:?}, or yours; or write the offset: \"2026-03-02T09:00-05:00\""
            ))
            .path(AttrPath::attr(name)),
        );
    }
}

/// Refuses a reminder outside of its lease.
fn check_before_end(
    draft: &mut Draft<'_>,
    declared: &Declared,
    window: Option<(Timestamp, Timestamp)>,
) {
    if let (Given::At(Moment::At(at)), Some((start, end))) = (declared.before_end, window)
        && !(start..=end).contains(&at)
    {
        draft.diagnostics.push(
            Diagnostic::error(codes::TIME, "before_end_date does not lie within the lease")
                .detail(format!(
                    "It is {}; the lease is from {} to {}.",
                    declared.shown(at),
                    declared.shown(start),
                    declared.shown(end)
                ))
                .help("leave it out for the site's own (48 h before the end), or set one within the lease")
                .path(AttrPath::attr("before_end_date")),
        );
    }
}

/// Plans the dates of a lease that exists and stays.
pub(super) fn keep(
    draft: &mut Draft<'_>,
    declared: &Declared,
    (start, end, begun): (Timestamp, Timestamp, bool),
    now: Timestamp,
) -> Option<Window> {
    let wanted_start = wanted_start(draft, declared, (start, begun), now);
    let wanted_end = declared.end_of(start);
    let moved = wanted_start != Start::At(start);
    match wanted_start {
        Start::At(_) if !moved => draft.keep("start_date"),
        Start::At(at) => draft.set("start_date", Value::string(date::stored(at))),
        Start::Now | Start::Unknown => draft.forget("start_date"),
    }
    let shifted = wanted_end != Some(end);
    match wanted_end {
        Some(_) if !shifted => draft.keep("end_date"),
        Some(at) => {
            check_end(draft, declared, (wanted_start.at(now).unwrap_or(start), at), now);
            draft.set("end_date", Value::string(date::stored(at)));
        }
        None => draft.forget("end_date"),
    }
    before_end(draft, declared, shifted || moved);
    check_before_end(draft, declared, wanted_start.at(now).zip(wanted_end));
    if moved || shifted {
        draft.forget("events");
    }
    Window::new(wanted_start.at(now)?, Some(wanted_end?))
}

/// Returns the start that an existing lease is to have; after it has begun, an earlier one is no change.
fn wanted_start(
    draft: &mut Draft<'_>,
    declared: &Declared,
    (start, begun): (Timestamp, bool),
    now: Timestamp,
) -> Start {
    match declared.start {
        Given::Unset | Given::At(Moment::Now) => Start::At(start),
        Given::Unknown if begun => Start::At(start),
        Given::Unknown => Start::Unknown,
        Given::At(Moment::At(at)) if at == start || (begun && at <= now) => Start::At(start),
        Given::At(Moment::At(at)) if begun => {
            draft.diagnostics.push(
                Diagnostic::error(codes::TIME, "The lease has begun: its start can't be changed")
                    .detail(format!(
                        "It began at {}; start_date is {} now.",
                        declared.shown(start),
                        declared.shown(at)
                    ))
                    .help("put start_date back as it was; for another lease, use -replace or another resource")
                    .path(AttrPath::attr("start_date")),
            );
            Start::At(start)
        }
        Given::At(Moment::At(at)) if at <= now => Start::Now,
        Given::At(Moment::At(at)) => Start::At(at),
    }
}

fn before_end(draft: &mut Draft<'_>, declared: &Declared, shifted: bool) {
    let prior = draft.prior.and_then(|prior| prior.text("before_end_date")).and_then(date::read);
    match declared.before_end {
        Given::At(Moment::At(at)) if prior == Some(at) => draft.keep("before_end_date"),
        Given::At(Moment::At(at)) => draft.set("before_end_date", Value::string(date::stored(at))),
        Given::Unset if !shifted => draft.keep("before_end_date"),
        _ => draft.forget("before_end_date"),
    }
}

fn check_end(
    draft: &mut Draft<'_>,
    declared: &Declared,
    (start, end): (Timestamp, Timestamp),
    now: Timestamp,
) {
    let name = if draft.config.has("end_date") { "end_date" } else { "duration" };
    if end <= now {
        draft.diagnostics.push(
            Diagnostic::error(codes::TIME, "A lease can't end in the past")
                .detail(format!(
                    "Its end would be {}; it is {}.",
                    declared.shown(end),
                    declared.shown(now)
                ))
                .help("set an end that lies ahead; to end it now, remove it from the configuration")
                .path(AttrPath::attr(name)),
        );
    } else if end <= start {
        draft.diagnostics.push(not_after(declared, (start, end), name));
    }
}

/// Leaves the dates of an ended lease as they are.
pub(super) fn rest(draft: &mut Draft<'_>) -> Option<Window> {
    for name in ["start_date", "end_date", "before_end_date"] {
        draft.keep(name);
    }
    let prior = draft.prior?;
    let start = prior.text("start_date").and_then(date::read)?;
    Window::new(start, prior.text("end_date").and_then(date::read))
}
