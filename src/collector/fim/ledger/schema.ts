/**
 * The tables of the ledger. `MIGRATIONS[n]` takes a file from `user_version` n to n + 1; one that was released is never
 * edited, a change is a new entry.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Directories that hold entries, by encoded path. Entries name them by number: a path is stored once.
  CREATE TABLE directories (
    id   INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE
  ) STRICT;

  -- The baseline: what every watched file was when it was last looked at. Columns as in row.ts.
  CREATE TABLE entries (
    directory INTEGER NOT NULL,
    name      TEXT NOT NULL,
    type      INTEGER NOT NULL,
    device    INTEGER NOT NULL,
    inode     INTEGER NOT NULL,
    born      INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    mode      INTEGER NOT NULL,
    uid       INTEGER NOT NULL,
    gid       INTEGER NOT NULL,
    modified  INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    sha256    BLOB,
    unhashed  TEXT,
    target    TEXT,
    acl       BLOB,
    xattrs    BLOB,
    racy      INTEGER NOT NULL,
    PRIMARY KEY (directory, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entries_by_inode ON entries (inode);

  -- Text of files of rules that show differences: compressed, redacted.
  CREATE TABLE texts (
    directory INTEGER NOT NULL,
    name      TEXT NOT NULL,
    text      BLOB NOT NULL,
    PRIMARY KEY (directory, name)
  ) STRICT, WITHOUT ROWID;

  -- What is still to be looked at, most urgent lane first, newest first within one: the cursor of every walk. 'due' is 0 once
  -- its time has come, so that what is to wait is not passed over each time.
  CREATE TABLE pending (
    seq   INTEGER PRIMARY KEY,
    lane  INTEGER NOT NULL,
    due   INTEGER NOT NULL,
    kind  TEXT NOT NULL,
    path  TEXT NOT NULL,
    cause TEXT NOT NULL
  ) STRICT;
  CREATE INDEX pending_in_order ON pending (lane, seq DESC) WHERE due = 0;
  CREATE INDEX pending_later ON pending (due) WHERE due > 0;
  CREATE INDEX pending_by_lane ON pending (lane);
  CREATE UNIQUE INDEX pending_once ON pending (kind, path, lane);

  -- Sealed events that are not in the queue yet.
  CREATE TABLE spool (
    stream   TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    chain    TEXT NOT NULL,
    id       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (stream, sequence)
  ) STRICT, WITHOUT ROWID;

  -- Rules whose first walk is over ('established'), by id; 'covers' tells a rule that was changed.
  CREATE TABLE rules (
    id          TEXT PRIMARY KEY,
    covers      TEXT NOT NULL,
    established INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Heads of the chains, time of the last walk, events lost.
  CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;
