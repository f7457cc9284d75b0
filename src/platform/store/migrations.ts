import { HOST_EVENTS } from './migration-host-events.ts';

/** Schema steps; `user_version` counts the ones applied. A step that was released is never edited, only followed. */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, createdAt INTEGER NOT NULL) STRICT;

CREATE TABLE activation_keys (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL REFERENCES customers(id),
  title TEXT NOT NULL,
  modules TEXT NOT NULL,
  tags TEXT NOT NULL,
  maxAgents INTEGER,
  expiresAt INTEGER,
  disabled INTEGER NOT NULL DEFAULT 0,
  createdAt INTEGER NOT NULL
) STRICT;

CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL REFERENCES customers(id),
  activationKey TEXT NOT NULL REFERENCES activation_keys(id),
  publicKey TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  hostname TEXT NOT NULL,
  host TEXT NOT NULL,
  tags TEXT NOT NULL,
  modules TEXT NOT NULL,
  counter INTEGER NOT NULL DEFAULT -1,
  provisionedAt INTEGER NOT NULL,
  lastCheckedIn INTEGER,
  lastSeen INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT '{}',
  agentVersion TEXT NOT NULL,
  uninstalledAt INTEGER
) STRICT;
CREATE INDEX agents_by_key ON agents(activationKey);
CREATE INDEX agents_by_hostname ON agents(hostname);

CREATE TABLE profiles (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL REFERENCES customers(id),
  position INTEGER NOT NULL,
  isDefault INTEGER NOT NULL DEFAULT 0,
  includeTags TEXT NOT NULL,
  excludeTags TEXT NOT NULL,
  hostNames TEXT NOT NULL,
  content TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_default_profile ON profiles(customer) WHERE isDefault = 1;

CREATE TABLE agent_config (
  agent TEXT PRIMARY KEY REFERENCES agents(id),
  version INTEGER NOT NULL,
  hash TEXT NOT NULL,
  content TEXT NOT NULL,
  issuedAt INTEGER NOT NULL
) STRICT;

CREATE TABLE manifests (
  type TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  hash TEXT NOT NULL,
  content TEXT NOT NULL,
  issuedAt INTEGER NOT NULL
) STRICT;

CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  type TEXT NOT NULL,
  seq INTEGER NOT NULL,
  root TEXT NOT NULL,
  committedAt INTEGER NOT NULL,
  processedSeq INTEGER,
  processedAt INTEGER,
  UNIQUE (agent, type)
) STRICT;

CREATE TABLE snapshot_items (
  snapshot INTEGER NOT NULL REFERENCES snapshots(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  row TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (snapshot, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  kind TEXT NOT NULL,
  type TEXT,
  request TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  finishedAt INTEGER,
  status INTEGER,
  reply TEXT
) STRICT;
CREATE INDEX uploads_by_agent ON uploads(agent, createdAt);

CREATE TABLE chunks (
  upload TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (upload, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE staged (
  upload TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  row TEXT,
  hash TEXT,
  PRIMARY KEY (upload, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE commits (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  type TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  rawBytes INTEGER NOT NULL,
  encodedBytes INTEGER NOT NULL,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL
) STRICT;
CREATE INDEX commits_by_agent ON commits(agent, type, id);

CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  type TEXT NOT NULL,
  seq INTEGER NOT NULL,
  op TEXT NOT NULL,
  key TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_agent ON changes(agent, id);

CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  type TEXT NOT NULL,
  args TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  acknowledgedAt INTEGER,
  result TEXT,
  detail TEXT
) STRICT;
CREATE INDEX commands_waiting ON commands(agent, createdAt) WHERE acknowledgedAt IS NULL;

CREATE TABLE activities (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  activity TEXT NOT NULL,
  detail TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX activities_by_agent ON activities(agent, at);

CREATE TABLE records (
  id TEXT NOT NULL,
  agent TEXT NOT NULL REFERENCES agents(id),
  kind TEXT NOT NULL,
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (agent, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id),
  advisory TEXT NOT NULL,
  package TEXT NOT NULL,
  status TEXT NOT NULL,
  certainty TEXT NOT NULL,
  installedVersion TEXT NOT NULL,
  fixedVersion TEXT,
  severity TEXT NOT NULL,
  score REAL,
  cves TEXT NOT NULL,
  summary TEXT NOT NULL,
  firstSeen INTEGER NOT NULL,
  lastSeen INTEGER NOT NULL,
  fixedAt INTEGER,
  UNIQUE (agent, advisory, package)
) STRICT;

CREATE TABLE nonces (
  keyId TEXT NOT NULL,
  nonce TEXT NOT NULL,
  expiresAt INTEGER NOT NULL,
  PRIMARY KEY (keyId, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces(expiresAt);

CREATE TABLE idempotency (
  agent TEXT NOT NULL,
  key TEXT NOT NULL,
  path TEXT NOT NULL,
  digest TEXT NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (agent, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency(at);
`,
  // What lets every table be kept within its bound at the price of an index look-up.
  `
ALTER TABLE uploads ADD COLUMN lastAt INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET lastAt = createdAt;
CREATE INDEX uploads_finished ON uploads(agent, finishedAt) WHERE status IS NOT NULL;
CREATE INDEX idempotency_by_agent ON idempotency(agent, at);
CREATE INDEX activities_newest ON activities(agent, id);
CREATE INDEX records_newest ON records(agent, at);
CREATE INDEX commands_done ON commands(agent, acknowledgedAt) WHERE acknowledgedAt IS NOT NULL;
ALTER TABLE snapshots ADD COLUMN correlatedWith TEXT NOT NULL DEFAULT '';
`,
  // Scan merge: what agents say that scanners can read from them, and whether a customer wants it used.
  `
ALTER TABLE agents ADD COLUMN correlationId TEXT;
CREATE INDEX agents_by_correlation ON agents(correlationId) WHERE correlationId IS NOT NULL;
ALTER TABLE customers ADD COLUMN correlation INTEGER NOT NULL DEFAULT 0;
`,
  HOST_EVENTS,
];
