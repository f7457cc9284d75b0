import type { EventGap } from '../../shared/event-payload.ts';
import type { Facets } from '../events/facets.ts';
import type { Fault } from '../events/link.ts';
import { CHAIN_START } from '../../wire/event-chain.ts';
import type { Db } from './database.ts';

/** One stream of events of one host. Times in ms since the epoch, as the platform received. */
export interface StreamState {
  readonly host: number;
  readonly stream: string;
  /** The chain that the newest event belongs to. */
  chain: number | null;
  /** Records that gaps since the newest event stand for. */
  declared: number;
  events: number;
  bytes: number;
  oldestAt: number | null;
  newestAt: number | null;
  /** Records that all gaps stand for: dropped on the host. */
  lost: number;
  /** Events dropped here, to stay within the bounds of a host. */
  dropped: number;
  droppedAt: number | null;
  faults: number;
  restarts: number;
}

/** A chain with its newest record, and the newest of those that were dropped here: what is held begins behind it. */
export interface ChainState {
  readonly id: number;
  readonly uuid: string;
  readonly startedAt: number;
  sequence: number;
  hash: string;
  droppedTo: number;
  droppedHash: string;
}

export interface NewEvent extends Facets {
  readonly host: number;
  readonly stream: string;
  readonly chain: number;
  readonly sequence: number;
  readonly declared: number;
  readonly id: Buffer;
  /** When it happened, but not after it was received. */
  readonly at: number;
  readonly receivedAt: number;
  readonly fault: string | null;
  readonly bytes: number;
}

/** A fault on record. `missing` is how many records of a jump have not come since; `mendedAt` when the last of them had. */
export interface FaultRecord extends Fault {
  readonly stream: string;
  readonly chain: string;
  readonly event: string;
  readonly at: number;
  readonly missing: number;
  readonly mendedAt: number | null;
}

