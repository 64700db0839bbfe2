//! Whether the calendar has room for what is planned.

mod choice;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use terrarium_diagnostic::{Diagnostic, Severity};
use terrarium_provider::{Claim, Window};
use terrarium_value::Value;

use super::calendar::{Ask, Calendar, Pool};
use super::claims;
use super::filter::{self, Condition};
use super::part::{self, Part, PartKind};
use super::plan::{Course, Sketch, in_place};
use super::rules;
use crate::client::{ApiError, Call, Service, Session};
use crate::look::{Look, field};
use crate::verbs::Scope;
use choice::{Found, gap, held_on, pick};
use unknown::unknown_to_all;

/// The property of a floating IP that says whose network it is of.
const OF_NETWORK: &str = "floating_network_id";

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
    (sketches, others): (&mut [Sketch<'_>], &[Claim]),
    now: Timestamp,
) {
    for region in regions(scope, sketches) {
        let mut desk =
            Desk { only, session: scope.session, others, region, now, calendars: BTreeMap::new() };
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
    /// What others of the plan take.
    others: &'a [Claim],
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
        if needs.is_empty() {
            return;
        }
        for need in needs.iter_mut().filter(|need| need.pool == Pool::FloatingIps) {
            let part = sketches.get(need.sketch).and_then(|sketch| sketch.parts.get(need.part));
            if let Some(pool) =
                part.and_then(|part| part.text("pool")).filter(|_| need.conditions.is_empty())
            {
                need.conditions = self.of_pool(pool).await;
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

    /// Returns what makes a floating IP one of a pool, which is a network by its name.
    async fn of_pool(&self, pool: &str) -> Vec<Condition> {
        let call = Call::get(Service::Network, &self.region, "/networks")
            .query(vec![("name", pool.to_owned())]);
        let Ok(all) = self.session.named(&call, "networks").await else { return Vec::new() };
        let found = all.iter().find(|network| field(network, "name") == pool);
        let of = |network| Condition {
            op: "=".to_owned(),
            property: OF_NETWORK.to_owned(),
            value: field(network, "id").to_owned(),
        };
        found.map(of).into_iter().collect()
    }

    async fn load(&self, pool: Pool) -> Result<Option<Calendar>, ApiError> {
        let read = Calendar::read(self.session, &self.region, pool).await;
        let mut calendar = match read {
            Ok(calendar) => calendar,
            // Plain Blazar has no calendar of networks and devices, and may show none to users.
            Err(error) if matches!(error.status(), Some(403 | 404)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let things = claims::pool(self.session, &self.region, pool);
        claims::count(self.others, &things, &mut calendar);
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
        // Nothing is cleaned of an address.
        let cleaned = rules::of(&self.region).filter(|_| need.pool != Pool::FloatingIps);
        let cleaning = cleaned.map_or(SignedDuration::ZERO, rules::Rules::cleaning);
        Ask { conditions: &need.conditions, cleaning, except: except.clone(), project }
    }

    async fn serve_one(&mut self, need: &Need, sketch: &mut Sketch<'_>, project: Option<&str>) {
        let (only, session, region) = (self.only, self.session, self.region.clone());
        let Some(Some(calendar)) = self.calendars.get(&need.pool) else { return };
        let Some(part) = sketch.parts.get(need.part) else { return };
        // Nobody writes conditions for floating IPs: they are of a network, or there are none.
        let filtered = need.pool != Pool::FloatingIps;
        if let Some(diagnostic) =
            unknown_to_all(only, calendar, &need.conditions, part).filter(|_| filtered)
        {
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
                for path in paths {
                    sketch.another(path, in_place::KEEPS);
                }
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
                let path = part::path(only, part, need.pool.count());
                sketch.draft.diagnostics.push(diagnostic.path(path));
                return;
            }
        };
        self.note(need, sketch, chosen);
    }

    /// Counts what was chosen against all that follow.
    fn note(&mut self, need: &Need, sketch: &mut Sketch<'_>, chosen: Vec<String>) {
        let Some(window) = Window::new(need.window.0, Some(need.window.1)) else { return };
        let by = &sketch.request.addr;
        let things = claims::pool(self.session, &self.region, need.pool);
        for thing in chosen {
            if let Some(Some(calendar)) = self.calendars.get_mut(&need.pool) {
                claims::take(calendar, &thing, by, window);
            }
            let resource = format!("{things}{thing}").into();
            sketch.claims.push(Claim { by: by.clone(), resource, amount: 1, window });
        }
    }
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
        // What can't be added to a lease is planned again, for another one.
        let changed = twin.is_some_and(|twin| !part::changes(twin, part).is_empty());
        let known = part.get("resource_properties").is_none_or(Value::is_known);
        let conditions = conditions(part)?;
        let need = Need { sketch: at, part: index, pool, conditions, window };
        ((moved || changed) && known).then_some(need)
    });
    parts.collect()
}

/// Returns what the things of a part must be like; `None` where its filter is none.
pub(super) fn conditions(part: &Part) -> Option<Vec<Condition>> {
    if part.kind == PartKind::FloatingIp {
        let network = part.text("network_id").map(str::to_owned);
        let of = |value| Condition { op: "=".to_owned(), property: OF_NETWORK.to_owned(), value };
        return Some(network.map(of).into_iter().collect());
    }
    filter::parse(part.text("resource_properties").unwrap_or_default()).ok()
}

/// Returns the ids of the project's own leases; none where they can't be listed.
pub(super) async fn own_leases(session: &Session, region: &str) -> BTreeSet<String> {
    let call = Call::get(Service::Reservation, region, "/leases");
    let all = session.shared_list(&call, "leases").await;
    all.map(|all| all.iter().map(|lease| field(lease, "id").to_owned()).collect())
        .unwrap_or_default()
}

fn unread(error: &ApiError) -> Diagnostic {
    let mut diagnostic =
        error.diagnostic("The calendar could not be read, so nobody looked whether there is room");
    diagnostic.severity = Severity::Warning;
    diagnostic
}
