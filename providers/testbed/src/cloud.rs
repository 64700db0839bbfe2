//! One site at one instant: what both calls and due events work on.

use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};

use crate::{
    due::What,
    reply::Outcome,
    settings::Settings,
    site::Site,
    store::{Kind, Object, Store},
    world,
};

/// A site's objects and the present instant of its world.
#[derive(Clone, Copy)]
pub(crate) struct Cloud<'a> {
    pub(crate) store: Store<'a>,
    pub(crate) site: &'static Site,
    pub(crate) now: Timestamp,
    pub(crate) settings: &'a Settings,
}

impl<'a> Deref for Cloud<'a> {
    type Target = Store<'a>;

    fn deref(&self) -> &Store<'a> {
        &self.store
    }
}

impl Cloud<'_> {
    /// Draws a new unique id.
    pub(crate) fn new_id(&self) -> Outcome<String> {
        Ok(world::next_id(self.conn)?.to_string())
    }

    /// Returns the present instant as Nova, Neutron and Glance write it.
    pub(crate) fn stamp(&self) -> String {
        self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Lets `what` happen to the object `id` in `seconds` of the world's time.
    pub(crate) fn later(&self, seconds: u32, what: What, id: &str) -> Outcome<()> {
        let due = self.now.saturating_add(SignedDuration::from_secs(i64::from(seconds)));
        self.at(due.unwrap_or(Timestamp::MAX), what, id)
    }

    /// Lets `what` happen to the object `id` at `due`.
    pub(crate) fn at(&self, due: Timestamp, what: What, id: &str) -> Outcome<()> {
        self.conn
            .prepare_cached("INSERT INTO event (due, rank, site, what, id) VALUES (?, ?, ?, ?, ?)")?
            .execute(rusqlite::params![
                due.as_microsecond(),
                what.rank(),
                self.site.region,
                what.name(),
                id
            ])?;
        Ok(())
    }

    /// Forgets that `what` was to happen to the object `id`.
    pub(crate) fn cancel(&self, what: What, id: &str) -> Outcome<()> {
        self.conn
            .prepare_cached("DELETE FROM event WHERE id = ? AND what = ? AND site = ?")?
            .execute(rusqlite::params![id, what.name(), self.site.region])?;
        Ok(())
    }

    /// Returns the limit of a resource: the world's setting, else `default`; `None` is unlimited.
    pub(crate) fn limit(&self, resource: &str, default: i64) -> Option<i64> {
        let limit = self.settings.quotas.get(resource).copied().unwrap_or(default);
        (limit >= 0).then_some(limit)
    }

    /// Changes an object that may be gone by now.
    pub(crate) fn amend(
        &self,
        kind: &'static Kind,
        id: &str,
        change: impl FnOnce(&mut Object),
    ) -> Outcome<()> {
        if let Some(mut object) = self.get(kind, id)? {
            change(&mut object);
            self.put(kind, &object)?;
        }
        Ok(())
    }
}
