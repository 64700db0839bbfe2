//! The calendar of a pool: which thing is taken when, by whom; and what is free.

mod pool;
mod thing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use terrarium_provider::Window;

use super::date;
use super::filter::{self, Condition};
use crate::client::{ApiError, Call, Service, Session};
use crate::look::elements;

pub(super) use pool::Pool;
use thing::taken_of;
pub(super) use thing::{Taken, Thing};

/// Most starts that are tried when a free window is looked for.
const STARTS: usize = 2_000;

/// What is asked of a calendar.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    /// What the things must be like.
    pub(super) conditions: &'a [Condition],
    /// Time for cleaning around each lease.
    pub(super) cleaning: SignedDuration,
    /// Leases that do not count.
    pub(super) except: BTreeSet<String>,
    /// The project that asks, where it is known.
    pub(super) project: Option<&'a str>,
}

/// The calendar of a pool.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    /// The pool.
    pub(super) pool: Pool,
    /// Its things, in the service's order.
    pub(super) things: Vec<Thing>,
}

impl Calendar {
    /// Reads a pool and its allocations; a list that was read a moment ago is used again.
    pub(super) async fn read(
        session: &Session,
        region: &str,
        pool: Pool,
    ) -> Result<Self, ApiError> {
        let call = |path: String| Call::get(Service::Reservation, region, path);
        let things = session.shared_list(&call(pool.path().into()), pool.things()).await?;
        let path = format!("{}/allocations", pool.path());
        let taken = match session.shared_list(&call(path), "allocations").await {
            // Plain Blazar lists floating IPs, and shows nobody who has them when.
            Err(error) if pool == Pool::FloatingIps && error.status() == Some(404) => {
                Arc::default()
            }
            read => read?,
        };
        let mut by_thing: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
        for allocation in taken.iter() {
            let id =
                allocation.get("resource_id").map(crate::wire::scalar_text).unwrap_or_default();
            let all = elements(allocation, "reservations").iter().filter_map(taken_of);
            by_thing.entry(id).or_default().extend(all);
        }
        let things = things.iter().map(|json| {
            let mut thing = Thing::of(json);
            thing.taken = by_thing.remove(&thing.id).unwrap_or_default();
            thing.taken.sort_by_key(|taken| taken.from);
            thing
        });
        Ok(Self { pool, things: things.collect() })
    }

    /// Returns what fits, whenever it is free.
    pub(super) fn fitting(&self, ask: &Ask<'_>) -> Vec<&Thing> {
        let fits = |thing: &&Thing| {
            thing.reservable
                && thing.open_to(ask.project)
                && filter::meets(&thing.properties, ask.conditions)
        };
        self.things.iter().filter(fits).collect()
    }

    /// Returns what fits and is free in a window; first what nobody has ever asked for, as Blazar takes
    /// it.
    pub(super) fn free(&self, ask: &Ask<'_>, window: (Timestamp, Timestamp)) -> Vec<&Thing> {
        let mut free = self.fitting(ask);
        free.retain(|thing| thing.is_free(ask, window));
        free.sort_by_key(|thing| !thing.taken.is_empty());
        free
    }

    /// Returns the earliest window of a length in which so many are free, not before `from`.
    pub(super) fn next_window(
        &self,
        ask: &Ask<'_>,
        (count, length): (usize, SignedDuration),
        from: Timestamp,
    ) -> Option<(Timestamp, Timestamp)> {
        let fitting = self.fitting(ask);
        if fitting.len() < count {
            return None;
        }
        let ends = fitting.iter().flat_map(|thing| &thing.taken);
        let mut starts: Vec<Timestamp> = ends
            .map(|taken| date::later(taken.until, ask.cleaning))
            .filter(|at| *at > from)
            .collect();
        starts.push(from);
        starts.sort();
        starts.dedup();
        starts.truncate(STARTS);
        starts.into_iter().map(|start| (start, date::later(start, length))).find(|window| {
            fitting.iter().filter(|thing| thing.is_free(ask, *window)).take(count).count() >= count
        })
    }

    /// Returns the windows, each as long as possible, in which the same so many are free, between two
    /// instants; with each, how many are free all the time.
    pub(super) fn windows(
        &self,
        ask: &Ask<'_>,
        (count, length): (usize, SignedDuration),
        (from, until): (Timestamp, Timestamp),
    ) -> Vec<(Window, usize)> {
        let fitting = self.fitting(ask);
        let taken = fitting.iter().flat_map(|thing| &thing.taken);
        let mut starts: Vec<Timestamp> =
            taken.map(|taken| date::later(taken.until, ask.cleaning)).collect();
        starts.retain(|at| from < *at && *at < until);
        starts.push(from);
        starts.sort();
        starts.dedup();
        let mut found: Vec<(Timestamp, Timestamp, usize)> = Vec::new();
        for start in starts {
            let ends = fitting.iter().filter_map(|thing| thing.free_until(ask, start));
            let mut ends: Vec<Timestamp> = ends.map(|end| end.min(until)).collect();
            ends.sort_by(|a, b| b.cmp(a));
            let Some(end) = count.checked_sub(1).and_then(|last| ends.get(last)).copied() else {
                continue;
            };
            let free = ends.iter().filter(|one| **one >= end).count();
            // One that lies within the one before tells nothing new.
            let new = found.last().is_none_or(|(_, last, _)| *last < end);
            if new && end.duration_since(start) >= length {
                found.push((start, end, free));
            }
        }
        let windows = found.into_iter();
        windows
            .filter_map(|(from, until, free)| Some((Window::new(from, Some(until))?, free)))
            .collect()
    }

    /// Counts what is free in a window, by type; what only the given ask would take stays out.
    pub(super) fn by_type(
        &self,
        ask: &Ask<'_>,
        window: (Timestamp, Timestamp),
    ) -> BTreeMap<&str, Vec<&Thing>> {
        let any = Ask { conditions: &[], ..ask.clone() };
        let mut types: BTreeMap<&str, Vec<&Thing>> = BTreeMap::new();
        for thing in self.free(&any, window) {
            let kind = thing.property(self.pool.type_property());
            if !kind.is_empty() {
                types.entry(kind).or_default().push(thing);
            }
        }
        types
    }

    /// Returns what a lease has.
    pub(super) fn held_by(&self, lease: &str) -> Vec<&Thing> {
        let holds = |thing: &&Thing| thing.taken.iter().any(|taken| taken.lease == lease);
        self.things.iter().filter(holds).collect()
    }
}

#[cfg(test)]
mod tests;
