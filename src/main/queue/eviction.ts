/**
 * What a record counts with besides its id and body, bytes: its other columns, its entry in the index, page slack. With
 * ids of 36 bytes it was measured as 90 to 111 for bodies up to 500 bytes.
 */
export const RECORD_OVERHEAD = 160;

/*
 * A row that is too long for its page leaves a part there and takes whole pages for the rest, of which each holds 4,092
 * bytes (sqlite.org/fileformat2.html, "Cell Payload Overflow Pages"; index b-tree, pages of 4,096 bytes).
 */
const PAGE = 4_096;
const OVERFLOW_PAGE = PAGE - 4;
const MOST_INLINE = 1_002;
const LEAST_INLINE = 489;
/** The columns of a row beside id and body, bytes. */
const OTHER_COLUMNS = 32;

/** What the last page of a long row leaves empty, and what links its pages, bytes; 0 for a row that fits. */
function spillOf(bytes: number): number {
  const row = bytes + OTHER_COLUMNS;
  if (row <= MOST_INLINE) return 0;
  const even = LEAST_INLINE + ((row - LEAST_INLINE) % OVERFLOW_PAGE);
  const inline = even <= MOST_INLINE ? even : LEAST_INLINE;
  return Math.ceil((row - inline) / OVERFLOW_PAGE) * PAGE + inline - row;
}

/** Size in bytes that a record counts with against its stream's limit: about what it takes on the disk. */
export function recordSize(id: string, body: string): number {
  const bytes = Buffer.byteLength(id) + Buffer.byteLength(body);
  return RECORD_OVERHEAD + bytes + spillOf(bytes);
}

/** Size in bytes of a gap record, whatever it stands for. */
export const GAP_SIZE = RECORD_OVERHEAD + 36;

/** What a gap record says about the records that it stands for. Times in ms since the epoch. */
export interface Loss {
  readonly count: number;
  readonly bytes: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The loss of one record. `bytes` is its size. */
export function lossOf(record: { readonly at: number; readonly size: number }): Loss {
  return { count: 1, bytes: record.size, firstAt: record.at, lastAt: record.at };
}

/** Two losses as one. Records need not be in order of time: clocks step. */
export function mergeLoss(a: Loss, b: Loss): Loss {
  return {
    count: a.count + b.count,
    bytes: a.bytes + b.bytes,
    firstAt: Math.min(a.firstAt, b.firstAt),
    lastAt: Math.max(a.lastAt, b.lastAt),
  };
}

/** A record that may go: one that has not left the host and is no gap. */
export interface Evictable {
  readonly position: number;
  readonly at: number;
  readonly size: number;
}

export interface Eviction {
  /** Positions of the oldest and the newest record that go; all evictable ones between them go too. */
  readonly from: number;
  readonly upTo: number;
  readonly loss: Loss;
}

/**
 * Which of the oldest records must go so that `total` bytes fit into `limit`, or `undefined` if none or if there are
 * none left. `hasGap` tells whether a gap record stands ready to take the loss; a new one takes room itself.
 * `oldestFirst` is read no further than needed.
 */
export function planEviction(
  total: number,
  limit: number,
  hasGap: boolean,
  oldestFirst: Iterable<Evictable>,
): Eviction | undefined {
  if (total <= limit) return undefined;
  let excess = total - limit + (hasGap ? 0 : GAP_SIZE);
  let plan: Eviction | undefined;
  for (const record of oldestFirst) {
    const loss = lossOf(record);
    plan = {
      from: plan?.from ?? record.position,
      upTo: record.position,
      loss: plan === undefined ? loss : mergeLoss(plan.loss, loss),
    };
    excess -= record.size;
    if (excess <= 0) break;
  }
  return plan;
}

/**
 * Position of the last record that fits a payload: at most `maxRecords` and `maxBytes`, but the first in any case, so
 * that a large one does not block its stream. `undefined` when there is none.
 */
export function windowEnd(
  oldestFirst: Iterable<Pick<Evictable, 'position' | 'size'>>,
  limits: { readonly maxRecords: number; readonly maxBytes: number },
): number | undefined {
  let end: number | undefined;
  let records = 0;
  let bytes = 0;
  for (const { position, size } of oldestFirst) {
    records += 1;
    bytes += size;
    if (end !== undefined && (records > limits.maxRecords || bytes > limits.maxBytes)) break;
    end = position;
  }
  return end;
}
