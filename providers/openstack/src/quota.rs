//! Quotas: what planned objects take of them, and the judgement of a plan as a whole. What is planned for now
//! is counted beside what is in use; what comes later, against the limit alone, since nobody knows what will
//! be in use by then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;
use terrarium_address::ResourceAddr;
use terrarium_diagnostic::{Diagnostic, Diagnostics};
use terrarium_provider::{Claim, PlanRequest, PlannedChange, PlannedFact, Window};
use terrarium_value::Value;

use crate::client::{ApiError, Call, Service, Session};
use crate::look::Look;
use crate::schema::Resource;
use crate::{codes, tables};

/// What is said under a refusal, and where a plan asks for too much.
const HELP: &str = "the quota is full: remove what is no longer needed, or ask the site for a higher quota \
                    (`openstack quota show --usage` lists it)";

/// The quota of Cinder that counts sizes.
const GIGABYTES: &str = "gigabytes";

/// Returns what to do where a service says that a quota is full; `None` for other refusals.
pub(crate) fn help(error: &ApiError) -> Option<String> {
    let message = error.message().to_lowercase();
    let full = ["quota exceeded", "overquota", "exceeds available", "exceeded for quota"];
    let says = full.iter().any(|text| message.contains(text))
        || (message.contains("quota") && message.contains("exceed"));
    (matches!(error.status(), Some(403 | 409 | 413 | 429)) && says).then(|| HELP.to_owned())
}

/// Adds what a planned object takes anew of its project's quotas.
pub(crate) fn claim(
    session: &Session,
    row: &Resource,
    request: &PlanRequest,
    change: &mut PlannedChange,
) {
    if request.replaces.is_some() || !change.requires_replace.is_empty() {
        return;
    }
    let now = session.clock().now();
    let Some(window) = Window::new(now, None) else { return };
    let region = change.planned.text("region").unwrap_or_default();
    let before = request.prior.as_ref().map(|prior| taken(row, prior)).unwrap_or_default();
    for (quota, amount) in taken(row, &change.planned) {
        let had = before.get(quota).copied().unwrap_or_default();
        if amount > had {
            let resource = format!("{}{quota} in {region}", prefix(session)).into();
            let by = request.addr.clone();
            change.claims.push(Claim { by, resource, amount: amount - had, window });
        }
    }
}

/// Begins the names of the quotas of a project.
fn prefix(session: &Session) -> String {
    format!("{} quota ", session.place())
}

/// Returns what an object takes, as far as it is known.
fn taken(row: &Resource, values: &Value) -> BTreeMap<&'static str, u64> {
    let counted = row.marks.quota;
    let mut taken: BTreeMap<_, _> = counted.into_iter().map(|quota| (quota, 1)).collect();
    if counted == Some("volumes") {
        let size = values.int("size").and_then(|size| u64::try_from(size).ok());
        taken.extend(size.map(|size| (GIGABYTES, size)));
    }
    taken
}

/// A take of a quota by a planned object.
struct Take<'a> {
    by: &'a ResourceAddr,
    amount: u64,
    window: Option<Window>,
}

/// What a project may have, and has.
#[derive(Clone, Copy)]
struct Quota {
    limit: u64,
    used: u64,
}

/// Where a quota does not suffice.
#[derive(Debug, PartialEq)]
struct Short<'a> {
    /// The first object that is too much.
    by: &'a ResourceAddr,
    /// When, where that is later.
    at: Option<Timestamp>,
    /// How much is wanted.
    wanted: u64,
    /// How much there is for it.
    left: u64,
}

