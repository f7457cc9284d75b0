/**
 * The schema step of manifests of administrators, events of hosts with their chains, and change events of assets. What an event
 * is found by is apart from its record, which is long: a search that no index helps reads the short rows alone. A number of an
 * event is never given again, not even when the newest ones go with their agent: who follows asks for what is behind a number.
 */
export const HOST_EVENTS = `
ALTER TABLE manifests ADD COLUMN own INTEGER NOT NULL DEFAULT 0;

CREATE TABLE event_hosts (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL UNIQUE REFERENCES agents(id) ON DELETE CASCADE
) STRICT;

CREATE TABLE event_streams (
  host INTEGER NOT NULL REFERENCES event_hosts(id) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  chain INTEGER,
  declared INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  oldestAt INTEGER,
  newestAt INTEGER,
  lost INTEGER NOT NULL DEFAULT 0,
  dropped INTEGER NOT NULL DEFAULT 0,
  droppedAt INTEGER,
  faults INTEGER NOT NULL DEFAULT 0,
  restarts INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (host, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_streams_oldest ON event_streams(oldestAt);

CREATE TABLE event_chains (
  id INTEGER PRIMARY KEY,
  host INTEGER NOT NULL REFERENCES event_hosts(id) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  uuid TEXT NOT NULL,
  startedAt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash TEXT NOT NULL,
  droppedTo INTEGER NOT NULL DEFAULT 0,
  droppedHash TEXT NOT NULL,
  UNIQUE (host, stream, uuid)
) STRICT;
CREATE INDEX event_chains_by_uuid ON event_chains(uuid);

CREATE TABLE host_events (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  host INTEGER NOT NULL REFERENCES event_hosts(id) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  chain INTEGER NOT NULL REFERENCES event_chains(id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL,
  declared INTEGER NOT NULL,
  id BLOB NOT NULL,
  at INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL,
  action TEXT NOT NULL,
  severity INTEGER NOT NULL,
  path TEXT,
  previousPath TEXT,
  user TEXT,
  actor TEXT,
  rule TEXT,
  fault TEXT,
  bytes INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_once ON host_events(host, id);
CREATE INDEX events_in_chain ON host_events(chain, sequence);
CREATE INDEX events_of_stream ON host_events(host, stream);
CREATE INDEX events_of_host ON host_events(host, at);
CREATE INDEX events_by_time ON host_events(at);
CREATE INDEX events_by_path ON host_events(path) WHERE path IS NOT NULL;
CREATE INDEX events_by_previous_path ON host_events(previousPath) WHERE previousPath IS NOT NULL;
CREATE INDEX events_by_user ON host_events(user) WHERE user IS NOT NULL;
CREATE INDEX events_by_actor ON host_events(actor) WHERE actor IS NOT NULL;
CREATE INDEX events_by_rule ON host_events(rule) WHERE rule IS NOT NULL;
CREATE INDEX events_by_action ON host_events(action);
CREATE INDEX events_by_severity ON host_events(severity);

CREATE TABLE event_records (
  n INTEGER PRIMARY KEY REFERENCES host_events(n) ON DELETE CASCADE,
  record TEXT NOT NULL
) STRICT;

CREATE TABLE event_gaps (
  host INTEGER NOT NULL REFERENCES event_hosts(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  stream TEXT NOT NULL,
  count INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  firstAt TEXT NOT NULL,
  lastAt TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (host, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_gaps_newest ON event_gaps(host, at);

CREATE TABLE event_faults (
  id INTEGER PRIMARY KEY,
  host INTEGER NOT NULL REFERENCES event_hosts(id) ON DELETE CASCADE,
  stream TEXT NOT NULL,
  chain TEXT NOT NULL,
  kind TEXT NOT NULL,
  expected TEXT NOT NULL,
  found TEXT NOT NULL,
  event TEXT NOT NULL,
  at INTEGER NOT NULL,
  missingFrom INTEGER NOT NULL,
  missingTo INTEGER NOT NULL,
  missing INTEGER NOT NULL,
  mendedAt INTEGER
) STRICT;
CREATE INDEX event_faults_newest ON event_faults(host, id);

CREATE TABLE asset_changes (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL REFERENCES agents(id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  seq INTEGER NOT NULL,
  event TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  before TEXT,
  after TEXT
) STRICT;
CREATE INDEX asset_changes_newest ON asset_changes(agent, id);
`;
