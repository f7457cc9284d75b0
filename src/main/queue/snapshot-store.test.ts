import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { EMPTY_ROOT } from '../../wire/item.ts';
import { SealConflict } from './seal.ts';
import { CommitMismatch } from './snapshot-store.ts';
import { DRIVERS, item, withStore } from './store.fixture.ts';
import { bodyOf, collect, commitAsSealed, decode, TERMS, withSnapshots } from './testing/snapshots.ts';

describe.each(DRIVERS)('snapshot store over %s', (driver) => {
  it('keeps the first of two items with one key, and counts rows per table while it collects', () =>
    withSnapshots(driver, async (snapshots) => {
      const staging = snapshots.begin('Inventory');
      staging.add([item('a', 'first'), item('b', 1)]);
      staging.add([item('a', 'second'), item('x', 1, 'rpm')]);
      expect(staging.counts()).toEqual({ deb: 2, rpm: 1 });
      await staging.seal(TERMS);
      expect(decode(bodyOf(snapshots), 'gzip').changes[0]).toEqual({ set: item('a', 'first') });
    }));

  it('R219 holds the rows that the platform holds after a commit, and the state that goes with them', () =>
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, async (snapshots) => {
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
    withSnapshots(driver, (snapshots) => {
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

  it('notes what the platform processed, forward only and not beyond what was committed', () =>
    withSnapshots(driver, async (snapshots) => {
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
});
