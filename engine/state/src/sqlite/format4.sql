-- What adds to format 3.

-- How often a scheduled action was tried in vain: actions that never failed have no row.
CREATE TABLE trial (
    workspace   INTEGER NOT NULL,
    addr        TEXT    NOT NULL,
    deposed     TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    failures    INTEGER NOT NULL,
    recreations INTEGER NOT NULL,       -- how often what it left broken was made anew
    again       TEXT,                   -- when it is tried again
    sum         INTEGER NOT NULL,
    PRIMARY KEY (workspace, addr, deposed, action)
) STRICT;
