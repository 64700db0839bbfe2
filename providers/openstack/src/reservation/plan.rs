//! Planning leases: dates, what a change of them means, and what the calendar says.

use jiff::Timestamp;
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{PlanNotes, PlanOutcome, PlanReply, PlanRequest, Schedule, Window};
use terrarium_value::{Causes, Type, Value};

use super::date::{self, Moment};
use super::dates::{Dates, Declared, Given, Start, declared};
use super::part::{self, Part, PartKind};
use super::term::{Condition, condition};
use super::{advice, errors, filter, limits, looks, room};
use crate::codes;
use crate::look::{Look, is_zero};
use crate::plan::{Draft, Planning, merged, reply};
use crate::verbs::Scope;

/// A lease's plan in the making.
pub(super) struct Sketch<'a> {
    /// The values so far.
    pub(super) draft: Draft<'a>,
    /// What was asked.
    pub(super) request: &'a PlanRequest,
    /// What the configuration says of time.
    pub(super) declared: Declared,
    /// What it exists of.
    pub(super) parts: Vec<Part>,
    /// What it existed of.
    pub(super) before: Vec<Part>,
    /// The lease that stands at this address, which another would replace.
    pub(super) stands: Option<String>,
    /// What is done.
    pub(super) course: Course,
    /// The planned window.
    pub(super) window: Option<Window>,
    /// When it may be done.
    pub(super) schedule: Schedule,
    /// What readers are told.
    pub(super) notes: PlanNotes,
}

/// What is done with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// It is made.
    Create,
    /// It is changed in place, or stays; the dates are those before.
    Keep {
        /// The start before.
        start: Timestamp,
        /// The end before.
        end: Timestamp,
        /// Whether it has begun.
        begun: bool,
    },
    /// It ended, and stays ended.
    Rest,
    /// Another takes its place.
    Replace,
}

/// Plans leases of one type together: they compete for the same things.
pub(super) async fn plan_many(
    only: Option<PartKind>,
    scope: &Scope<'_>,
    planning: Planning,
    requests: &[PlanRequest],
) -> Vec<PlanReply> {
    let now = date::minute(scope.session.clock().now());
    let mut sketches: Vec<Sketch<'_>> = requests
        .iter()
        .map(|request| sketch(only, merged(scope.row, planning.major, request), request, now))
        .collect();
    for sketch in &mut sketches {
        let id = sketch.draft.prior.and_then(|prior| prior.text("id"));
        sketch.stands = scope.ledger.open(&sketch.request.addr, id);
    }
    if planning.online {
        credential(scope, &mut sketches).await;
        room::check(only, scope, &mut sketches, now).await;
    }
    for sketch in &mut sketches {
        limits::check(scope, sketch, (planning.online, now)).await;
        if planning.online {
            advice::add(scope, sketch, now).await;
        }
    }
    sketches.into_iter().map(|sketch| finish(only, sketch)).collect()
}

/// Refuses what a restricted application credential can't do.
async fn credential(scope: &Scope<'_>, sketches: &mut [Sketch<'_>]) {
    let new = sketches.iter_mut().filter(|sketch| sketch.course == Course::Create);
    for sketch in new {
        if scope.session.is_restricted().await {
            sketch.draft.diagnostics.push(
                Diagnostic::error(
                    codes::CREDENTIALS,
                    "A restricted application credential can't make leases",
                )
                .help(errors::RESTRICTED),
            );
        }
    }
}

