import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Item } from '../../shared/rows.ts';
import { parseChange, parseHeader, type DeltaHeader } from '../../wire/delta-body.ts';
import { applyChanges, rootOfMap, type Change } from '../../wire/delta.ts';
import { EMPTY_ROOT, makeItem } from '../../wire/item.ts';
import { SEGMENT_BYTES } from './body-encoder.ts';
import { type Pending } from './pending-upload.ts';
import { CommitMismatch, type SnapshotStore } from './snapshot-store.ts';
import { SealConflict } from './seal.ts';
import { copyAsKilled, DRIVERS, item, openTest, withDir, withStore } from './store.fixture.ts';

const TERMS = { collectedAt: 1_000, encoding: 'gzip', chunkBytes: 65_536 } as const;

function bodyOf(snapshots: SnapshotStore): Buffer {
  const chunks = Array.from({ length: snapshots.pending()!.chunkCount }, (_, n) => snapshots.chunk(n));
  return Buffer.concat(chunks);
}

/** Reads an encoded body the way a platform does. */
function decode(
  body: Buffer,
  encoding: Pending['encoding'],
): { header: DeltaHeader; changes: Change[]; raw: Buffer } {
  const raw = encoding === 'gzip' ? gunzipSync(body) : zstdDecompressSync(body);
  const lines = raw.toString('utf8').split('\n');
  expect(lines.pop()).toBe('');
  const header = parseHeader(lines.shift()!);
  let previous: string | undefined;
  const changes = lines.map((line) => {
    const change = parseChange(line, previous);
    previous = 'set' in change ? change.set.key : change.del;
    return change;
  });
  return { header, changes, raw };
}

