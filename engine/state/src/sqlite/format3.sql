-- Each row ends in `sum`: the first 64 bits of the BLAKE3 of its other columns, in order.

-- One row per workspace: its identity, who may write, and how far it is.
CREATE TABLE workspace (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL UNIQUE,
    lineage     TEXT    NOT NULL,
    serial      INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    holder      TEXT,                   -- id of the lock; NULL: nobody
    raised_in   INTEGER NOT NULL,       -- epoch whose command raised the serial
    next_intent INTEGER NOT NULL,
    commits     INTEGER NOT NULL,       -- transactions so far
    changed     INTEGER NOT NULL,       -- what the command of the serial has changed so far
    objects     INTEGER NOT NULL,       -- exclusive or of the sums in `object`: no row is missing
    sum         INTEGER NOT NULL
) STRICT;

-- What a workspace has only one of, and what is seldom written: check results, the adopted file.
CREATE TABLE note (
    workspace INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    sum       INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;

-- Where objects exist: thousands of them in the same place.
CREATE TABLE realm (
    id        INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    sum       INTEGER NOT NULL,
    UNIQUE (workspace, name)
) STRICT;

-- Sets of instances that many objects read, as a JSON list of addresses. They stay as long as the history,
-- whose rows name them too.
CREATE TABLE instance_set (
    workspace INTEGER NOT NULL,
    hash      TEXT    NOT NULL,
    members   TEXT    NOT NULL,
    sum       INTEGER NOT NULL,
    PRIMARY KEY (workspace, hash)
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
    status                INTEGER NOT NULL,     -- 0 ready, 1 tainted, 2 created and not provisioned
    create_before_destroy INTEGER NOT NULL,
    realm                 INTEGER,
    rest                  TEXT,                 -- what most objects lack, as JSON
    sum                   INTEGER NOT NULL,
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
    status                INTEGER,
    create_before_destroy INTEGER,
    realm                 INTEGER,
    rest                  TEXT,
    sum                   INTEGER NOT NULL,
    PRIMARY KEY (workspace, serial, addr, deposed)
) STRICT, WITHOUT ROWID;                -- most rows are short: what was created was not there before

CREATE TABLE husk (
    workspace INTEGER NOT NULL,
    addr      TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    sum       INTEGER NOT NULL,
    PRIMARY KEY (workspace, addr)
) STRICT;

CREATE TABLE output (
    workspace INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    sensitive INTEGER NOT NULL,
    until     TEXT,                     -- when it ends with what it reads; NULL: it stays
    sum       INTEGER NOT NULL,
    PRIMARY KEY (workspace, name)
) STRICT;

CREATE TABLE scheduled (
    workspace  INTEGER NOT NULL,
    addr       TEXT    NOT NULL,
    deposed    TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    not_before TEXT,
    not_after  TEXT,
    reason     TEXT    NOT NULL,
    approval   TEXT,
    inputs     TEXT,                    -- what the approval covers, by name, as JSON
    sum        INTEGER NOT NULL,
    PRIMARY KEY (workspace, addr, deposed, action)
) STRICT;

-- Open intents only; an outcome removes the row. Numbers come from workspace.next_intent.
CREATE TABLE intent (
    workspace  INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    addr       TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    marker     TEXT    NOT NULL,
    at         TEXT    NOT NULL,
    cloud_at   TEXT,                    -- the same instant by the service's clock
    realm      INTEGER,
    provider   TEXT    NOT NULL,
    planned    TEXT,
    object_id  TEXT,
    deposed    TEXT,
    follow_ups TEXT,                    -- what must follow a create, as a JSON list
    progress   TEXT    NOT NULL,        -- recorded, doubtful, accepted
    detail     TEXT,
    sum        INTEGER NOT NULL,
    PRIMARY KEY (workspace, id)
) STRICT;

CREATE TABLE history (
    workspace INTEGER NOT NULL,
    serial    INTEGER NOT NULL,
    at        TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    who       TEXT    NOT NULL,
    changed   INTEGER NOT NULL,         -- of the latest serial, see workspace.changed
    sum       INTEGER NOT NULL,
    PRIMARY KEY (workspace, serial)
) STRICT;