/// Plans one lease as far as clock and configuration tell.
fn sketch<'a>(
    only: Option<PartKind>,
    mut draft: Draft<'a>,
    request: &'a PlanRequest,
    now: Timestamp,
) -> Sketch<'a> {
    let declared = declared(draft.config, &mut draft.diagnostics);
    let course = course(&mut draft, request, &declared, now);
    let window = match course {
        Course::Create | Course::Replace => anew(&mut draft, &declared, now),
        Course::Keep { start, end, begun } => keep(&mut draft, &declared, (start, end, begun), now),
        Course::Rest => rest(&mut draft),
    };
    let values = Value::object(draft.planned.clone());
    let config = part::parts(only, draft.config);
    let before = draft.prior.map(|prior| part::parts(only, prior)).unwrap_or_default();
    let mut parts = part::parts(only, &values);
    for part in &mut parts {
        let find = |all: &[Part]| {
            all.iter().find(|one| one.kind == part.kind && one.at == part.at).cloned()
        };
        let (given, was) = (find(&config), find(&before));
        settle_part(part, given.as_ref(), was.as_ref());
    }
    let mut sketch = Sketch {
        draft,
        request,
        declared,
        parts,
        before,
        stands: None,
        course,
        window,
        schedule: Schedule::default(),
        notes: PlanNotes::default(),
    };
    if let Course::Keep { begun, .. } = course {
        part_changes(only, &mut sketch, begun);
    }
    sketch
}

