import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ManifestType } from '../../shared/modules.ts';
import { changeLine, DELTA_FORMAT, headerLine, type DeltaHeader } from '../../wire/delta-body.ts';
import { diff } from '../../wire/delta.ts';
import { EMPTY_ROOT, RootHasher } from '../../wire/item.ts';
import { encodeBody } from './body-encoder.ts';
import { batches } from './pages.ts';
import { type Pending, type PendingUpload } from './pending-upload.ts';
import { type SnapshotItems } from './snapshot-items.ts';
import { type Sql } from './sql.ts';
import { type StagingTables } from './staging.ts';
import { type SyncStates } from './sync-states.ts';

/** Changes written per transaction, and items hashed, before others get their turn. */
const BATCH = 256;

export interface SealTerms {
  /** When the collection ended, ms since the epoch. */
  readonly collectedAt: number;
  readonly encoding: 'gzip' | 'zstd';
  /** Bytes of the encoded body per chunk, within `UPLOAD_LIMITS`. */
  readonly chunkBytes: number;
}

/** A collection can't be sealed: another upload is pending, or its base was dropped while it was compared. */
export class SealConflict extends Error {
  override readonly name = 'SealConflict';
}

interface Tables {
  readonly sql: Sql;
  readonly states: SyncStates;
  readonly items: SnapshotItems;
  readonly pending: PendingUpload;
  readonly staging: StagingTables;
}

/**
 * Makes the pending upload from what is staged (see `Staging.seal`). Everything is prepared in temporary tables, a
 * batch at a time with turns for others in between; one transaction at the end makes it last.
 */
export async function seal(type: ManifestType, terms: SealTerms, tables: Tables): Promise<Pending> {
  const { sql, states, items, pending, staging } = tables;
  requireNonePending(pending);
  const base = states.get(type);
  const next = await rootOfStaged(staging);
  const counts = await stageChanges(staging, items, type);
  const header: DeltaHeader = {
    format: DELTA_FORMAT,
    type,
    baseSeq: base?.seq ?? 0,
    baseRoot: base?.root ?? EMPTY_ROOT,
    newSeq: (base?.seq ?? 0) + 1,
    newRoot: next.newRoot,
  };
  const body = await encodeBody(bodyLines(header, staging), terms.encoding, (n, segment) => {
    staging.addSegment(n, segment);
  });
  return sql.transaction(() => {
    requireNonePending(pending);
    const now = states.get(type);
    if (now?.seq !== base?.seq || now?.root !== base?.root) {
      throw new SealConflict(`the copy of ${type} changed while it was compared`);
    }
    staging.keep();
    const { format: _, ...step } = header;
    const kind = base === undefined ? 'snapshot' : 'delta';
    pending.insert({ ...step, ...next, ...counts, ...body, ...terms, kind, tables: staging.counts() });
    return pending.require();
  });
}

function requireNonePending(pending: PendingUpload): void {
  const other = pending.get();
  if (other !== undefined) throw new SealConflict(`an upload of ${other.type} is pending`);
}

async function rootOfStaged(staging: StagingTables): Promise<{ newRoot: string; rows: number }> {
  const hasher = new RootHasher();
  let rows = 0;
  for (const batch of batches(staging.items(), BATCH)) {
    for (const { hash } of batch) hasher.add(hash);
    rows += batch.length;
    await nextTurn();
  }
  return { newRoot: hasher.digest(), rows };
}

async function stageChanges(
  staging: StagingTables,
  items: SnapshotItems,
  type: ManifestType,
): Promise<{ setCount: number; delCount: number }> {
  let setCount = 0;
  let delCount = 0;
  for (const batch of batches(diff(items.hashes(type), staging.items()), BATCH)) {
    staging.addChanges(batch);
    const sets = batch.filter((change) => 'set' in change).length;
    setCount += sets;
    delCount += batch.length - sets;
    await nextTurn();
  }
  return { setCount, delCount };
}

function* bodyLines(header: DeltaHeader, staging: StagingTables): Generator<string, void, undefined> {
  yield headerLine(header);
  for (const change of staging.changes()) yield changeLine(change);
}
