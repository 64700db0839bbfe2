//! Reservations of a number of things that a filter chooses: hosts and devices.

use serde_json::{Value, json};

use super::{
    Change,
    allocation::{self, Claim, Pool},
    filter::{self, Condition},
    inventory::{self, Resource},
    lease::{Lease, Reservation, ReservationStatus, Window},
    malformed, missing, scarcity, user_name,
};
use crate::{
    cloud::Cloud,
    json::{self, Body},
    reply::{Outcome, Refusal, no},
};

/// What tells hosts from devices.
pub(crate) struct Counted {
    pub(crate) pool: Pool,
    /// Members of a request that are filters.
    pub(crate) filters: &'static [&'static str],
    /// Values of `before_end` that are known.
    pub(crate) before_end: &'static [&'static str],
    /// The site's filter where none is given; it is dropped where too little fits.
    pub(crate) default: Option<(&'static str, &'static str)>,
    pub(crate) not_enough: &'static str,
}

impl Counted {
    fn refusal(&self) -> Refusal {
        no(500, self.not_enough)
    }

    /// Refuses what too few free things meet, with the whole query in the message.
    ///
    /// Blazar looks for candidates before it allocates, at a creation and at an update that names
    /// reservations.
    fn check_candidates(
        &self,
        cloud: &Cloud<'_>,
        (lease, window): (&Lease, Window),
        (given, reservation): (&Body, &Reservation),
    ) -> Outcome<()> {
        let range = range(given.get("min"), given.get("max"))?;
        for filter in self.filters {
            given.get(*filter).ok_or_else(|| missing(filter))?;
        }
        let before_end = self.check_before_end(given)?;
        let conditions = self.conditions(given)?;
        let search = Search { lease, window, held: &[], own: Some(&reservation.id) };
        let mut query = given.clone();
        if let Some(default) = self.default_filter(given) {
            let mut all = conditions.clone();
            all.extend(filter::parse(&default)?);
            query.insert("resource_properties".to_owned(), default);
            if !self.choose(cloud, &all, range, &search)?.is_empty() {
                return Ok(());
            }
        }
        if !self.choose(cloud, &conditions, range, &search)?.is_empty() {
            return Ok(());
        }
        query.insert("resource_type".to_owned(), json!(reservation.resource_type));
        let count = json!(format!("{}-{}", range.0, range.1));
        let added = [("count_range", count), ("before_end", before_end)];
        Err(scarcity::nothing_fits((lease, window), &query, &added))
    }