/// Decides what is done with a lease, from how it is.
fn course(
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
        Condition::EndedEarly | Condition::Failed if now < end => {
            draft.diagnostics.push(broken(prior, declared, (condition, end)));
            Course::Replace
        }
        Condition::EndedEarly | Condition::Failed => Course::Rest,
        Condition::Open => Course::Keep { start, end, begun: true },
        Condition::Upcoming => Course::Keep { start, end, begun: start <= now },
    }
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
    Diagnostic::warning(codes::FAILED, summary)
        .detail(format!(
            "Lease {id} was to last until {end}, but {why}. Another one takes its place."
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
    if open || ahead || declared.end_of(start) != Some(end) {
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

fn unknown_text() -> Value {
    Value::unknown(Type::String, Causes::NONE)
}

/// Plans the dates of a lease that is to be made.
fn anew(draft: &mut Draft<'_>, declared: &Declared, now: Timestamp) -> Option<Window> {
    if draft.prior.is_some() {
        // What identifies it is not what it was: the engine plans its successor next.
        draft.set("id", unknown_text());
        draft.force_new("id");
    }
    let dates = declared.anew(now);
    check_new(draft, declared, dates, now);
    warn_zoneless(draft, declared);
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

/// Warns of dates that nothing gives a time zone: they are UTC, and somebody may have meant local time.
fn warn_zoneless(draft: &mut Draft<'_>, declared: &Declared) {
    for (name, at) in &declared.zoneless {
        let local = super::rules::home().map(|zone| date::shown(*at, Some(&zone)));
        draft.diagnostics.push(
            Diagnostic::warning(codes::TIME, format!("{name} has no time zone and was read as UTC"))
                .detail(format!("That is {} at Chameleon's sites in Texas.", local.unwrap_or_default()))
                .help("set time_zone = \"America/New_York\" (yours), or write the offset: \"2026-03-02T09:00-05:00\"")
                .path(AttrPath::attr(name)),
        );
    }
}

/// Plans the dates of a lease that exists and stays.
fn keep(
    draft: &mut Draft<'_>,
    declared: &Declared,
    (start, end, begun): (Timestamp, Timestamp, bool),
    now: Timestamp,
) -> Option<Window> {
    let wanted_start = match declared.start {
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
    };
    let wanted_end = declared.end_of(start);
    let moved = wanted_start != Start::At(start);
    match wanted_start {
        Start::At(at) if !moved => {
            let _ = at;
            draft.keep("start_date");
        }
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
    if moved || shifted {
        warn_zoneless(draft, declared);
        draft.forget("events");
    }
    Window::new(wanted_start.at(now)?, Some(wanted_end?))
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
fn rest(draft: &mut Draft<'_>) -> Option<Window> {
    for name in ["start_date", "end_date", "before_end_date"] {
        draft.keep(name);
    }
    let prior = draft.prior?;
    let start = prior.text("start_date").and_then(date::read)?;
    Window::new(start, prior.text("end_date").and_then(date::read))
}

/// Gives a part what its other arguments say: its filter, and its upper bound.
fn settle_part(part: &mut Part, given: Option<&Part>, was: Option<&Part>) {
    let Some(given) = given else { return };
    if part.get("max").is_some() && given.get("max").is_none_or(Value::is_null) {
        let least = part.get("min").cloned().unwrap_or_else(|| Value::null(Type::Number));
        part.set("max", least);
    }
    if part.kind.attribute("where").is_none() {
        return;
    }
    let old = was.and_then(|was| was.get("resource_properties"));
    let text = match given.items("where") {
        [] => match given.get("resource_properties") {
            Some(value) if !value.is_known() => return,
            _ => Some(filter::normal(given.text("resource_properties").unwrap_or_default())),
        },
        blocks => filter::of_blocks(blocks).map(|all| filter::text(&all)),
    };
    let value = match text {
        None => unknown_text(),
        Some(text) => match old {
            Some(old) if text.is_empty() && is_zero(old) => old.clone(),
            Some(old) if old.as_str().is_some_and(|old| filter::same(old, &text)) => old.clone(),
            _ => Value::string(text),
        },
    };
    part.set("resource_properties", value);
}

/// Decides which changes of parts need a new lease.
fn part_changes(only: Option<PartKind>, sketch: &mut Sketch<'_>, begun: bool) {
    let mut replace = Vec::new();
    let mut forget = Vec::new();
    for (at, after) in sketch.parts.iter().enumerate() {
        let twin = sketch.before.iter().find(|one| one.kind == after.kind && one.at == after.at);
        let Some(twin) = twin else { continue };
        for name in part::changes(twin, after) {
            let asks_for_addresses =
                name == "required_floatingips" && !after.items("required_floatingips").is_empty();
            let fixed = begun && matches!(after.kind, PartKind::Instance | PartKind::Network);
            if asks_for_addresses || fixed {
                replace.push(part::path(only, after, name));
            } else if begun && after.kind == PartKind::FloatingIp && name == "amount" {
                forget.push(at);
            }
        }
    }
    for at in forget {
        if let Some(part) = sketch.parts.get_mut(at) {
            part.set("addresses", Value::unknown(Type::list(Type::String), Causes::NONE));
        }
    }
    sketch.draft.replace.extend(replace);
}

/// Answers for one lease.
fn finish(only: Option<PartKind>, sketch: Sketch<'_>) -> PlanReply {
    let Sketch { mut draft, request, declared, parts, course, window, schedule, mut notes, .. } =
        sketch;
    part::put(only, &parts, &mut draft.planned);
    if draft.prior.is_some_and(looks::is_degraded) && matches!(course, Course::Keep { .. }) {
        draft.diagnostics.push(
            Diagnostic::warning(codes::FAILED, "The lease is degraded")
                .detail("Something that it reserves failed: it was swapped for another, or it is missing.")
                .help("missing_resources and resources_changed tell which reservation it is")
                .path(AttrPath::attr("degraded")),
        );
    }
    if matches!(course, Course::Keep { .. }) && changes_at_blazar(only, &draft) {
        draft.forget("updated_at");
    }
    notes.zone = declared.zone_name.as_deref().map(Into::into);
    notes.perishes = perishes(&parts);
    let mut reply = reply(draft, request);
    if let PlanOutcome::Planned(change) = &mut reply.outcome {
        change.window = window;
        change.schedule = schedule;
        change.notes = notes;
    }
    reply
}

/// Returns whether an update sends anything.
fn changes_at_blazar(only: Option<PartKind>, draft: &Draft<'_>) -> bool {
    let Some(prior) = draft.prior else { return false };
    !super::body::update(only, prior, &Value::object(draft.planned.clone())).is_empty()
}

/// Returns what is lost when a lease ends, in words.
fn perishes(parts: &[Part]) -> Option<String> {
    let words = parts.iter().filter_map(|part| match part.kind {
        PartKind::Host | PartKind::Instance | PartKind::Flavor => Some("the disks of its servers"),
        PartKind::Network => Some("its ports, subnets and routers"),
        PartKind::Device => Some("the files in its containers"),
        PartKind::FloatingIp => Some("its addresses"),
        PartKind::Other => None,
    });
    let mut all: Vec<&str> = words.collect();
    all.sort_unstable();
    all.dedup();
    // The heaviest loss first.
    all.sort_by_key(|words| !words.starts_with("the disks"));
    (!all.is_empty()).then(|| all.join(" and "))
}
