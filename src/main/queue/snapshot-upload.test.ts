import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Item } from '../../shared/rows.ts';
import { applyChanges, rootOfMap } from '../../wire/delta.ts';
import { EMPTY_ROOT, makeItem } from '../../wire/item.ts';
import { SEGMENT_BYTES } from './body-encoder.ts';
import { copyAsKilled, DRIVERS, item, openTest, withDir } from './store.fixture.ts';
import { bodyOf, collect, commitAsSealed, decode, TERMS, withSnapshots } from './testing/snapshots.ts';

describe.each(DRIVERS)('what a snapshot store over %s has uploaded', (driver) => {
  it('R022 seals a snapshot first, and only what changed from then on', () =>
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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

  it.each(['gzip', 'zstd'] as const)(
    'cuts a body in %s into chunks of any size, the same bytes each time',
    (encoding) =>
      withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
