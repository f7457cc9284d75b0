import { integer, optional, text } from './columns.ts';
import {
  GAP_SIZE,
  planEviction,
  recordSize,
  windowEnd,
  type Evictable,
  type Eviction,
  type Loss,
} from './eviction.ts';
import { pages } from './pages.ts';
import { releaseSpace } from './space.ts';
import { type Sql, type SqlRow } from './sql.ts';
import { eventStatements, type EventStatements } from './event-statements.ts';

/*
 * The durable queue of events. What it promises:
 *
 * 1. When `enqueue` has returned, the records are on the disk: neither SIGKILL nor a power cut takes them back.
 * 2. A record is handed out, in the order of its stream, until it is acknowledged: at least once. Its id is what the
 *    platform makes "once" of.
 * 3. A stream never takes more than its limit. The oldest records that have not left the host go; a gap record in
 *    their place says how many, how large, from when to when. Gap records are not evicted.
 * 4. Damage to the file does not stop the start (`openStore`): the file is set aside and a new one begun.
 * 5. On a full or read-only disk calls throw and change nothing; the same call works once the disk does.
 *
 * One stream, oldest on the left; `sent_to` is durable and moved by `peek` before it returns:
 *
 *     position   3     4     5  │  6      9     10    11
 *                gap   rec   rec│  gap    rec   rec   rec
 *                ── window ─────┘  └ stands for 6, 7, 8
 *                           sent_to
 *
 * What stands up to `sent_to` may be known to the platform already, acknowledged or not: it is neither evicted (it
 * would be delivered and counted as lost) nor changed (a repeat must say the same). So an eviction takes the oldest
 * behind `sent_to`, and adds to the gap that stands first there, or makes one.
 */

/** A record as its producer gives it. The id is unique within the stream; `at` is ms since the epoch. */
export interface EventRecord {
  readonly id: string;
  readonly at: number;
  readonly body: string;
}

/** A record or a gap as it is handed out; `position` is what to acknowledge. */
export type QueuedRecord =
  | ({ readonly gap: false; readonly position: number } & EventRecord)
  | { readonly gap: true; readonly position: number; readonly id: string; readonly loss: Loss };

/** How one stream stands. Bytes count as against the limit; `dropped` is the number of records ever evicted. */
export interface StreamStats {
  readonly records: number;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly dropped: number;
  /** Time of the oldest record or gap, ms since the epoch; absent in an empty stream. */
  readonly oldestAt?: number;
}

/** Limit of a stream that was given none, in bytes. */
export const DEFAULT_LIMIT_BYTES = 64 * 1024 * 1024;

/** Bounds on one record, in bytes of UTF-8. */
export const RECORD_LIMITS = { id: 200, body: 4 * 1024 * 1024 } as const;

const STREAM_NAME = /^[a-z][a-z0-9_-]{0,31}$/;

export class EventQueue {
  readonly #sql: Sql;
  readonly #newId: () => string;
  readonly #do: EventStatements;

  /** `newId` gives a new UUID, for gap records. */
  constructor(sql: Sql, newId: () => string) {
    this.#sql = sql;
    this.#newId = newId;
    this.#do = eventStatements(sql);
  }