/// Judges what a plan takes of all quotas, one question a service and region that it takes anything of.
pub(crate) async fn check_quotas(session: &Session, facts: &[PlannedFact]) -> Diagnostics {
    let takes = takes(session, facts);
    let asked: BTreeSet<(&str, &str)> =
        takes.keys().map(|(region, quota)| (service_of(quota), *region)).collect();
    let mut diagnostics = Diagnostics::new();
    for (service, region) in asked {
        // What a service does not tell, it refuses itself.
        let Some(limits) = limits(session, service, region).await else { continue };
        for ((_, quota), takes) in
            takes.iter().filter(|((at, quota), _)| *at == region && service_of(quota) == service)
        {
            let found = limits.get(*quota).and_then(of_json);
            let freed = freed(facts, quota);
            let found = found.map(|it| Quota { used: it.used.saturating_sub(freed), ..it });
            let now = session.clock().now();
            if let Some((found, short)) = found.and_then(|it| Some((it, short(takes, it, now)?))) {
                diagnostics.push(told(quota, region, found, &short));
            }
        }
    }
    diagnostics
}

fn service_of(quota: &str) -> &'static str {
    match quota {
        "instances" => "compute",
        "volumes" | GIGABYTES => "volume",
        _ => "network",
    }
}

/// Sorts what is taken here by region and quota.
fn takes<'a>(
    session: &Session,
    facts: &'a [PlannedFact],
) -> BTreeMap<(&'a str, &'a str), Vec<Take<'a>>> {
    let prefix = prefix(session);
    let mut takes: BTreeMap<_, Vec<Take<'_>>> = BTreeMap::new();
    for fact in facts {
        for claim in &fact.claims {
            let name = claim.resource.strip_prefix(&prefix).and_then(|it| it.split_once(" in "));
            let Some((quota, region)) = name else { continue };
            let take = Take { by: &fact.addr, amount: claim.amount, window: fact.window };
            takes.entry((region, quota)).or_default().push(take);
        }
    }
    takes
}

/// Returns how much of a quota the plan gives back, wherever that is: too much rather than too little, since
/// a service has the last word.
fn freed(facts: &[PlannedFact], quota: &str) -> u64 {
    let gone = facts.iter().filter(|fact| fact.planned.is_null());
    let amounts = gone.filter_map(|fact| {
        taken(tables::resource(&fact.kind)?, fact.prior.as_ref()?).get(quota).copied()
    });
    amounts.sum()
}

async fn limits(session: &Session, service: &str, region: &str) -> Option<Json> {
    let (Some(project), _) = session.who().await.ok()? else { return None };
    let sets = format!("/os-quota-sets/{project}");
    let (call, key) = match service {
        "network" => {
            let path = format!("/quotas/{project}/details.json");
            (Call::get(Service::Network, region, path), "quota")
        }
        "volume" => {
            let call = Call::get(Service::Volume, region, sets);
            (call.query(vec![("usage", "true".into())]), "quota_set")
        }
        _ => (Call::get(Service::Compute, region, format!("{sets}/detail")), "quota_set"),
    };
    let mut found = session.shared_find(&call).await.ok()??;
    found.get_mut(key).map(Json::take)
}

/// Reads a quota; `None` for one without a bound.
fn of_json(entry: &Json) -> Option<Quota> {
    let number = |name: &str| entry.get(name).and_then(Json::as_u64);
    let used = number("used").or_else(|| number("in_use"))?;
    Some(Quota { limit: number("limit")?, used: used + number("reserved").unwrap_or_default() })
}

/// Finds where takes are too much: now, beside what is in use, or at the peak of what is planned.
fn short<'a>(takes: &[Take<'a>], quota: Quota, now: Timestamp) -> Option<Short<'a>> {
    let later = |take: &&Take<'_>| take.window.is_some_and(|window| window.from() > now);
    let at_once: Vec<&Take<'a>> = takes.iter().filter(|take| !later(take)).collect();
    let wanted: u64 = at_once.iter().map(|take| take.amount).sum();
    let left = quota.limit.saturating_sub(quota.used);
    if let Some(by) = first_beyond(&at_once, |take| take.amount, left).map(|take| take.by) {
        return Some(Short { by, at: None, wanted, left });
    }
    let mut steps: Vec<(Timestamp, bool, &Take<'a>)> = Vec::new();
    for take in takes {
        let Some(window) = take.window else { continue };
        steps.push((window.from(), true, take));
        // Who leaves at an instant makes room for who comes then.
        steps.extend(window.until().map(|until| (until, false, take)));
    }
    steps.sort_by_key(|(at, comes, _)| (*at, *comes));
    let without_end = takes.iter().filter(|take| take.window.is_none());
    let mut standing: u64 = without_end.map(|take| take.amount).sum();
    for (at, comes, take) in steps {
        if !comes {
            standing = standing.saturating_sub(take.amount);
            continue;
        }
        standing += take.amount;
        if at > now && standing > quota.limit {
            let all = takes.iter().filter(|one| one.window.is_none_or(|it| it.contains(at)));
            let wanted = all.map(|one| one.amount).sum();
            return Some(Short { by: take.by, at: Some(at), wanted, left: quota.limit });
        }
    }
    None
}

