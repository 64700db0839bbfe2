//! The tables of a world.

/// Rises with every change of the tables; a world of another version is refused.
pub(crate) const VERSION: i64 = 3;

/// All tables, so that a reset can empty them.
pub(crate) const TABLES: &[&str] = &[
    "object",
    "link",
    "usage",
    "event",
    "allocation",
    "share",
    "address",
    "pool_cursor",
    "project",
    "account",
    "token",
    "project_site",
    "world",
];

/// One row per thing of the cloud in `object`, its JSON as the API shows it; keys that begin with
/// `_` are the simulation's own. `link` holds the attributes by which things are looked up, so
/// that no request reads all objects of a kind.
pub(crate) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS world (
    id TEXT NOT NULL,              -- realm of the states bound to it
    drawn INTEGER NOT NULL,        -- ids handed out
    requests INTEGER NOT NULL,     -- requests answered under `reply_after`
    instant INTEGER NOT NULL,      -- the world's time, microseconds since 1970
    anchor INTEGER NOT NULL,       -- real time at `instant`, where it runs
    settings TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    site TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    project TEXT NOT NULL,
    seeded INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (site, kind, id)
);
CREATE INDEX IF NOT EXISTS object_kind ON object (site, kind, seq);
CREATE TABLE IF NOT EXISTS link (
    site TEXT NOT NULL,
    kind TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (site, kind, attribute, value, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_seq ON link (seq);
CREATE TABLE IF NOT EXISTS usage (
    site TEXT NOT NULL,
    project TEXT NOT NULL,
    resource TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (site, project, resource)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    due INTEGER NOT NULL,
    rank INTEGER NOT NULL,         -- order of what is due at one instant
    site TEXT NOT NULL,
    what TEXT NOT NULL,
    id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_due ON event (due, rank, seq);
CREATE INDEX IF NOT EXISTS event_id ON event (id, what);
CREATE INDEX IF NOT EXISTS event_what ON event (what, due);
CREATE TABLE IF NOT EXISTS allocation (
    site TEXT NOT NULL,
    pool TEXT NOT NULL,            -- kind of thing: a segment of Blazar's paths
    resource TEXT NOT NULL,
    start INTEGER NOT NULL,        -- microseconds since 1970, as all times here
    finish INTEGER NOT NULL,
    reservation TEXT NOT NULL,
    lease TEXT NOT NULL,
    user TEXT NOT NULL,
    background INTEGER NOT NULL,   -- whether the world invented it
    PRIMARY KEY (site, pool, resource, start)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS allocation_reservation ON allocation (site, reservation);
CREATE TABLE IF NOT EXISTS share (
    site TEXT NOT NULL,
    host TEXT NOT NULL,
    start INTEGER NOT NULL,
    finish INTEGER NOT NULL,
    reservation TEXT NOT NULL,
    lease TEXT NOT NULL,
    user TEXT NOT NULL,
    amount INTEGER NOT NULL,       -- servers of the reservation on this host
    vcpus INTEGER NOT NULL,        -- of all of them together, as what follows
    memory_mb INTEGER NOT NULL,
    disk_gb INTEGER NOT NULL,
    gpus INTEGER NOT NULL,
    background INTEGER NOT NULL,
    PRIMARY KEY (site, host, start, reservation)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS share_reservation ON share (site, reservation);
CREATE TABLE IF NOT EXISTS address (
    site TEXT NOT NULL,
    subnet TEXT NOT NULL,
    address BLOB NOT NULL,         -- 16 bytes, big-endian, so that they sort
    owner TEXT NOT NULL,
    PRIMARY KEY (site, subnet, address)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pool_cursor (
    site TEXT NOT NULL,
    subnet TEXT NOT NULL,
    address BLOB NOT NULL,
    PRIMARY KEY (site, subnet)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS project (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS project_site (
    project TEXT NOT NULL,
    site TEXT NOT NULL,
    PRIMARY KEY (project, site)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    project TEXT NOT NULL,
    account TEXT NOT NULL,
    method TEXT NOT NULL,
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
";
