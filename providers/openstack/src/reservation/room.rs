//! Whether the calendar has room for what is planned.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use terrarium_diagnostic::{Diagnostic, Severity, nearest};
use terrarium_value::Value;

use super::calendar::{Ask, Calendar, Pool, Taken, Thing};
use super::filter::{self, Condition};
use super::ledger::{Claim, Ledger};
use super::part::{self, Part, PartKind};
use super::plan::{Course, Sketch};
use super::shortage::Shortage;
use super::{date, rules};
use crate::client::{ApiError, Call, Service, Session};
use crate::codes;
use crate::look::{Look, field};
use crate::verbs::Scope;

/// What one part of one planned lease needs of a calendar.
struct Need {
    /// Which sketch.
    sketch: usize,
    /// Which of its parts.
    part: usize,
    pool: Pool,
    conditions: Vec<Condition>,
    window: (Timestamp, Timestamp),
}

/// Checks planned leases against the calendars of their sites.
pub(super) async fn check(
    only: Option<PartKind>,
    scope: &Scope<'_>,
    sketches: &mut [Sketch<'_>],
    now: Timestamp,
) {
    for region in regions(scope, sketches) {
        let mut desk = Desk {
            only,
            session: scope.session,
            ledger: scope.ledger,
            region,
            now,
            calendars: BTreeMap::new(),
        };
        desk.serve(sketches).await;
    }
}

fn regions(scope: &Scope<'_>, sketches: &[Sketch<'_>]) -> BTreeSet<String> {
    sketches.iter().map(|sketch| region_of(scope.session, sketch)).collect()
}

/// Returns the site of a planned lease.
pub(super) fn region_of(session: &Session, sketch: &Sketch<'_>) -> String {
    let given = sketch.draft.config.text("region");
    let given = given.or_else(|| sketch.draft.prior.and_then(|prior| prior.text("region")));
    given.unwrap_or(session.region()).to_owned()
}

/// Serves the needs of one site.
struct Desk<'a> {
    only: Option<PartKind>,
    session: &'a Session,
    ledger: &'a Ledger,
    region: String,
    now: Timestamp,
    calendars: BTreeMap<Pool, Option<Calendar>>,
}