/** What a jump passes over: first and last sequence number, and how many of them no gap accounts for. */
export interface Missing {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** An event that is old enough to go. */
export interface OldEvent {
  readonly n: number;
  readonly bytes: number;
  readonly receivedAt: number;
  readonly chain: number;
  readonly sequence: number;
}

/** Newest gaps and faults kept per host. */
const KEPT_PER_HOST = 1_000;

/** An event id as it is stored, 16 bytes. */
export const idBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

/** Writing events of hosts, with the state of their chains. To be called inside a transaction. */
export function hostEventStore(db: Db) {
  const host = db.prepare<[string], { id: number }>('SELECT id FROM event_hosts WHERE agent = ?');
  const addHost = db.prepare<[string]>('INSERT INTO event_hosts (agent) VALUES (?)');
  const stream = db.prepare<[number, string], StreamState>(
    'SELECT * FROM event_streams WHERE host = ? AND stream = ?',
  );
  const streams = db.prepare<[number], StreamState>(
    'SELECT * FROM event_streams WHERE host = ? ORDER BY stream',
  );
  const addStream = db.prepare<[number, string], StreamState>(
    'INSERT INTO event_streams (host, stream) VALUES (?, ?) RETURNING *',
  );
  const saveStream = db.prepare<[StreamState]>(
    `UPDATE event_streams SET chain = @chain, declared = @declared, events = @events, bytes = @bytes, oldestAt = @oldestAt,
       newestAt = @newestAt, lost = @lost, dropped = @dropped, droppedAt = @droppedAt, faults = @faults, restarts = @restarts
     WHERE host = @host AND stream = @stream`,
  );
  const aged = db.prepare<[number], { host: number; stream: string }>(
    'SELECT host, stream FROM event_streams WHERE oldestAt < ?',
  );
  const CHAIN = 'SELECT id, uuid, startedAt, sequence, hash, droppedTo, droppedHash FROM event_chains';
  const chain = db.prepare<[number, string, string], ChainState>(
    `${CHAIN} WHERE host = ? AND stream = ? AND uuid = ?`,
  );
  const chains = db.prepare<[number, string], ChainState>(
    `${CHAIN} WHERE host = ? AND stream = ? ORDER BY id`,
  );
  const chainById = db.prepare<[number], ChainState>(`${CHAIN} WHERE id = ?`);
  const addChain = db.prepare<[number, string, string, number, string, string], ChainState>(
    `INSERT INTO event_chains (host, stream, uuid, startedAt, sequence, hash, droppedHash)
     VALUES (?, ?, ?, ?, 0, ?, ?) RETURNING id, uuid, startedAt, sequence, hash, droppedTo, droppedHash`,
  );
  const chainElsewhere = db.prepare<[string, string, number, number], ChainState>(
    `${CHAIN} WHERE uuid = ? AND stream = ? AND host <> ? AND sequence < ? ORDER BY sequence DESC LIMIT 1`,
  );
  const saveChain = db.prepare<[ChainState]>(
    `UPDATE event_chains SET sequence = @sequence, hash = @hash, droppedTo = @droppedTo, droppedHash = @droppedHash
     WHERE id = @id`,
  );
  const dropChain = db.prepare<[number]>(
    'DELETE FROM event_chains WHERE id = ? AND NOT EXISTS (SELECT 1 FROM host_events WHERE chain = event_chains.id)',
  );
  const held = db.prepare<[number, Buffer], { n: number; record: string }>(
    'SELECT e.n, r.record FROM host_events e JOIN event_records r ON r.n = e.n WHERE e.host = ? AND e.id = ?',
  );
  const add = db.prepare<[NewEvent]>(
    `INSERT INTO host_events (host, stream, chain, sequence, declared, id, at, receivedAt, action, severity, path,
       previousPath, user, actor, rule, fault, bytes)
     VALUES (@host, @stream, @chain, @sequence, @declared, @id, @at, @receivedAt, @action, @severity, @path,
       @previousPath, @user, @actor, @rule, @fault, @bytes)`,
  );
  const addRecord = db.prepare<[number | bigint, string]>(
    'INSERT INTO event_records (n, record) VALUES (?, ?)',
  );
  const addGap = db.prepare<[number, string, string, number, number, string, string, number]>(
    `INSERT OR IGNORE INTO event_gaps (host, id, stream, count, bytes, firstAt, lastAt, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const gaps = db.prepare<[number], EventGap>(
    'SELECT id, stream, count, bytes, firstAt, lastAt FROM event_gaps WHERE host = ? ORDER BY at DESC',
  );
  const trimGaps = db.prepare<[number, number, number]>(
    `DELETE FROM event_gaps WHERE host = ? AND at <
       (SELECT at FROM event_gaps WHERE host = ? ORDER BY at DESC LIMIT 1 OFFSET ?)`,
  );
  const addFault = db.prepare(
    `INSERT INTO event_faults (host, stream, chain, kind, expected, found, event, at, missingFrom, missingTo, missing)
     VALUES (@host, @stream, @chain, @kind, @expected, @found, @event, @at, @missingFrom, @missingTo, @missing)`,
  );
  const faults = db.prepare<[number, number], FaultRecord>(
    `SELECT stream, chain, kind, expected, found, event, at, missing, mendedAt FROM event_faults
     WHERE host = ? ORDER BY id DESC LIMIT ?`,
  );
  const trimFaults = db.prepare<[number, number, number]>(
    `DELETE FROM event_faults WHERE host = ? AND id <=
       (SELECT id FROM event_faults WHERE host = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  );
  const mend = db.prepare(
    `UPDATE event_faults SET missing = missing - 1, mendedAt = CASE missing WHEN 1 THEN @at END
     WHERE id = (SELECT id FROM event_faults WHERE host = @host AND stream = @stream AND chain = @chain AND missing > 0
       AND missingFrom <= @sequence AND @sequence <= missingTo LIMIT 1)`,
  );
  const inChain = db.prepare<[number, number], { n: number }>(
    'SELECT n FROM host_events WHERE chain = ? AND sequence = ? LIMIT 1',
  );
  const oldest = db.prepare<[number, string, number], OldEvent>(
    `SELECT n, bytes, receivedAt, chain, sequence FROM host_events WHERE host = ? AND stream = ? ORDER BY n LIMIT ?`,
  );
  const hashOf = db.prepare<[number], { hash: string }>(
    "SELECT json_extract(record, '$.event.hash') AS hash FROM event_records WHERE n = ?",
  );
  const drop = db.prepare<[number, string, number]>(
    'DELETE FROM host_events WHERE host = ? AND stream = ? AND n <= ?',
  );
  const hostOf = (agent: string): number | undefined => host.get(agent)?.id;

  return {
    hostOf,
    /** The number of a host in these tables, given at its first event. */
    ensureHost: (agent: string): number => hostOf(agent) ?? Number(addHost.run(agent).lastInsertRowid),
    stream: (hostId: number, name: string): StreamState =>
      stream.get(hostId, name) ?? the(addStream.get(hostId, name)),
    streams: (hostId: number): StreamState[] => streams.all(hostId),
    saveStream: (state: StreamState): void => void saveStream.run(state),
    /** Streams that hold events received before a time. */
    agedStreams: (before: number) => aged.all(before),
    chain: (hostId: number, name: string, uuid: string): ChainState | undefined =>
      chain.get(hostId, name, uuid),
    chainById: (id: number): ChainState | undefined => chainById.get(id),
    chains: (hostId: number, name: string): ChainState[] => chains.all(hostId, name),
    addChain: (hostId: number, name: string, uuid: string, now: number): ChainState =>
      the(addChain.get(hostId, name, uuid, now, CHAIN_START, CHAIN_START)),
    /** The chain of this id under another agent, as far as it came before a sequence number. */
    chainElsewhere: (hostId: number, name: string, uuid: string, before: number): ChainState | undefined =>
      chainElsewhere.get(uuid, name, hostId, before),
    saveChain: (state: ChainState): void => void saveChain.run(state),
    /** Forgets a chain of which nothing is held any more. */
    dropChain: (id: number): void => void dropChain.run(id),
    /** The event that is stored under an id of a host. */
    held: (hostId: number, id: string) => held.get(hostId, idBytes(id)),
    add(event: NewEvent, record: string): void {
      addRecord.run(add.run(event).lastInsertRowid, record);
    },
    /** Stores a gap once per id; `false` when it was there already. */
    addGap(
      { id, stream: name, count, bytes, firstAt, lastAt }: EventGap,
      hostId: number,
      now: number,
    ): boolean {
      const added = addGap.run(hostId, id, name, count, bytes, firstAt, lastAt, now).changes === 1;
      if (added) trimGaps.run(hostId, hostId, KEPT_PER_HOST);
      return added;
    },
    gaps: (hostId: number): EventGap[] => gaps.all(hostId),
    addFault(
      place: { host: number; stream: string; chain: string; event: string; at: number },
      fault: Fault,
      { from, to, count }: Missing = { from: 0, to: 0, count: 0 },
    ): void {
      addFault.run({ ...place, ...fault, missingFrom: from, missingTo: to, missing: count });
      trimFaults.run(place.host, place.host, KEPT_PER_HOST);
    },
    faults: (hostId: number, limit = KEPT_PER_HOST): FaultRecord[] => faults.all(hostId, limit),
    /** Takes one record off a jump that had passed over it; `false` when none had. */
    mend: (place: { host: number; stream: string; chain: string; sequence: number; at: number }): boolean =>
      mend.run(place).changes === 1,
    /** Whether a chain holds a record of this sequence number. */
    isHeld: (chainId: number, sequence: number): boolean => inChain.get(chainId, sequence) !== undefined,
    /** The events of a stream that came first. */
    oldest: (hostId: number, name: string, limit: number): OldEvent[] => oldest.all(hostId, name, limit),
    hashOf: (n: number): string => hashOf.get(n)?.hash ?? '',
    /** Drops the events of a stream up to one of them. */
    dropUpTo: (hostId: number, name: string, n: number): number => drop.run(hostId, name, n).changes,
  };
}

/** The row that a statement has just written. */
function the<T>(row: T | undefined): T {
  if (row === undefined) throw new Error('a row that was written is not there');
  return row;
}
