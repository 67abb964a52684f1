-- Times are nanoseconds since 1970 on the deployment's clock.

-- The latest time the file saw; one row.
CREATE TABLE clock (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    latest INTEGER NOT NULL
) STRICT;
INSERT INTO clock (one, latest) VALUES (1, 0);

CREATE TABLE messages (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    queue         TEXT    NOT NULL,
    body          BLOB    NOT NULL,
    sent_at       INTEGER NOT NULL,
    visible_at    INTEGER NOT NULL,
    dequeue_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT    NOT NULL DEFAULT '' -- of the last delivery; empty before the first
) STRICT;
CREATE INDEX messages_by_visibility ON messages (queue, visible_at, seq);

CREATE TABLE worlds (
    guild          TEXT    NOT NULL,
    world          TEXT    NOT NULL,
    etag           TEXT    NOT NULL,
    -- For people: read from the state with every write, never read back.
    ip             TEXT    NOT NULL,
    online_players INTEGER NOT NULL, -- -1: unknown
    status         TEXT    NOT NULL,
    generation     INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    PRIMARY KEY (guild, world)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    world      TEXT    PRIMARY KEY,
    id         TEXT    NOT NULL, -- of the holder; empty: released
    epoch      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