impl Desk<'_> {
    async fn serve(&mut self, sketches: &mut [Sketch<'_>]) {
        let mut needs: Vec<Need> = Vec::new();
        for (at, sketch) in sketches.iter().enumerate() {
            if region_of(self.session, sketch) == self.region
                && !sketch.draft.diagnostics.has_errors()
            {
                needs.extend(needs_of(at, sketch));
            }
        }
        for need in &needs {
            if !self.calendars.contains_key(&need.pool) {
                let calendar = self.load(need.pool).await;
                if let (Err(error), Some(sketch)) = (&calendar, sketches.get_mut(need.sketch)) {
                    sketch.draft.diagnostics.push(unread(error));
                }
                self.calendars.insert(need.pool, calendar.unwrap_or_default());
            }
        }
        let project = self.session.who().await.ok().and_then(|(project, _)| project);
        // Who has the least choice chooses first.
        needs.sort_by_key(|need| self.choice(need, project.as_deref()));
        for need in &needs {
            if let Some(sketch) = sketches.get_mut(need.sketch) {
                self.serve_one(need, sketch, project.as_deref()).await;
            }
        }
    }

    async fn load(&self, pool: Pool) -> Result<Option<Calendar>, ApiError> {
        let read = Calendar::read(self.session, &self.region, pool).await;
        let mut calendar = match read {
            Ok(calendar) => calendar,
            // Plain Blazar has no calendar of networks and devices, and may show none to users.
            Err(error) if matches!(error.status(), Some(403 | 404)) => return Ok(None),
            Err(error) => return Err(error),
        };
        with_claims(self.ledger, &self.region, &mut calendar);
        Ok(Some(calendar))
    }

    fn choice(&self, need: &Need, project: Option<&str>) -> usize {
        let ask = self.ask(need, &BTreeSet::new(), project);
        let calendar = self.calendars.get(&need.pool).and_then(Option::as_ref);
        calendar.map_or(0, |calendar| calendar.fitting(&ask).len())
    }

    fn ask<'n>(
        &self,
        need: &'n Need,
        except: &BTreeSet<String>,
        project: Option<&'n str>,
    ) -> Ask<'n> {
        let cleaning = rules::of(&self.region).map_or(SignedDuration::ZERO, rules::Rules::cleaning);
        Ask { conditions: &need.conditions, cleaning, except: except.clone(), project }
    }

    async fn serve_one(&mut self, need: &Need, sketch: &mut Sketch<'_>, project: Option<&str>) {
        let (only, session, region) = (self.only, self.session, self.region.clone());
        let Some(Some(calendar)) = self.calendars.get(&need.pool) else { return };
        let Some(part) = sketch.parts.get(need.part) else { return };
        if let Some(diagnostic) = unknown_to_all(only, calendar, &need.conditions, part) {
            sketch.draft.diagnostics.push(diagnostic);
            return;
        }
        let own = sketch.draft.prior.and_then(|prior| prior.text("id")).map(str::to_owned);
        let except: BTreeSet<String> = own.iter().cloned().collect();
        let ask = self.ask(need, &except, project);
        let chosen: Result<Vec<String>, Found> = match sketch.course {
            Course::Keep { end, begun: true, .. } => {
                let held = calendar.held_by(own.as_deref().unwrap_or_default());
                held_on(only, (calendar, &ask), (&held, end), need.window, part)
            }
            _ => pick(calendar, &ask, part.amount(), need.window),
        };
        let chosen = match chosen {
            Ok(chosen) => chosen,
            Err(Found::Replace(paths)) => {
                sketch.draft.replace.extend(paths);
                return;
            }
            Err(Found::Short(shortage)) => {
                let stands = sketch.stands.clone().filter(|_| sketch.course == Course::Create);
                if let Some(gap) = gap(calendar, &ask, part, (need.window, stands)) {
                    sketch.notes.gap = Some(gap);
                    return;
                }
                let owned = own_leases(session, &region).await;
                let zone = sketch.declared.zone.clone();
                let diagnostic = shortage.told(calendar, &ask, (&owned, zone.as_ref()), self.now);
                let path = part::path(
                    only,
                    part,
                    if part.get("min").is_some() { "min" } else { "network_name" },
                );
                sketch.draft.diagnostics.push(diagnostic.path(path));
                return;
            }
        };
        self.note(need, sketch, chosen);
    }

    /// Counts what was chosen against all that follow.
    fn note(&mut self, need: &Need, sketch: &Sketch<'_>, chosen: Vec<String>) {
        let (from, until) = need.window;
        let claims: Vec<Claim> = chosen
            .into_iter()
            .map(|thing| Claim { region: self.region.clone(), pool: need.pool, thing, from, until })
            .collect();
        if let Some(Some(calendar)) = self.calendars.get_mut(&need.pool) {
            for claim in &claims {
                take(calendar, claim, &sketch.request.addr.to_string());
            }
        }
        self.ledger.claim(&sketch.request.addr, claims);
    }
}

/// What stands against a need.
enum Found {
    /// Only another lease can have it.
    Replace(Vec<terrarium_address::AttrPath>),
    /// There is not enough.
    Short(Shortage),
}

fn take(calendar: &mut Calendar, claim: &Claim, addr: &str) {
    let Some(thing) = calendar.things.iter_mut().find(|thing| thing.id == claim.thing) else {
        return;
    };
    thing.taken.push(Taken {
        from: claim.from,
        until: claim.until,
        lease: format!("plan:{addr}"),
        reservation: String::new(),
        user: format!("{addr} in this plan"),
    });
    thing.taken.sort_by_key(|taken| taken.from);
}