/// Finds the first of some with which what they take together is more than is left.
pub(crate) fn first_beyond<T>(all: &[T], amount: impl Fn(&T) -> u64, left: u64) -> Option<&T> {
    let mut sum = 0_u64;
    all.iter().find(|one| {
        sum = sum.saturating_add(amount(one));
        sum > left
    })
}

fn told(quota: &str, region: &str, found: Quota, short: &Short<'_>) -> Diagnostic {
    let region = if region.is_empty() { String::new() } else { format!(" at {region}") };
    let Quota { limit, used } = found;
    let Short { wanted, left, by, .. } = short;
    let (over, lacking) = (wanted.saturating_sub(*left), "beyond the quota");
    let detail = match short.at {
        None => format!(
            "The plan takes {wanted} more of the quota {quota:?}{region}: {left} left, {used} of {limit} in use, so \
             {over} {lacking}."
        ),
        Some(at) => format!(
            "From {at:.0} on, the plan has {wanted} of the quota {quota:?}{region} at once, and the limit is {limit}: \
             {over} {lacking}."
        ),
    };
    Diagnostic::error(codes::FORBIDDEN, "The quota does not suffice")
        .detail(detail)
        .help(HELP)
        .about((*by).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// From when on, and until when; `None` for now and for good.
    type Span = Option<(i64, Option<i64>)>;

    /// Plays takes as `(amount, from, until)` against a quota, at second 10.
    fn played(
        takes: &[(u64, Span)],
        limit: u64,
        used: u64,
    ) -> Option<(usize, Option<i64>, u64, u64)> {
        let addrs: Vec<ResourceAddr> =
            (0..takes.len()).map(|at| format!("a.b[{at}]").parse().unwrap()).collect();
        let takes: Vec<Take<'_>> = takes
            .iter()
            .zip(&addrs)
            .map(|((amount, window), by)| Take {
                by,
                amount: *amount,
                window: window.and_then(|(from, until)| Window::new(at(from), until.map(at))),
            })
            .collect();
        let short = short(&takes, Quota { limit, used }, at(10))?;
        let by = addrs.iter().position(|addr| addr == short.by)?;
        Some((by, short.at.map(Timestamp::as_second), short.wanted, short.left))
    }

    #[test]
    fn what_is_made_now_is_counted_beside_what_is_in_use_and_what_comes_later_at_its_peak() {
        assert_eq!(played(&[(1, None), (1, None)], 10, 8), None);
        assert_eq!(played(&[(1, None), (1, None), (3, None)], 10, 8), Some((2, None, 5, 2)));
        // Begun already: now.
        assert_eq!(played(&[(3, Some((5, Some(90))))], 10, 8), Some((0, None, 3, 2)));
        // What is in use by then, nobody knows.
        assert_eq!(played(&[(10, Some((50, None)))], 10, 8), None);
        assert_eq!(played(&[(11, Some((50, None)))], 10, 8), Some((0, Some(50), 11, 10)));
        // One after the other, and side by side.
        let turns = [(6, Some((50, Some(60)))), (6, Some((60, Some(70))))];
        assert_eq!(played(&turns, 10, 0), None);
        let both = [(6, Some((50, Some(61)))), (6, Some((60, Some(70))))];
        assert_eq!(played(&both, 10, 0), Some((1, Some(60), 12, 10)));
        // Beside what stays.
        assert_eq!(played(&[(5, None), (6, Some((60, None)))], 10, 0), Some((1, Some(60), 11, 10)));
    }
}
