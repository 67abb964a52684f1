-- Events that could not be handled, for the keeper: SELECT name, body FROM archive.
CREATE TABLE archive (
    name    TEXT    PRIMARY KEY,
    body    BLOB    NOT NULL,
    kept_at INTEGER NOT NULL
) STRICT;
CREATE INDEX archive_by_time ON archive (kept_at);
