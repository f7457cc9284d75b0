import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { expect } from 'vitest';
import { type Item } from '../../../shared/rows.ts';
import { parseChange, parseHeader, type DeltaHeader } from '../../../wire/delta-body.ts';
import { type Change } from '../../../wire/delta.ts';
import { type Pending } from '../pending-upload.ts';
import { type SnapshotStore } from '../snapshot-store.ts';
import { type DriverName } from '../sql.ts';
import { withStore } from '../store.fixture.ts';

/** Terms of an upload. */
export const TERMS = { collectedAt: 1_000, encoding: 'gzip', chunkBytes: 65_536 } as const;

/** The body of the upload that waits. */
export function bodyOf(snapshots: SnapshotStore): Buffer {
  const length = snapshots.pending()?.chunkCount ?? 0;
  const chunks = Array.from({ length }, (_, n) => snapshots.chunk(n));
  return Buffer.concat(chunks);
}

/** Reads an encoded body the way a platform does. */
export function decode(
  body: Buffer,
  encoding: Pending['encoding'],
): { header: DeltaHeader; changes: Change[]; raw: Buffer } {
  const raw = encoding === 'gzip' ? gunzipSync(body) : zstdDecompressSync(body);
  const lines = raw.toString('utf8').split('\n');
  expect(lines.pop()).toBe('');
  const header = parseHeader(lines.shift() ?? '');
  let previous: string | undefined;
  const changes = lines.map((line) => {
    const change = parseChange(line, previous);
    previous = 'set' in change ? change.set.key : change.del;
    return change;
  });
  return { header, changes, raw };
}

/** Collects these items and seals them. */
export async function collect(
  snapshots: SnapshotStore,
  items: readonly Item[],
  terms: Partial<typeof TERMS> = {},
): Promise<Pending> {
  const staging = snapshots.begin('Inventory');
  try {
    staging.add(items);
  } catch (error) {
    staging.abandon();
    throw error;
  }
  return staging.seal({ ...TERMS, ...terms });
}

/** Takes over what waits, as a platform that arrived at the same has it. */
export function commitAsSealed(snapshots: SnapshotStore, at = 2_000): void {
  const pending = snapshots.pending();
  if (pending === undefined) throw new Error('nothing was sealed');
  snapshots.commit({ seq: pending.newSeq, root: pending.newRoot, at });
}

/** Runs with the snapshots of a store in a directory of its own, both gone afterwards. */
export const withSnapshots = (
  driver: DriverName,
  work: (snapshots: SnapshotStore) => void | Promise<void>,
): Promise<void> => withStore(driver, ({ snapshots }) => work(snapshots));
