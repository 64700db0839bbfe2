//! What falls due: every request first carries it out, in order.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::{
    clock,
    cloud::Cloud,
    compute,
    reply::{Outcome, Refusal},
    settings::Settings,
    site,
    store::Store,
    volume,
};

/// A thing that happens by itself, some time after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    ServerSettles,
    ServerGone,
    VolumeSettles,
    VolumeGone,
}

type Happen = fn(&Cloud<'_>, &str) -> Outcome<()>;

const ROWS: &[(What, &str, Happen)] = &[
    (What::ServerSettles, "server settles", compute::build::settle),
    (What::ServerGone, "server gone", compute::build::vanish),
    (What::VolumeSettles, "volume settles", volume::life::settle),
    (What::VolumeGone, "volume gone", volume::life::vanish),
];

impl What {
    /// Returns the name under which the world's rows keep it.
    pub(crate) fn name(self) -> &'static str {
        ROWS.iter().find(|(what, ..)| *what == self).map_or("", |(_, name, _)| name)
    }
}

/// Carries out everything that is due at `now`, each thing at its own instant.
pub(crate) fn run(conn: &Connection, now: Timestamp, settings: &Settings) -> rusqlite::Result<()> {
    while let Some((seq, due, region, what, id)) = next(conn, now)? {
        conn.prepare_cached("DELETE FROM event WHERE seq = ?")?.execute([seq])?;
        let happen = ROWS.iter().find(|(_, name, _)| *name == what).map(|(.., happen)| happen);
        let (Some(site), Some(happen)) = (site::by_region(&region), happen) else { continue };
        let store = Store { conn, site: site.region };
        let cloud = Cloud { store, site, now: clock::at(due), settings };
        match happen(&cloud, &id) {
            // What a service would refuse by itself has nobody to be told.
            Ok(()) | Err(Refusal::Said { .. }) => {}
            Err(Refusal::Broken(error)) => return Err(error),
        }
    }
    Ok(())
}

type Event = (i64, i64, String, String, String);

fn next(conn: &Connection, now: Timestamp) -> rusqlite::Result<Option<Event>> {
    conn.prepare_cached(
        "SELECT seq, due, site, what, id FROM event WHERE due <= ? ORDER BY due, seq LIMIT 1",
    )?
    .query_row([now.as_microsecond()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })
    .optional()
}