    /// Returns the site's own filter where the request has none.
    fn default_filter(&self, given: &Body) -> Option<Value> {
        let (property, value) = self.default?;
        let empty = json::absent(given, "resource_properties")
            || given.get("resource_properties").and_then(Value::as_str) == Some("");
        empty.then(|| json!(format!(r#"["=", "${property}", "{value}"]"#)))
    }

    fn check_before_end(&self, given: &Body) -> Outcome<Value> {
        let word = given.get("before_end").cloned().unwrap_or_else(|| json!("default"));
        if word.as_str().is_some_and(|word| self.before_end.contains(&word)) {
            Ok(word)
        } else {
            Err(malformed("before_end"))
        }
    }

    fn resources(&self, cloud: &Cloud<'_>) -> &'static [Resource] {
        inventory::of_pool(cloud.site, self.pool)
    }

    /// Takes what a request asks for, and writes the members that all such reservations show.
    pub(crate) fn reserve(
        &self,
        cloud: &Cloud<'_>,
        lease: &Lease,
        reservation: &mut Reservation,
        given: &Body,
    ) -> Outcome<()> {
        let alike = |other: &Reservation| other.resource_type == reservation.resource_type;
        if !lease.reservations.iter().any(alike) {
            self.check_candidates(cloud, (lease, lease.window()), (given, reservation))?;
        }
        let range = range(given.get("min"), given.get("max"))?;
        for filter in self.filters {
            let value = given.get(*filter).ok_or_else(|| missing(filter))?;
            // A list is understood as a filter, but the database takes text only.
            if value.is_array() {
                return Err(super::unforeseen());
            }
            reservation.own.insert((*filter).to_owned(), value.clone());
        }
        reservation.own.insert("before_end".to_owned(), self.check_before_end(given)?);
        set_range(reservation, range);
        let conditions = self.conditions(&reservation.own)?;
        let window = lease.window();
        let search = Search { lease, window, held: &[], own: None };
        let mut chosen = Vec::new();
        if let Some(default) = self.default_filter(given) {
            let mut all = conditions.clone();
            all.extend(filter::parse(&default)?);
            chosen = self.choose(cloud, &all, range, &search)?;
        }
        if chosen.is_empty() {
            chosen = self.choose(cloud, &conditions, range, &search)?;
        }
        if chosen.is_empty() {
            return Err(self.refusal());
        }
        self.take(cloud, lease, &reservation.id, (&chosen, window))
    }

    /// Changes range, filters and dates; what is held stays held where it still may.
    pub(crate) fn update(
        &self,
        cloud: &Cloud<'_>,
        lease: &Lease,
        reservation: &mut Reservation,
        change: &Change<'_>,
    ) -> Outcome<()> {
        if !change.given.is_empty() {
            // Here as released Blazar has it: the fork's snapshot misses what the request leaves out,
            // and does not count what the reservation has as free.
            let mut whole = json::public(&reservation.own);
            whole.extend(change.given.clone());
            self.check_candidates(cloud, (lease, change.window), (&whole, reservation))?;
        }
        let named = |key: &&str| change.given.contains_key(*key);
        let before = lease.window();
        let within = change.window.start >= before.start && change.window.end <= before.end;
        if !["min", "max"].iter().chain(self.filters).any(named) && within {
            return allocation::move_to(cloud, &reservation.id, change.window);
        }
        let bound = |key: &str| change.given.get(key).or_else(|| reservation.own.get(key)).cloned();
        let range = range(bound("min").as_ref(), bound("max").as_ref())?;
        for filter in self.filters {
            if let Some(value) = change.given.get(*filter) {
                reservation.own.insert((*filter).to_owned(), value.clone());
            }
        }
        set_range(reservation, range);
        let conditions = self.conditions(&reservation.own)?;
        let held = allocation::of_reservation(cloud, &reservation.id)?;
        let kept = self.kept(cloud, &reservation.id, (&held, &conditions, range.1), change)?;
        if kept.len() < held.len() && reservation.status == ReservationStatus::Active {
            return Err(self.refusal());
        }
        let mut more = Vec::new();
        if kept.len() < range.1 {
            let lacking = (range.0.saturating_sub(kept.len()), range.1 - kept.len());
            let search = Search { lease, window: change.window, held: &held, own: None };
            more = self.choose(cloud, &conditions, lacking, &search)?;
            if more.len() < lacking.0 {
                return Err(self.refusal());
            }
        }
        for resource in held.iter().filter(|resource| !kept.contains(resource)) {
            allocation::drop_one(cloud, &reservation.id, resource)?;
        }
        allocation::move_to(cloud, &reservation.id, change.window)?;
        self.take(cloud, lease, &reservation.id, (&more, change.window))
    }

    /// Returns what of `held` still meets the conditions and is free in the new window.
    fn kept(
        &self,
        cloud: &Cloud<'_>,
        reservation: &str,
        (held, conditions, most): (&[String], &[Condition], usize),
        change: &Change<'_>,
    ) -> Outcome<Vec<String>> {
        let fitting = filter::select(self.resources(cloud), conditions)?;
        let mut kept = Vec::new();
        for id in held {
            let fits = fitting.iter().any(|resource| resource.id == *id);
            let window = (change.window, Some(reservation));
            if fits && allocation::is_free(cloud, self.pool, id, window)? {
                kept.push(id.clone());
            }
        }
        kept.drain(..kept.len().saturating_sub(most));
        Ok(kept)
    }

    /// Puts another thing in the place of one that failed; false where there is none.
    pub(crate) fn replace(
        &self,
        cloud: &Cloud<'_>,
        lease: &Lease,
        reservation: &Reservation,
        failed: &str,
    ) -> Outcome<bool> {
        let held = allocation::of_reservation(cloud, &reservation.id)?;
        let window = Window { start: lease.start.max(cloud.now), end: lease.end };
        let search = Search { lease, window, held: &held, own: None };
        let conditions = self.conditions(&reservation.own)?;
        let chosen = self.choose(cloud, &conditions, (1, 1), &search)?;
        allocation::drop_one(cloud, &reservation.id, failed)?;
        self.take(cloud, lease, &reservation.id, (&chosen, window))?;
        Ok(!chosen.is_empty())
    }

    fn conditions(&self, own: &Body) -> Outcome<Vec<Condition>> {
        let mut conditions = Vec::new();
        for key in self.filters {
            conditions.extend(filter::parse(own.get(*key).unwrap_or(&Value::Null))?);
        }
        Ok(conditions)
    }

    /// Returns free things that meet the conditions: as many as there are up to the range's end,
    /// none where there are fewer than its beginning.
    ///
    /// Things that nobody wants now or later come first if they are enough, as in Blazar.
    fn choose(
        &self,
        cloud: &Cloud<'_>,
        conditions: &[Condition],
        (least, most): (usize, usize),
        search: &Search<'_>,
    ) -> Outcome<Vec<String>> {
        let window = allocation::with_cleaning(cloud, search.window);
        let (mut shared, mut untouched) = (Vec::new(), Vec::new());
        for resource in filter::select(self.resources(cloud), conditions)? {
            let id = &resource.id;
            if search.held.contains(id)
                || !inventory::allows(cloud, resource, &search.lease.project_id)?
                || !is_reservable(cloud, resource)
            {
                continue;
            }
            if !allocation::is_wanted(cloud, self.pool, id)? {
                untouched.push(id.clone());
            } else if allocation::is_free(cloud, self.pool, id, (window, search.own))? {
                shared.push(id.clone());
            }
        }
        let mut chosen = untouched;
        if chosen.len() < least {
            shared.append(&mut chosen);
            chosen = shared;
        }
        if chosen.len() < least {
            return Ok(Vec::new());
        }
        chosen.truncate(most);
        Ok(chosen)
    }

    fn take(
        &self,
        cloud: &Cloud<'_>,
        lease: &Lease,
        reservation: &str,
        (chosen, window): (&[String], Window),
    ) -> Outcome<()> {
        let claim = Claim {
            reservation: reservation.to_owned(),
            lease: lease.id.clone(),
            user: user_name(cloud, &lease.user_id)?,
            background: false,
        };
        for resource in chosen {
            allocation::take(cloud, self.pool, resource, (&claim, window))?;
        }
        Ok(())
    }
}

/// Whose lease looks for things, when, and what it already has.
struct Search<'s> {
    lease: &'s Lease,
    window: Window,
    held: &'s [String],
    /// The reservation whose things count as free.
    own: Option<&'s str>,
}

/// Tells whether a thing works and its operators let it be reserved.
pub(crate) fn is_reservable(cloud: &Cloud<'_>, resource: &Resource) -> bool {
    resource.columns.get("reservable").and_then(Value::as_bool).unwrap_or(true)
        && !has_failed(cloud, resource)
}

/// Tells whether the world's settings say that a thing has failed.
pub(crate) fn has_failed(cloud: &Cloud<'_>, resource: &Resource) -> bool {
    cloud.settings.failed_hosts.iter().any(|failed| {
        [resource.name.as_str(), resource.property("uid"), resource.column("hypervisor_hostname")]
            .contains(&failed.as_str())
    })
}

fn range(least: Option<&Value>, most: Option<&Value>) -> Outcome<(usize, usize)> {
    let bound = |value: Option<&Value>, name: &str| {
        let value = value.filter(|value| !value.is_null()).ok_or_else(|| missing(name))?;
        json::as_number(value).ok_or_else(|| malformed(name))
    };
    let (least, most) = (bound(least, "min")?, bound(most, "max")?);
    match (usize::try_from(least), usize::try_from(most)) {
        (Ok(least @ 1..), Ok(most @ 1..)) if most >= least => Ok((least, most)),
        (Ok(1..), Ok(1..)) => Err(no(
            400,
            "Invalid values for min/max of hosts. Max must be equal to or larger than min.",
        )),
        _ => Err(malformed("min and max (must be greater than or equal to 1)")),
    }
}

fn set_range(reservation: &mut Reservation, (least, most): (usize, usize)) {
    reservation.own.insert("min".to_owned(), json!(least));
    reservation.own.insert("max".to_owned(), json!(most));
}
