import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventStream } from '../../../shared/host-events.ts';
import { SENSOR_LIMITS, type SpooledEvent } from '../../../shared/sensor.ts';
import {
  CHAIN_START,
  sealEvent,
  type ChainHead,
  type Sealed,
  type UnsealedEdrEvent,
  type UnsealedFimEvent,
} from '../../../wire/event-chain.ts';
import type { Meta } from './meta.ts';
import { acceptable } from './record-bounds.ts';

/** Bytes of events that wait for the queue; beyond it files are not looked at, and process events are counted as lost. */
export const SPOOL_BYTES = 64 * 1024 * 1024;

/** Events of one chain in their order, on their way to the queue. */
export interface Shipment {
  readonly stream: EventStream;
  readonly chain: string;
  readonly events: readonly SpooledEvent[];
}

interface Flight {
  /** Newest sequence number that was sent since the start. */
  sentTo: number;
  /** Newest one that is in the queue. */
  takenTo: number;
}

/**
 * Events from the moment that they have their place in the chain until the queue has them. Heads and events are one
 * transaction. What was sent and not taken before the process ended is sent again, with the same ids.
 */
export class Spool {
  readonly #meta: Meta;
  readonly #newId: () => string;
  readonly #heads = new Map<EventStream, ChainHead>();
  readonly #flights = new Map<EventStream, Flight>();
  readonly #insert: StatementSync;
  readonly #page: StatementSync;
  readonly #taken: StatementSync;
  readonly #sizeTo: StatementSync;
  #bytes = 0;
  #count = 0;

  constructor(db: DatabaseSync, meta: Meta, newId: () => string) {
    this.#meta = meta;
    this.#newId = newId;
    this.#insert = db.prepare(
      'INSERT INTO spool (stream, sequence, chain, id, at, body) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#page = db.prepare(
      'SELECT sequence, chain, id, at, body FROM spool WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.#taken = db.prepare('DELETE FROM spool WHERE stream = ? AND chain = ? AND sequence <= ?');
    this.#sizeTo = db.prepare(
      `SELECT count(*) AS count, coalesce(sum(length(CAST(body AS BLOB))), 0) AS bytes FROM spool
       WHERE stream = ? AND chain = ? AND sequence <= ?`,
    );
    const size = db
      .prepare('SELECT count(*) AS count, coalesce(sum(length(CAST(body AS BLOB))), 0) AS bytes FROM spool')
      .get();
    this.#count = Number(size?.['count'] ?? 0);
    this.#bytes = Number(size?.['bytes'] ?? 0);
  }

  /** Events that wait, and their length. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#bytes >= SPOOL_BYTES;
  }

  /** Gives an event its place in the chain and keeps it, within the bounds of the platform. `at` is ms since the epoch. */
  append(stream: EventStream, record: UnsealedFimEvent | UnsealedEdrEvent, at: number): void {
    const { body, head } = seal(acceptable(record), this.head(stream));
    this.#insert.run(stream, head.sequence, head.id, record.event.id, Math.round(at), body);
    this.#heads.set(stream, head);
    this.#meta.set(`head.${stream}`, JSON.stringify(head));
    this.#count += 1;
    this.#bytes += Buffer.byteLength(body, 'utf8');
  }

  /** The newest record of a stream's chain. */
  head(stream: EventStream): ChainHead {
    const known = this.#heads.get(stream);
    if (known !== undefined) return known;
    const kept = this.#meta.get(`head.${stream}`);
    const head =
      kept === undefined
        ? { id: this.#newId(), sequence: 0, hash: CHAIN_START }
        : (JSON.parse(kept) as ChainHead);
    if (kept === undefined) this.#meta.set(`head.${stream}`, JSON.stringify(head));
    this.#heads.set(stream, head);
    return head;
  }

  /** What may be sent now: at most one message, and no more under way than the core agreed to. Marks it as sent. */
  ship(stream: EventStream): Shipment | undefined {
    const flight = this.#flight(stream);
    const room = SENSOR_LIMITS.inFlight - (flight.sentTo - flight.takenTo);
    const limit = Math.min(SENSOR_LIMITS.eventsPerMessage, room);
    const rows = limit > 0 ? this.#page.all(stream, flight.sentTo, limit) : [];
    if (rows.length === 0) return undefined;
    const events = rows.map((row) => ({
      id: String(row['id']),
      at: Number(row['at']),
      sequence: Number(row['sequence']),
      body: String(row['body']),
    }));
    flight.sentTo = events.at(-1)?.sequence ?? flight.sentTo;
    return { stream, chain: String(rows[0]?.['chain']), events };
  }

  /** Forgets what the queue has. A number beyond what was sent, or another chain, changes nothing. */
  taken(stream: EventStream, chain: string, upTo: number): void {
    const flight = this.#flight(stream);
    if (chain !== this.head(stream).id || upTo <= flight.takenTo || upTo > flight.sentTo) return;
    const size = this.#sizeTo.get(stream, chain, upTo);
    this.#taken.run(stream, chain, upTo);
    this.#count -= Number(size?.['count'] ?? 0);
    this.#bytes -= Number(size?.['bytes'] ?? 0);
    flight.takenTo = upTo;
  }

  /** Before the first one is sent, everything that is kept is still to go. */
  #flight(stream: EventStream): Flight {
    const known = this.#flights.get(stream);
    if (known !== undefined) return known;
    const first = this.#page.get(stream, 0, 1)?.['sequence'];
    const before = typeof first === 'number' ? first - 1 : this.head(stream).sequence;
    const flight = { sentTo: before, takenTo: before };
    this.#flights.set(stream, flight);
    return flight;
  }
}

/** A lone surrogate that slipped through somewhere can't be said in JSON; one bad letter must not stop the chain. */
function seal(record: UnsealedFimEvent | UnsealedEdrEvent, head: ChainHead): Sealed {
  try {
    return sealEvent(record, head);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const wellFormed = JSON.parse(JSON.stringify(record, replaceLoneSurrogates)) as typeof record;
    return sealEvent(wellFormed, head);
  }
}

/** UTF-8 can't say them: they come back as U+FFFD. */
function replaceLoneSurrogates(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? Buffer.from(value, 'utf8').toString('utf8') : value;
}
