-- One row per workspace: its identity, who may write, and what it has only one of.
CREATE TABLE workspace (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    lineage       TEXT    NOT NULL,
    serial        INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    holder        TEXT,                 -- id of the lock; NULL: nobody
    raised_in     INTEGER NOT NULL,     -- epoch whose command raised the serial
    next_intent   INTEGER NOT NULL,
    realm         TEXT,
    check_results TEXT,
    adopted_path  TEXT,
    adopted_hash  TEXT
) STRICT;

-- Objects as they are. deposed is '' for the current one.
CREATE TABLE object (
    workspace             INTEGER NOT NULL,
    addr                  TEXT    NOT NULL,
    deposed               TEXT    NOT NULL,
    provider              TEXT    NOT NULL,
    attributes            TEXT    NOT NULL,
    schema_version        INTEGER NOT NULL,
    private               BLOB,
    tainted               INTEGER NOT NULL,
    create_before_destroy INTEGER NOT NULL,
    rest                  TEXT,         -- what most objects lack, as JSON
    PRIMARY KEY (workspace, addr, deposed)
) STRICT;

-- Objects as they were before the command of that serial; provider is NULL where there was none.
CREATE TABLE former (
    workspace             INTEGER NOT NULL,
    serial                INTEGER NOT NULL,
    addr                  TEXT    NOT NULL,
    deposed               TEXT    NOT NULL,
    provider              TEXT,
    attributes            TEXT,
    schema_version        INTEGER,
    private               BLOB,
    tainted               INTEGER,
    create_before_destroy INTEGER,
    rest                  TEXT,
    PRIMARY KEY (workspace, serial, addr, deposed)
) STRICT, WITHOUT ROWID;                -- most rows are short: what was created was not there before

CREATE TABLE husk (
    workspace INTEGER NOT NULL,
    addr      TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    PRIMARY KEY (workspace, addr)
) STRICT;

CREATE TABLE output (
    workspace INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    sensitive INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;

CREATE TABLE scheduled (
    workspace  INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    addr       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    not_before TEXT,
    not_after  TEXT,
    reason     TEXT    NOT NULL,
    approval   TEXT,
    PRIMARY KEY (workspace, position)
) STRICT;

-- Open intents only; a final outcome removes the row. Numbers come from workspace.next_intent.
CREATE TABLE intent (
    workspace INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    addr      TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    marker    TEXT    NOT NULL,
    at        TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    planned   TEXT,
    object_id TEXT,
    deposed   TEXT,
    progress  TEXT    NOT NULL,         -- recorded, doubtful, accepted
    detail    TEXT,
    PRIMARY KEY (workspace, id)
) STRICT;

CREATE TABLE history (
    workspace INTEGER NOT NULL,
    serial    INTEGER NOT NULL,
    at        TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    who       TEXT    NOT NULL,
    changed   INTEGER NOT NULL,
    PRIMARY KEY (workspace, serial)
) STRICT;
