//! What falls due: every request first carries it out, in order.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use crate::{
    clock,
    cloud::Cloud,
    compute,
    reply::{Outcome, Refusal},
    reservation,
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
    LeaseNotice,
    LeaseEnds,
    LeaseEnded,
    LeaseStarts,
    LeaseStarted,
    LeaseIdle,
    LoadGrows,
}

type Happen = fn(&Cloud<'_>, &str) -> Outcome<()>;

/// A row: what happens, its name in the world's rows, its place among what is due at the same
/// instant, and whether clients that wait may be told of it.
struct Row {
    what: What,
    name: &'static str,
    rank: i64,
    told: bool,
    happen: Happen,
}

const fn row(what: What, name: &'static str, rank: i64, happen: Happen) -> Row {
    Row { what, name, rank, told: true, happen }
}

/// Returns a row of which clients that wait are not told.
const fn silent(what: What, name: &'static str, rank: i64, happen: Happen) -> Row {
    Row { what, name, rank, told: false, happen }
}

const ROWS: &[Row] = &[
    row(What::ServerSettles, "server settles", 0, compute::build::settle),
    row(What::ServerGone, "server gone", 0, compute::build::deleted),
    row(What::VolumeSettles, "volume settles", 0, volume::life::settle),
    row(What::VolumeGone, "volume gone", 0, volume::life::deleted),
    // A lease that ends frees its hosts for one that starts at the same time.
    row(What::LeaseNotice, "lease notice", 1, reservation::ticks::notice),
    row(What::LeaseEnds, "lease ends", 2, reservation::ticks::end),
    row(What::LeaseEnded, "lease ended", 2, reservation::ticks::ended),
    row(What::LeaseStarts, "lease starts", 3, reservation::ticks::start),
    row(What::LeaseStarted, "lease started", 3, reservation::ticks::started),
    silent(What::LeaseIdle, "lease idle", 4, reservation::reaper::reap),
    silent(What::LoadGrows, "load grows", 5, reservation::load::grow),
];

impl What {
    /// Returns the name under which the world's rows keep it.
    pub(crate) fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// Returns its place among what is due at the same instant.
    pub(crate) fn rank(self) -> i64 {
        self.row().map_or(0, |row| row.rank)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.what == self)
    }
}

/// Carries out everything that is due at `now`, each thing at its own instant, and tells whether
/// there was anything: it may have changed the settings, in which faults are counted.
pub(crate) fn run(
    conn: &Connection,
    now: Timestamp,
    settings: &Settings,
) -> rusqlite::Result<bool> {
    let mut any = false;
    while let Some((seq, due, region, what, id)) = next(conn, now)? {
        any = true;
        conn.prepare_cached("DELETE FROM event WHERE seq = ?")?.execute([seq])?;
        let happen = ROWS.iter().find(|row| row.name == what).map(|row| row.happen);
        let (Some(site), Some(happen)) = (site::by_region(&region), happen) else { continue };
        let store = Store { conn, site: site.region };
        let cloud = Cloud { store, site, now: clock::at(due), settings };
        match happen(&cloud, &id) {
            // What a service would refuse by itself has nobody to be told.
            Ok(()) | Err(Refusal::Said { .. }) => {}
            Err(Refusal::Broken(error)) => return Err(error),
        }
    }
    Ok(any)
}

type Event = (i64, i64, String, String, String);

fn next(conn: &Connection, now: Timestamp) -> rusqlite::Result<Option<Event>> {
    conn.prepare_cached(
        "SELECT seq, due, site, what, id FROM event WHERE due <= ? ORDER BY due, rank, seq LIMIT 1",
    )?
    .query_row([now.as_microsecond()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
    })
    .optional()
}

/// Returns the first instant, in microseconds, and the number of things to come that a waiting
/// client may see.
pub(crate) fn told(conn: &Connection) -> rusqlite::Result<(Option<i64>, i64)> {
    let mut statement =
        conn.prepare_cached("SELECT min(due), count(*) FROM event WHERE what = ?")?;
    let (mut first, mut count) = (None, 0);
    for row in ROWS.iter().filter(|row| row.told) {
        let (due, more): (Option<i64>, i64) =
            statement.query_row([row.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        first = match (first, due) {
            (Some(first), Some(due)) => Some(due.min(first)),
            (first, due) => first.or(due),
        };
        count += more;
    }
    Ok((first, count))
}