/// Counts what the leases of this plan take; returns what they are called in the calendar.
pub(super) fn with_claims(
    ledger: &Ledger,
    region: &str,
    calendar: &mut Calendar,
) -> BTreeSet<String> {
    let mut leases = BTreeSet::new();
    for (addr, claim) in ledger.claims() {
        if claim.region == region && claim.pool == calendar.pool {
            take(calendar, &claim, &addr.to_string());
            leases.insert(format!("plan:{addr}"));
        }
    }
    leases
}

/// Lists what a planned lease needs that it does not have.
fn needs_of(at: usize, sketch: &Sketch<'_>) -> Vec<Need> {
    let Some(window) = sketch.window.and_then(|window| Some((window.from(), window.until()?)))
    else {
        return Vec::new();
    };
    let moved = match sketch.course {
        Course::Create => true,
        Course::Keep { start, end, .. } => window != (start, end),
        Course::Rest | Course::Replace => return Vec::new(),
    };
    let parts = sketch.parts.iter().enumerate().filter_map(|(index, part)| {
        let pool = Pool::of(part.kind)?;
        let twin = sketch.before.iter().find(|one| one.kind == part.kind && one.at == part.at);
        let changed = twin.is_none_or(|twin| !part::changes(twin, part).is_empty());
        let known = part.get("resource_properties").is_none_or(Value::is_known);
        let conditions =
            filter::parse(part.text("resource_properties").unwrap_or_default()).ok()?;
        let need = Need { sketch: at, part: index, pool, conditions, window };
        ((moved || changed) && known).then_some(need)
    });
    parts.collect()
}

/// Chooses what is free, as Blazar would.
fn pick(
    calendar: &Calendar,
    ask: &Ask<'_>,
    (least, most): (i64, i64),
    window: (Timestamp, Timestamp),
) -> Result<Vec<String>, Found> {
    let count = |n: i64| usize::try_from(n).unwrap_or(1).max(1);
    let free = calendar.free(ask, window);
    if free.len() < count(least) {
        let shortage = Shortage { wanted: count(least), window, extended: None };
        return Err(Found::Short(shortage));
    }
    Ok(free.iter().take(count(most)).map(|thing| thing.id.clone()).collect())
}