  /**
   * Appends records to a stream, all in one transaction: a group costs one barrier. They are durable on return. A
   * record whose id is queued in the stream already is passed over. Throws `RangeError` for a record beyond
   * `RECORD_LIMITS` or a bad stream name, `StoreError` when the disk fails; then none was appended.
   */
  enqueue(stream: string, records: readonly EventRecord[]): void {
    records.forEach(requireBounded);
    if (records.length === 0) return;
    this.#sql.transaction(() => {
      const state = this.#stateOf(stream);
      let position = integer(state, 'last_position');
      let count = 0;
      let bytes = 0;
      for (const { id, at, body } of records) {
        const size = recordSize(id, body);
        if (this.#do.insert.run(stream, position + 1, id, at, size, body).changes === 0) continue;
        position += 1;
        count += 1;
        bytes += size;
      }
      this.#do.append.run(count, bytes, position, stream);
      if (integer(state, 'bytes') + bytes > integer(state, 'limit_bytes')) this.#trim(stream);
    });
  }

  /**
   * The oldest records and gaps of a stream, in order: at most `maxRecords` and `maxBytes`, but one at least if there
   * is one. From now on they are in flight: the next call begins with the same until they are acknowledged.
   * That is noted durably before this returns, so a disk without any room left fails it too (`StoreError`).
   */
  peek(stream: string, limits: { readonly maxRecords: number; readonly maxBytes: number }): QueuedRecord[] {
    const end = windowEnd(this.#sizes(stream, 0), limits);
    if (end === undefined) return [];
    this.#do.sent.run(end, stream, end);
    return this.#do.window.all(stream, end).map(toRecord);
  }

  /**
   * What was handed out before, up to and including a position, and is not acknowledged yet: the same as then. Throws
   * `RangeError` for a position that was never handed out.
   */
  handedOut(stream: string, upTo: number): QueuedRecord[] {
    const state = this.#do.stream.get(stream);
    this.#requireHandedOut(stream, state, upTo);
    return this.#do.window.all(stream, upTo).map(toRecord);
  }

  /** Deletes all that is queued of a stream, gaps and what was handed out among it; none of it counts as dropped. */
  clear(stream: string): void {
    this.#sql.transaction(() => {
      const state = this.#do.stream.get(stream);
      if (state === undefined) return;
      const last = integer(state, 'last_position');
      this.#do.count.run(-integer(state, 'records'), -integer(state, 'bytes'), 0, stream);
      this.#do.deleteRange.run(stream, 0, last);
      this.#do.sent.run(last, stream, last);
    });
    releaseSpace(this.#sql);
  }

  /**
   * Deletes what was handed out up to and including a position; returns how many records and gaps that were.
   * Throws `RangeError` for a position that was never handed out.
   */
  acknowledge(stream: string, upTo: number): number {
    const deleted = this.#sql.transaction(() => {
      const state = this.#do.stream.get(stream);
      this.#requireHandedOut(stream, state, upTo);
      const sum = this.#do.sum.get(stream, upTo) ?? {};
      this.#do.count.run(-integer(sum, 'records'), -integer(sum, 'bytes'), 0, stream);
      return this.#do.deleteRange.run(stream, 0, upTo).changes;
    });
    releaseSpace(this.#sql);
    return deleted;
  }

  /**
   * Sets the limit of a stream in bytes, durably, and evicts what is over it. Records in flight are not evicted, so a
   * limit below them holds once they are acknowledged.
   */
  setLimit(stream: string, maxBytes: number): void {
    if (!Number.isSafeInteger(maxBytes) || maxBytes <= 0) throw new RangeError(`no limit: ${maxBytes}`);
    this.#sql.transaction(() => {
      this.#stateOf(stream);
      if (this.#do.limit.run(maxBytes, stream, maxBytes).changes > 0) this.#trim(stream);
    });
    releaseSpace(this.#sql);
  }

  /** How each stream stands, by name. */
  stats(): Record<string, StreamStats> {
    return Object.fromEntries(
      this.#do.streams.all().map((row) => {
        const stream = text(row, 'stream');
        const head = this.#do.head.get(stream, 0);
        return [
          stream,
          {
            records: integer(row, 'records'),
            bytes: integer(row, 'bytes'),
            limitBytes: integer(row, 'limit_bytes'),
            dropped: integer(row, 'dropped'),
            ...(head === undefined ? {} : { oldestAt: integer(head, 'at') }),
          },
        ];
      }),
    );
  }

  #requireHandedOut(stream: string, state: SqlRow | undefined, upTo: number): void {
    if (state !== undefined && upTo <= integer(state, 'sent_to')) return;
    throw new RangeError(`nothing up to ${upTo} of ${stream} was handed out`);
  }

  #stateOf(stream: string): SqlRow {
    const known = this.#do.stream.get(stream);
    if (known !== undefined) return known;
    if (!STREAM_NAME.test(stream)) throw new RangeError(`not a stream name: ${stream}`);
    this.#do.addStream.run(stream, DEFAULT_LIMIT_BYTES);
    return this.#do.stream.get(stream) ?? {};
  }

  #trim(stream: string): void {
    const state = this.#do.stream.get(stream) ?? {};
    const sentTo = integer(state, 'sent_to');
    const head = this.#do.head.get(stream, sentTo);
    const gapAt = head !== undefined && integer(head, 'gap') === 1 ? integer(head, 'position') : undefined;
    const candidates = this.#sizes(stream, gapAt ?? sentTo);
    const total = integer(state, 'bytes');
    const plan = planEviction(total, integer(state, 'limit_bytes'), gapAt !== undefined, candidates);
    if (plan !== undefined) this.#evict(stream, plan, gapAt);
  }

  #evict(stream: string, { from, upTo, loss }: Eviction, gapAt: number | undefined): void {
    this.#do.deleteRange.run(stream, from, upTo);
    const { count, bytes, firstAt, lastAt } = loss;
    if (gapAt === undefined) {
      this.#do.insertGap.run(from, stream, this.#newId(), firstAt, GAP_SIZE, count, bytes, lastAt);
    } else {
      this.#do.growGap.run(count, bytes, firstAt, lastAt, stream, gapAt);
    }
    this.#do.count.run(-count, (gapAt === undefined ? GAP_SIZE : 0) - bytes, count, stream);
  }

  *#sizes(stream: string, after: number): Generator<Evictable, void, undefined> {
    for (const row of pages(this.#do.sizes, 'position', after, stream)) {
      yield {
        position: integer(row, 'position'),
        at: integer(row, 'at'),
        size: integer(row, 'size'),
      };
    }
  }
}

function requireBounded({ id, at, body }: EventRecord): void {
  const idBytes = Buffer.byteLength(id);
  if (idBytes === 0 || idBytes > RECORD_LIMITS.id) throw new RangeError(`an id of ${idBytes} bytes`);
  if (!Number.isSafeInteger(at)) throw new RangeError(`not a time in milliseconds: ${at}`);
  const bodyBytes = Buffer.byteLength(body);
  if (bodyBytes > RECORD_LIMITS.body) throw new RangeError(`a record of ${bodyBytes} bytes`);
}

function toRecord(row: SqlRow): QueuedRecord {
  const position = integer(row, 'position');
  const id = text(row, 'id');
  const at = integer(row, 'at');
  const body = optional(text, row, 'body');
  if (body !== undefined) return { gap: false, position, id, at, body };
  const loss: Loss = {
    count: integer(row, 'lost'),
    bytes: integer(row, 'lost_bytes'),
    firstAt: at,
    lastAt: integer(row, 'last_at'),
  };
  return { gap: true, position, id, loss };
}
