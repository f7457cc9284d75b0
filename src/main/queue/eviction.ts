/** What a record takes on disk besides its id and body: row header, two index entries, page slack; measured. */
export const RECORD_OVERHEAD = 160;

/** Size in bytes that a record counts with against its stream's limit. */
export function recordSize(id: string, body: string): number {
  return RECORD_OVERHEAD + Buffer.byteLength(id) + Buffer.byteLength(body);
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