/// Decides about a lease that has begun: it keeps what it holds, or it is another one.
fn held_on(
    only: Option<PartKind>,
    (calendar, ask): (&Calendar, &Ask<'_>),
    (held, end): (&[&Thing], Timestamp),
    (from, until): (Timestamp, Timestamp),
    part: &Part,
) -> Result<Vec<String>, Found> {
    let of_this: Vec<&&Thing> =
        held.iter().filter(|thing| filter::meets(&thing.properties, ask.conditions)).collect();
    let id = part.text("id").unwrap_or_default();
    let mine = |thing: &&&Thing| thing.taken.iter().any(|taken| taken.reservation == id);
    let held: Vec<&Thing> = held.iter().filter(mine).copied().collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    if held.iter().any(|thing| !of_this.iter().any(|one| one.id == thing.id)) {
        return Err(Found::Replace(vec![part::path(only, part, "resource_properties")]));
    }
    let (least, most) = part.amount();
    let count = |n: i64| usize::try_from(n).unwrap_or(1);
    if held.len() > count(most) {
        return Err(Found::Replace(vec![part::path(only, part, "max")]));
    }
    let blocked =
        |thing: &&&Thing| until > end && thing.taken_in(ask, (end, until)).next().is_some();
    let blocked: Vec<String> = held.iter().filter(blocked).map(|thing| thing.id.clone()).collect();
    if !blocked.is_empty() {
        let shortage =
            Shortage { wanted: blocked.len(), window: (end, until), extended: Some(blocked) };
        return Err(Found::Short(shortage));
    }
    let more = count(least).saturating_sub(held.len());
    let mut chosen: Vec<String> = held.iter().map(|thing| thing.id.clone()).collect();
    let free = calendar.free(ask, (from, until));
    let free: Vec<String> =
        free.iter().map(|t| t.id.clone()).filter(|id| !chosen.contains(id)).collect();
    if free.len() < more {
        let shortage = Shortage { wanted: more, window: (from, until), extended: None };
        return Err(Found::Short(shortage));
    }
    chosen.extend(free.into_iter().take(more));
    Ok(chosen)
}

/// Says why a replacement only fits once its predecessor is gone, where that is so.
fn gap(
    calendar: &Calendar,
    ask: &Ask<'_>,
    part: &Part,
    (window, stands): ((Timestamp, Timestamp), Option<String>),
) -> Option<String> {
    let stands = stands?;
    let mut without = ask.clone();
    without.except.insert(stands);
    let least = usize::try_from(part.amount().0).unwrap_or(1);
    let (now, then) = (calendar.free(ask, window).len(), calendar.free(&without, window).len());
    (then >= least).then(|| {
        let things = calendar.pool.things();
        let free = if now == 0 { "none".to_owned() } else { format!("only {now}") };
        format!("of the {things} that fit, {free} of the {least} it needs is free; the old lease holds the others")
    })
}

/// Returns the ids of the project's own leases; none where they can't be listed.
pub(super) async fn own_leases(session: &Session, region: &str) -> BTreeSet<String> {
    let call = Call::get(Service::Reservation, region, "/leases");
    let all = session.shared_list(&call, "leases").await;
    all.map(|all| all.iter().map(|lease| field(lease, "id").to_owned()).collect())
        .unwrap_or_default()
}

/// Refuses a filter that nothing can ever meet: a property that nothing has, or a value of none.
fn unknown_to_all(
    only: Option<PartKind>,
    calendar: &Calendar,
    conditions: &[Condition],
    part: &Part,
) -> Option<Diagnostic> {
    let things = calendar.pool.things();
    let wrong = |summary: String, near: Option<&str>| {
        let path = part::path(only, part, "resource_properties");
        let diagnostic = Diagnostic::error(codes::INVALID, summary).path(path);
        match near {
            Some(near) => diagnostic.help(format!("did you mean {near:?}?")),
            None => {
                diagnostic.help(format!("data.openstack_reservation_{things}_v1 lists them all"))
            }
        }
    };
    for condition in conditions {
        let all = &calendar.things;
        let having: Vec<&Thing> =
            all.iter().filter(|t| t.properties.contains_key(&condition.property)).collect();
        if having.is_empty() {
            let names: BTreeSet<&str> =
                all.iter().flat_map(|t| t.properties.keys().map(String::as_str)).collect();
            let near = nearest(&condition.property, names);
            return Some(wrong(
                format!("None of the site's {things} has a property {:?}", condition.property),
                near,
            ));
        }
        let one = std::slice::from_ref(condition);
        if condition.op == "=" && !having.iter().any(|t| filter::meets(&t.properties, one)) {
            let values: BTreeSet<&str> =
                having.iter().map(|t| t.property(&condition.property)).collect();
            let near = nearest(&condition.value, values);
            return Some(wrong(
                format!(
                    "None of the site's {things} has {} = {:?}",
                    condition.property, condition.value
                ),
                near,
            ));
        }
    }
    None
}

fn unread(error: &ApiError) -> Diagnostic {
    let mut diagnostic =
        error.diagnostic("The calendar could not be read, so nobody looked whether there is room");
    diagnostic.severity = Severity::Warning;
    diagnostic
}

/// Returns until when a lease could last at most: what it holds is free until then.
pub(super) fn free_until(things: &[&Thing], ask: &Ask<'_>, from: Timestamp) -> Option<Timestamp> {
    let taken = things.iter().flat_map(|thing| thing.taken.iter());
    let next = taken.filter(|taken| taken.from >= from && !ask.except.contains(&taken.lease));
    next.map(|taken| date::earlier(taken.from, ask.cleaning)).min()
}