async function collect(
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

function commitAsSealed(snapshots: SnapshotStore, at = 2_000): void {
  const { newSeq, newRoot } = snapshots.pending()!;
  snapshots.commit({ seq: newSeq, root: newRoot, at });
}

describe.each(DRIVERS)('snapshot store over %s', (driver) => {
  const withSnapshots = (work: (snapshots: SnapshotStore) => void | Promise<void>): Promise<void> =>
    withStore(driver, ({ snapshots }) => work(snapshots));

  it('R022 seals a snapshot first, and only what changed from then on', () =>
    withSnapshots(async (snapshots) => {
      const first = await collect(snapshots, [item('b', 1), item('a', 1), item('c', 1)]);
      expect(first).toMatchObject({
        kind: 'snapshot',
        baseSeq: 0,
        baseRoot: EMPTY_ROOT,
        newSeq: 1,
        setCount: 3,
        delCount: 0,
      });
      commitAsSealed(snapshots);
      const second = await collect(snapshots, [item('a', 1), item('c', 2), item('d', 1)]);
      expect(second).toMatchObject({
        kind: 'delta',
        baseSeq: 1,
        baseRoot: first.newRoot,
        newSeq: 2,
        rows: 3,
        setCount: 2,
        delCount: 1,
      });
      const { header, changes } = decode(bodyOf(snapshots), 'gzip');
      expect(header).toMatchObject({ type: 'Inventory', baseSeq: 1, newSeq: 2, newRoot: second.newRoot });
      expect(changes).toEqual([{ del: 'deb\u001fb' }, { set: item('c', 2) }, { set: item('d', 1) }]);
    }));

  it('R317 seals an empty delta when nothing changed, with a step in the sequence', () =>
    withSnapshots(async (snapshots) => {
      await collect(snapshots, [item('a', 1)]);
      commitAsSealed(snapshots);
      const pending = await collect(snapshots, [item('a', 1)]);
      expect(pending).toMatchObject({
        kind: 'delta',
        newSeq: 2,
        newRoot: pending.baseRoot,
        setCount: 0,
        delCount: 0,
      });
      expect(decode(bodyOf(snapshots), 'gzip').changes).toEqual([]);
    }));

  it('gives the terms of the upload as its body has them', () =>
    withSnapshots(async (snapshots) => {
      const items = [item('a', 1), item('b', 2), item('c', 3, 'rpm')];
      const sealed = await collect(snapshots, items);
      const body = bodyOf(snapshots);
      expect(snapshots.pending()).toEqual(sealed);
      expect(sealed).toEqual({
        type: 'Inventory',
        kind: 'snapshot',
        baseSeq: 0,
        baseRoot: EMPTY_ROOT,
        newSeq: 1,
        newRoot: rootOfMap(new Map(items.map((each) => [each.key, each]))),
        rows: 3,
        tables: { deb: 2, rpm: 1 },
        setCount: 3,
        delCount: 0,
        collectedAt: 1_000,
        encoding: 'gzip',
        chunkBytes: 65_536,
        chunkCount: 1,
        encodedBytes: body.length,
        rawBytes: decode(body, 'gzip').raw.length,
        digest: createHash('sha256').update(body).digest('hex'),
        idempotencyKey: expect.any(String) as string,
      });
    }));

  it('keeps the first of two items with one key, and counts rows per table while it collects', () =>
    withSnapshots(async (snapshots) => {
      const staging = snapshots.begin('Inventory');
      staging.add([item('a', 'first'), item('b', 1)]);
      staging.add([item('a', 'second'), item('x', 1, 'rpm')]);
      expect(staging.counts()).toEqual({ deb: 2, rpm: 1 });
      await staging.seal(TERMS);
      expect(decode(bodyOf(snapshots), 'gzip').changes[0]).toEqual({ set: item('a', 'first') });
    }));

  it('R219 holds the rows that the platform holds after a commit, and the state that goes with them', () =>
    withSnapshots(async (snapshots) => {
      const pending = await collect(snapshots, [item('a', 1), item('b', 2)]);
      expect(snapshots.state('Inventory')).toBeUndefined();
      const state = snapshots.commit({ seq: 1, root: pending.newRoot, at: 5_000 });
      expect(state).toEqual({
        type: 'Inventory',
        seq: 1,
        root: pending.newRoot,
        rows: 2,
        tables: { deb: 2 },
        collectedAt: 1_000,
        uploadedAt: 5_000,
      });
      expect(snapshots.states()).toEqual([state]);
      expect(snapshots.pending()).toBeUndefined();
      expect(snapshots.recomputeRoot('Inventory')).toBe(pending.newRoot);
    }));

  it('R220 takes nothing over when the platform arrived at something else', () =>
    withSnapshots(async (snapshots) => {
      const pending = await collect(snapshots, [item('a', 1)]);
      expect(() => snapshots.commit({ seq: 2, root: pending.newRoot, at: 1 })).toThrow(CommitMismatch);
      expect(() => snapshots.commit({ seq: 1, root: EMPTY_ROOT, at: 1 })).toThrow(CommitMismatch);
      expect(snapshots.pending()).toEqual(pending);
      expect(snapshots.state('Inventory')).toBeUndefined();
      snapshots.dropPending();
      expect(() => snapshots.commit({ seq: 1, root: pending.newRoot, at: 1 })).toThrow(
        'no upload is pending',
      );
    }));

  it('R220 tells a copy that was tampered with by its own rows', () =>
    withStore(driver, async ({ snapshots, sql }) => {
      await collect(snapshots, [item('a', 1), item('b', 2)]);
      commitAsSealed(snapshots);
      const { root } = snapshots.state('Inventory')!;
      sql.exec(`UPDATE snapshot_items SET row = '{"value":3}' WHERE key LIKE '%b'`);
      expect(snapshots.recomputeRoot('Inventory')).not.toBe(root);
    }));

  it('R221 forgets everything of a type when it is scorched, and collects it in full again', () =>
    withSnapshots(async (snapshots) => {
      await collect(snapshots, [item('a', 1)]);
      commitAsSealed(snapshots);
      await collect(snapshots, [item('a', 2)]);
      const other = 'Vulnerability';
      snapshots.scorch(other);
      expect(snapshots.pending()?.type).toBe('Inventory');
      snapshots.scorch('Inventory');
      expect(snapshots.pending()).toBeUndefined();
      expect(snapshots.states()).toEqual([]);
      expect(snapshots.recomputeRoot('Inventory')).toBe(EMPTY_ROOT);
      expect(await collect(snapshots, [item('a', 2)])).toMatchObject({
        kind: 'snapshot',
        newSeq: 1,
        setCount: 1,
      });
    }));

  it('keeps types apart', () =>
    withSnapshots(async (snapshots) => {
      await collect(snapshots, [item('a', 1)]);
      commitAsSealed(snapshots);
      const staging = snapshots.begin('Vulnerability');
      staging.add([item('a', 1)]);
      expect(await staging.seal(TERMS)).toMatchObject({
        kind: 'snapshot',
        type: 'Vulnerability',
        setCount: 1,
      });
      commitAsSealed(snapshots);
      snapshots.scorch('Vulnerability');
      expect(snapshots.states().map((state) => state.type)).toEqual(['Inventory']);
      expect(snapshots.recomputeRoot('Inventory')).toBe(snapshots.state('Inventory')?.root);
    }));

  it('lets one collection run and one upload wait at a time', () =>
    withSnapshots(async (snapshots) => {
      const staging = snapshots.begin('Inventory');
      expect(() => snapshots.begin('Vulnerability')).toThrow('a collection of Inventory is running');
      staging.add([item('a', 1)]);
      const sealing = staging.seal(TERMS);
      expect(() => snapshots.begin('Vulnerability')).toThrow('is running');
      await sealing;
      const next = snapshots.begin('Vulnerability');
      await expect(next.seal(TERMS)).rejects.toThrow(SealConflict);
      expect(snapshots.pending()?.type).toBe('Inventory');
    }));

  it('forgets what was staged when a collection is abandoned, and lets nobody go on with it', () =>
    withSnapshots(async (snapshots) => {
      const staging = snapshots.begin('Inventory');
      staging.add([item('a', 1)]);
      staging.abandon();
      for (const late of [() => staging.add([]), () => staging.counts(), () => staging.abandon()]) {
        expect(late).toThrow('has ended');
      }
      await expect(staging.seal(TERMS)).rejects.toThrow('has ended');
      expect(await collect(snapshots, [item('b', 1)])).toMatchObject({ rows: 1, setCount: 1 });
    }));

  it('does not seal against a copy that was dropped meanwhile', () =>
    withSnapshots(async (snapshots) => {
      await collect(snapshots, [item('a', 1)]);
      commitAsSealed(snapshots);
      const staging = snapshots.begin('Inventory');
      staging.add([item('a', 2)]);
      const sealing = staging.seal(TERMS);
      snapshots.scorch('Inventory');
      await expect(sealing).rejects.toThrow(SealConflict);
      expect(snapshots.pending()).toBeUndefined();
    }));

  it('refuses a row that no line can hold', () =>
    withSnapshots((snapshots) => {
      const staging = snapshots.begin('Inventory');
      expect(() => staging.add([item('a', 'x'.repeat(4 * 1024 * 1024))])).toThrow(RangeError);
    }));

  it('stores nothing of a collection when the disk is full, and the next one succeeds', () =>
    withStore(driver, async ({ snapshots, sql }) => {
      const rows = Array.from({ length: 2_000 }, (_, n) =>
        item(`p-${n}`, createHash('sha256').update(String(n)).digest('hex')),
      );
      const pages = sql.prepare('PRAGMA page_count').get()?.['page_count'] as number;
      sql.exec(`PRAGMA max_page_count = ${pages + 8}`);
      await expect(collect(snapshots, rows)).rejects.toMatchObject({ code: 'FULL' });
      expect(snapshots.pending()).toBeUndefined();
      sql.exec(`PRAGMA max_page_count = ${pages * 100}`);
      expect(await collect(snapshots, rows)).toMatchObject({ rows: 2_000, setCount: 2_000 });
    }));

  it('stores nothing of a collection when the disk gets full while it is sealed', () =>
    withStore(driver, async ({ snapshots, sql }) => {
      const rows = Array.from({ length: 2_000 }, (_, n) =>
        item(`p-${n}`, createHash('sha256').update(String(n)).digest('hex')),
      );
      const staging = snapshots.begin('Inventory');
      staging.add(rows);
      const pages = sql.prepare('PRAGMA page_count').get()?.['page_count'] as number;
      sql.exec(`PRAGMA max_page_count = ${pages + 8}`);
      await expect(staging.seal(TERMS)).rejects.toMatchObject({ code: 'FULL' });
      expect(snapshots.pending()).toBeUndefined();
      sql.exec(`PRAGMA max_page_count = ${pages * 100}`);
      expect(await collect(snapshots, rows)).toMatchObject({ rows: 2_000, setCount: 2_000 });
    }));

  it.each(['gzip', 'zstd'] as const)(
    'cuts a body in %s into chunks of any size, the same bytes each time',
    (encoding) =>
      withSnapshots(async (snapshots) => {
        const noise = (n: number): string => createHash('sha512').update(String(n)).digest('hex');
        const rows = Array.from({ length: 3_000 }, (_, n) => item(`p-${n}`, noise(n)));
        const staging = snapshots.begin('Inventory');
        staging.add(rows);
        const pending = await staging.seal({ ...TERMS, encoding, chunkBytes: 100_000 });
        expect(pending.encodedBytes).toBeGreaterThan(3 * SEGMENT_BYTES);
        const body = bodyOf(snapshots);
        expect(createHash('sha256').update(body).digest('hex')).toBe(pending.digest);
        expect(decode(body, encoding).changes).toHaveLength(3_000);
        for (const chunkBytes of [65_536, 65_537, 1_024 * 1_024]) {
          snapshots.rechunk(chunkBytes);
          expect(snapshots.pending()?.chunkCount).toBe(Math.ceil(pending.encodedBytes / chunkBytes));
          expect(bodyOf(snapshots).equals(body)).toBe(true);
        }
        expect(() => snapshots.chunk(1)).toThrow(RangeError);
        expect(() => snapshots.chunk(-1)).toThrow(RangeError);
        expect(() => snapshots.chunk(0.5)).toThrow(RangeError);
      }),
  );

  it('gives an upload with other terms a new idempotency key and no upload id', () =>
    withSnapshots(async (snapshots) => {
      expect(() => snapshots.setUpload('u')).toThrow('no upload is pending');
      expect(() => snapshots.rechunk(65_536)).toThrow('no upload is pending');
      const before = await collect(snapshots, [item('a', 1)], { chunkBytes: 131_072 as 65_536 });
      snapshots.setUpload('upload-1');
      expect(snapshots.pending()).toEqual({ ...before, uploadId: 'upload-1' });
      snapshots.rechunk(65_536);
      const after = snapshots.pending()!;
      expect(after.uploadId).toBeUndefined();
      expect(after.idempotencyKey).not.toBe(before.idempotencyKey);
      expect(() => snapshots.rechunk(65_535)).toThrow(RangeError);
    }));

  it('notes what the platform processed, forward only and not beyond what was committed', () =>
    withSnapshots(async (snapshots) => {
      expect(snapshots.setProcessed('Inventory', 1, 10)).toBe(false);
      for (const value of [1, 2]) {
        await collect(snapshots, [item('a', value)]);
        commitAsSealed(snapshots);
      }
      expect(snapshots.setProcessed('Inventory', 3, 10)).toBe(false);
      expect(snapshots.setProcessed('Inventory', 2, 20)).toBe(true);
      expect(snapshots.setProcessed('Inventory', 2, 30)).toBe(false);
      expect(snapshots.setProcessed('Inventory', 1, 30)).toBe(false);
      expect(snapshots.state('Inventory')?.processed).toEqual({ seq: 2, at: 20 });
    }));

  const VALUES = fc.dictionary(
    fc.stringMatching(/^[a-e\u00e9\uffee]{1,3}$/u).map((key) => (key.length === 3 ? `${key}\u{1F600}` : key)),
    fc.integer({ min: 0, max: 3 }),
    { maxKeys: 12 },
  );

  it('R219 R220 brings a platform that starts empty to the same map and root, through crashes at any step', () =>
    withDir(async (root) => {
      let directories = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({ values: VALUES, crashes: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) }),
            { maxLength: 5 },
          ),
          async (steps) => {
            let dir = join(root, String((directories += 1)));
            mkdirSync(dir);
            let { store } = await openTest(dir, driver);
            const maybeCrash = async (crash: boolean | undefined): Promise<void> => {
              if (crash !== true) return;
              const left = join(root, String((directories += 1)));
              mkdirSync(left);
              copyAsKilled(dir, left);
              store.close();
              dir = left;
              ({ store } = await openTest(dir, driver));
            };
            let platform = new Map<string, Item>();
            let platformSeq = 0;
            for (const { values, crashes } of steps) {
              const items = Object.entries(values).map(([key, value]) => makeItem('deb', key, { value }));
              const staging = store.snapshots.begin('Inventory');
              staging.add(items);
              if (crashes[0] === true) {
                await maybeCrash(true);
                expect(store.snapshots.pending()).toBeUndefined();
                continue;
              }
              const sealed = await staging.seal(TERMS);
              const body = bodyOf(store.snapshots);
              await maybeCrash(crashes[1]);
              expect(store.snapshots.pending()).toEqual(sealed);
              expect(bodyOf(store.snapshots).equals(body)).toBe(true);
              const { header, changes } = decode(body, 'gzip');
              expect([header.baseSeq, header.baseRoot]).toEqual([platformSeq, rootOfMap(platform)]);
              platform = applyChanges(platform, changes);
              platformSeq = header.newSeq;
              expect(platform).toEqual(new Map(items.map((each) => [each.key, each])));
              store.snapshots.commit({ seq: platformSeq, root: rootOfMap(platform), at: 1 });
              await maybeCrash(crashes[2]);
              expect(store.snapshots.state('Inventory')).toMatchObject({
                seq: platformSeq,
                rows: platform.size,
              });
              expect(store.snapshots.recomputeRoot('Inventory')).toBe(rootOfMap(platform));
            }
            store.close();
          },
        ),
        { numRuns: 40 },
      );
    }));
});
