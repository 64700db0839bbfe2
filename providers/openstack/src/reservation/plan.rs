//! Planning leases: dates, what a change of them means, and what the calendar says.

mod course;
mod degraded;
pub(super) mod in_place;
mod what;
mod when;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use terrarium_address::AttrPath;
use terrarium_diagnostic::Diagnostic;
use terrarium_provider::{
    Claim, Lends, PlanNotes, PlanOutcome, PlanReply, PlanRequest, Schedule, Window,
};
use terrarium_value::{Causes, Type, Value};

use super::apply::NEAR;
use super::date;
use super::dates::{Declared, declared};
use super::part::{self, Part, PartKind};
use super::{advice, claims, errors, limits, room, rules};
use crate::codes;
use crate::look::Look;
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
    /// What it takes that others of the plan may want.
    pub(super) claims: Vec<Claim>,
    /// The lease that stands at this address, which another would replace.
    pub(super) stands: Option<String>,
    /// Why only another lease has what is wanted, where Blazar's own rules say so.
    pub(super) reasons: Vec<&'static str>,
    /// What is done.
    pub(super) course: Course,
    /// The planned window.
    pub(super) window: Option<Window>,
    /// When it may be done.
    pub(super) schedule: Schedule,
    /// What readers are told.
    pub(super) notes: PlanNotes,
}

impl Sketch<'_> {
    /// Demands another lease because of an argument.
    pub(super) fn another(&mut self, path: AttrPath, why: &'static str) {
        if self.draft.replace.contains(&path) {
            return;
        }
        self.draft.replace.push(path);
        if !self.reasons.contains(&why) {
            self.reasons.push(why);
        }
    }
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
    let mut claims = claims::of_others(requests);
    let mut sketches: Vec<Sketch<'_>> = requests
        .iter()
        .map(|request| sketch(only, merged(scope.row, planning.major, request), request, now))
        .collect();
    for sketch in &mut sketches {
        in_place::flavors_stay(only, sketch, &room::region_of(scope.session, sketch));
        if limits::is_new(sketch) || sketch.course == Course::Replace {
            let local = local_zone(scope, sketch);
            when::warn_zoneless(&mut sketch.draft, &sketch.declared, local.as_ref());
        }
        let stands = sketch.request.replaces.as_ref().or(sketch.draft.prior);
        sketch.stands = stands.and_then(|stands| stands.text("id")).map(str::to_owned);
    }
    if planning.online {
        credential(scope, &mut sketches).await;
        room::check(only, scope, (&mut sketches, &claims), now).await;
    }
    claims.extend(sketches.iter().flat_map(|sketch| sketch.claims.iter().cloned()));
    for sketch in &mut sketches {
        limits::check(scope, sketch, (planning.online, now)).await;
        if planning.online {
            advice::add(scope, (sketch, &claims), now).await;
        }
        in_place::tell(sketch);
    }
    sketches.into_iter().map(|sketch| finish(only, sketch, now)).collect()
}

/// Returns the time zone in which people here may have thought: the environment's, else the testbed's.
fn local_zone(scope: &Scope<'_>, sketch: &Sketch<'_>) -> Option<TimeZone> {
    let own = scope.env.get("TZ").and_then(|name| TimeZone::get(name).ok());
    own.or_else(|| rules::of(&room::region_of(scope.session, sketch)).and_then(|_| rules::home()))
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
    let course = course::course(&mut draft, request, &declared, now);
    let window = match course {
        Course::Create | Course::Replace => when::anew(&mut draft, &declared, now),
        Course::Keep { start, end, begun } => {
            when::keep(&mut draft, &declared, (start, end, begun), now)
        }
        Course::Rest => when::rest(&mut draft),
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
        what::settle_part(part, given.as_ref(), was.as_ref());
    }
    let mut sketch = Sketch {
        draft,
        request,
        declared,
        parts,
        before,
        claims: Vec::new(),
        stands: None,
        reasons: Vec::new(),
        course,
        window,
        schedule: Schedule::default(),
        notes: PlanNotes::default(),
    };
    if let Course::Keep { begun, .. } = course {
        in_place::part_changes(only, &mut sketch, begun);
    }
    sketch
}

/// Answers for one lease.
fn finish(only: Option<PartKind>, sketch: Sketch<'_>, now: Timestamp) -> PlanReply {
    let Sketch { mut draft, request, declared, parts, course, window, schedule, .. } = sketch;
    let (claims, mut notes) = (sketch.claims, sketch.notes);
    part::put(only, &parts, &mut draft.planned);
    if let (Some(prior), Course::Keep { begun, .. }) = (draft.prior, course) {
        let told = degraded::told(only, prior, (&request.addr, begun));
        draft.diagnostics.0.extend(told);
    }
    if matches!(course, Course::Keep { .. }) && changes_at_blazar(only, &draft) {
        draft.forget("updated_at");
    }
    notes.zone = declared.zone_name.as_deref().map(Into::into);
    notes.perishes = perishes(&parts);
    notes.lends = Some(lends(&draft, window, now));
    let mut reply = reply(draft, request);
    if let PlanOutcome::Planned(change) = &mut reply.outcome {
        change.window = window;
        change.schedule = schedule;
        change.notes = notes;
        change.claims = claims;
    }
    reply
}

/// Returns when what a new lease lends can be used: its creation waits for a start that is near.
fn lends(draft: &Draft<'_>, window: Option<Window>, now: Timestamp) -> Lends {
    let near = window.is_none_or(|window| window.from() <= date::later(now, NEAR));
    let waits = draft.config.text("wait_for").unwrap_or("active") == "active";
    if near && waits { Lends::WithApply } else { Lends::AfterApply }
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

fn unknown_text() -> Value {
    Value::unknown(Type::String, Causes::NONE)
}
