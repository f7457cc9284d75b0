/**
 * The tables of `agent.db`. `MIGRATIONS[n]` takes a database from `user_version` n to n + 1; one that was released is
 * never edited, a change is a new entry. Text compares bytewise over UTF-8 (SQLite's BINARY collation), which is the
 * key order of the protocol.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- One row per stream of events. 'sent_to' is the newest position that may have left the host.
  CREATE TABLE streams (
    stream        TEXT PRIMARY KEY,
    limit_bytes   INTEGER NOT NULL,
    records       INTEGER NOT NULL DEFAULT 0,
    bytes         INTEGER NOT NULL DEFAULT 0,
    dropped       INTEGER NOT NULL DEFAULT 0,
    last_position INTEGER NOT NULL DEFAULT 0,
    sent_to       INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;

  -- Queued records in order of 'position', which is never used twice. One tree and one index: every page that a
  -- commit touches goes to the log, so fewer trees make durable cheaper. A gap record has no body; it stands for 'lost' records of 'lost_bytes'.
  CREATE TABLE events (
    stream     TEXT NOT NULL,
    position   INTEGER NOT NULL,
    id         TEXT NOT NULL,
    at         INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    body       TEXT,
    lost       INTEGER NOT NULL DEFAULT 0,
    lost_bytes INTEGER NOT NULL DEFAULT 0,
    last_at    INTEGER,
    PRIMARY KEY (stream, position)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX events_by_id ON events (stream, id);

  -- The agent's copy of what the platform holds, per manifest type.
  CREATE TABLE sync_state (
    type          TEXT PRIMARY KEY,
    seq           INTEGER NOT NULL,
    root          TEXT NOT NULL,
    rows          INTEGER NOT NULL,
    tables        TEXT NOT NULL,
    collected_at  INTEGER NOT NULL,
    uploaded_at   INTEGER NOT NULL,
    processed_seq INTEGER,
    processed_at  INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE snapshot_items (
    type TEXT NOT NULL,
    key  TEXT NOT NULL,
    row  TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (type, key)
  ) STRICT, WITHOUT ROWID;

  -- The one collection that waits to be uploaded: its terms, its changes, its encoded body in segments.
  CREATE TABLE pending (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    type            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    base_seq        INTEGER NOT NULL,
    base_root       TEXT NOT NULL,
    new_seq         INTEGER NOT NULL,
    new_root        TEXT NOT NULL,
    rows            INTEGER NOT NULL,
    tables          TEXT NOT NULL,
    set_count       INTEGER NOT NULL,
    del_count       INTEGER NOT NULL,
    collected_at    INTEGER NOT NULL,
    encoding        TEXT NOT NULL,
    chunk_bytes     INTEGER NOT NULL,
    encoded_bytes   INTEGER NOT NULL,
    raw_bytes       INTEGER NOT NULL,
    digest          TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    upload_id       TEXT
  ) STRICT;
  CREATE TABLE pending_changes (
    key  TEXT PRIMARY KEY,
    row  TEXT,
    hash TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE pending_body (
    n     INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE kv (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Commands of the platform that were begun here; without a result one was cut short.
  CREATE TABLE commands (
    n      INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE,
    type   TEXT NOT NULL,
    result TEXT
  ) STRICT;
  `,
  `
  -- The collection under way: its items, each with the part that it came with. Parts below 'part' are complete; 'noted' says
  -- what they are to whoever goes on with it after a restart.
  CREATE TABLE staged (
    key  TEXT PRIMARY KEY,
    row  TEXT NOT NULL,
    hash TEXT NOT NULL,
    part INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE staged_scan (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    type  TEXT NOT NULL,
    part  INTEGER NOT NULL,
    noted TEXT NOT NULL
  ) STRICT;
  `,
];

/** The version that this build writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;
