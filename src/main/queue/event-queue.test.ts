import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMIT_BYTES, type EventQueue, type EventRecord } from './event-queue.ts';
import { GAP_SIZE, recordSize } from './eviction.ts';
import { STORE_FILE } from './open.ts';
import { copyAsKilled, DRIVERS, openTest, withDir, withStore } from './store.fixture.ts';

const ALL = { maxRecords: 1_000, maxBytes: 10_000_000 };

/** A record whose size against the limit is 1,000 bytes. */
function kilo(n: number): EventRecord {
  const id = `id-${n}`;
  return { id, at: 1_000 + n, body: 'x'.repeat(1_000 - recordSize(id, '')) };
}

const range = (from: number, to: number): EventRecord[] =>
  Array.from({ length: to - from + 1 }, (_, index) => kilo(from + index));

const idsOf = (queue: EventQueue, stream = 'fim', limits = ALL): string[] =>
  queue.peek(stream, limits).map((record) => (record.gap ? `gap:${record.loss.count}` : record.id));

function acknowledgeAll(queue: EventQueue, stream = 'fim'): number {
  const last = queue.peek(stream, ALL).at(-1);
  return last === undefined ? 0 : queue.acknowledge(stream, last.position);
}

describe.each(DRIVERS)('event queue over %s', (driver) => {
  const withQueue = (work: (queue: EventQueue) => void): Promise<void> =>
    withStore(driver, ({ events }) => {
      work(events);
    });

  it('R008 hands records out in order, again and again, until they are acknowledged', () =>
    withQueue((queue) => {
      queue.enqueue('fim', [
        { id: 'b', at: 2, body: '{"n":1}' },
        { id: 'a', at: 1, body: 'ünïcode\n' },
      ]);
      const first = queue.peek('fim', ALL);
      expect(first).toEqual([
        { gap: false, position: first[0]?.position, id: 'b', at: 2, body: '{"n":1}' },
        { gap: false, position: first[1]?.position, id: 'a', at: 1, body: 'ünïcode\n' },
      ]);
      expect(queue.peek('fim', ALL)).toEqual(first);
      expect(queue.acknowledge('fim', first[0]!.position)).toBe(1);
      expect(idsOf(queue)).toEqual(['a']);
      expect(acknowledgeAll(queue)).toBe(1);
      expect(queue.peek('fim', ALL)).toEqual([]);
    }));

  it('R008 has everything on the disk when enqueue returns, as a killed process leaves it', () =>
    withStore(driver, async ({ events }, dir) => {
      events.enqueue('fim', range(1, 3));
      const after = join(dir, 'after');
      mkdirSync(after);
      copyAsKilled(dir, after);
      const { store, quarantined } = await openTest(after, driver);
      expect(quarantined).toBeUndefined();
      expect(idsOf(store.events)).toEqual(['id-1', 'id-2', 'id-3']);
      store.close();
    }));

  it('passes over an id that is queued in the same stream, not in another one', () =>
    withQueue((queue) => {
      queue.enqueue('fim', [{ id: 'a', at: 1, body: 'first' }]);
      queue.enqueue('fim', [
        { id: 'a', at: 2, body: 'second' },
        { id: 'b', at: 3, body: 'b' },
        { id: 'b', at: 4, body: 'again' },
      ]);
      queue.enqueue('edr', [{ id: 'a', at: 5, body: 'other stream' }]);
      expect(queue.peek('fim', ALL).map((r) => !r.gap && r.body)).toEqual(['first', 'b']);
      expect(queue.stats()['fim']).toMatchObject({
        records: 2,
        bytes: recordSize('a', 'first') + recordSize('b', 'b'),
      });
      expect(queue.stats()['edr']).toMatchObject({ records: 1, oldestAt: 5 });
    }));

  it('counts only what is still queued, and makes no stream for nothing', () =>
    withQueue((queue) => {
      queue.enqueue('edr', []);
      expect(queue.stats()).toEqual({});
      queue.enqueue('fim', range(1, 3));
      const [first] = queue.peek('fim', ALL);
      queue.acknowledge('fim', first!.position);
      expect(queue.stats()['fim']).toMatchObject({ records: 2, bytes: 2_000, oldestAt: 1_002 });
      acknowledgeAll(queue);
      const empty = { records: 0, bytes: 0, limitBytes: DEFAULT_LIMIT_BYTES, dropped: 0 };
      expect(queue.stats()['fim']).toEqual(empty);
    }));

  it('gives no more than asked for, but one record at least', () =>
    withQueue((queue) => {
      queue.enqueue('fim', range(1, 5));
      expect(idsOf(queue, 'fim', { maxRecords: 2, maxBytes: 1_000_000 })).toEqual(['id-1', 'id-2']);
      expect(idsOf(queue, 'fim', { maxRecords: 100, maxBytes: 3_000 })).toEqual(['id-1', 'id-2', 'id-3']);
      expect(idsOf(queue, 'fim', { maxRecords: 100, maxBytes: 1 })).toEqual(['id-1']);
      expect(queue.peek('none', ALL)).toEqual([]);
    }));

  it('refuses to acknowledge what was never handed out', () =>
    withQueue((queue) => {
      queue.enqueue('fim', range(1, 3));
      const [first] = queue.peek('fim', { maxRecords: 1, maxBytes: 1 });
      const next = first!.position + 1;
      expect(() => queue.acknowledge('fim', next)).toThrow(`nothing up to ${next} of fim was handed out`);
      expect(() => queue.acknowledge('fim', next)).toThrow(RangeError);
      expect(() => queue.acknowledge('none', 1)).toThrow(RangeError);
      expect(queue.stats()['fim']?.records).toBe(3);
    }));

  it('lets the oldest go over the limit and puts one gap with exact figures in their place', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 5_000);
      queue.enqueue('fim', range(1, 5));
      expect(queue.stats()['fim']).toMatchObject({ records: 5, bytes: 5_000, dropped: 0 });
      queue.enqueue('fim', range(6, 7));
      const [gap, ...rest] = queue.peek('fim', ALL);
      expect(gap).toMatchObject({
        gap: true,
        loss: { count: 3, bytes: 3_000, firstAt: 1_001, lastAt: 1_003 },
      });
      expect(rest.map((record) => record.id)).toEqual(['id-4', 'id-5', 'id-6', 'id-7']);
      expect(queue.stats()['fim']).toEqual({
        records: 4,
        bytes: 4_000 + GAP_SIZE,
        limitBytes: 5_000,
        dropped: 3,
        oldestAt: 1_001,
      });
    }));

  it('adds to a gap that has not left the host, under its id', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 3_000);
      queue.enqueue('fim', range(1, 4));
      queue.enqueue('fim', range(5, 9));
      expect(idsOf(queue)).toEqual(['gap:7', 'id-8', 'id-9']);
    }));

  it('makes room for a gap once: a second loss takes no more records than it must', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 2_200);
      queue.enqueue('fim', range(1, 3));
      queue.enqueue('fim', [kilo(4)]);
      expect(queue.stats()['fim']).toMatchObject({ records: 2, bytes: 2_000 + GAP_SIZE, dropped: 2 });
      expect(idsOf(queue)).toEqual(['gap:2', 'id-3', 'id-4']);
    }));

  it('neither changes nor evicts what is in flight: losses behind it get a gap of their own', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 4_000);
      queue.enqueue('fim', range(1, 5)); // 1 and 2 go
      const sent = queue.peek('fim', { maxRecords: 2, maxBytes: 10_000 });
      expect(sent.map((record) => record.gap)).toEqual([true, false]);
      queue.enqueue('fim', range(6, 8));
      const now = queue.peek('fim', ALL);
      expect(now.slice(0, 2)).toEqual(sent);
      expect(now[2]).toMatchObject({ gap: true, loss: { count: 3, firstAt: 1_004, lastAt: 1_006 } });
      expect(now[2]?.id).not.toBe(sent[0]?.id);
      queue.acknowledge('fim', sent[1]!.position);
      expect(idsOf(queue)).toEqual(['gap:3', 'id-7', 'id-8']);
    }));

  it('remembers after a restart what was in flight', () =>
    withDir(async (dir) => {
      const before = (await openTest(dir, driver)).store;
      before.events.setLimit('fim', 3_000);
      before.events.enqueue('fim', range(1, 3));
      const sent = before.events.peek('fim', { maxRecords: 1, maxBytes: 1 });
      before.close();
      const { store } = await openTest(dir, driver);
      store.events.enqueue('fim', range(4, 6));
      expect(store.events.peek('fim', ALL)[0]).toEqual(sent[0]);
      expect(idsOf(store.events)).toEqual(['id-1', 'gap:4', 'id-6']);
      expect(store.events.acknowledge('fim', sent[0]!.position)).toBe(1);
      store.close();
    }));

  it('keeps a limit over a restart, and evicts at once when it is lowered', () =>
    withDir(async (dir) => {
      const before = (await openTest(dir, driver)).store;
      before.events.enqueue('fim', range(1, 4));
      expect(before.events.stats()['fim']?.limitBytes).toBe(DEFAULT_LIMIT_BYTES);
      before.events.setLimit('fim', 2_500);
      before.close();
      const { store } = await openTest(dir, driver);
      expect(idsOf(store.events)).toEqual(['gap:2', 'id-3', 'id-4']);
      expect(store.events.stats()['fim']?.limitBytes).toBe(2_500);
      store.close();
    }));

  it('counts a record larger than the whole limit as lost and stays within it', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 2_000);
      queue.enqueue('fim', [{ id: 'huge', at: 7, body: 'x'.repeat(50_000) }]);
      expect(idsOf(queue)).toEqual(['gap:1']);
      expect(queue.stats()['fim']?.bytes).toBe(GAP_SIZE);
    }));

  it('R008 loses nothing queued to a full disk and goes on when there is room', () =>
    withStore(driver, ({ sql, events }) => {
      events.enqueue('fim', range(1, 20));
      const pages = sql.prepare('PRAGMA page_count').get()?.['page_count'] as number;
      sql.exec(`PRAGMA max_page_count = ${pages}`);
      expect(() => {
        events.enqueue('fim', range(21, 60));
      }).toThrow(expect.objectContaining({ code: 'FULL' }));
      expect(events.stats()['fim']?.records).toBe(20);
      sql.exec(`PRAGMA max_page_count = ${pages * 10}`);
      events.enqueue('fim', range(21, 60));
      expect(idsOf(events)).toEqual(range(1, 60).map((record) => record.id));
    }));

  it('gives the space back when a limit is lowered', () =>
    withStore(driver, ({ events, sql }, dir) => {
      const sizeOnDisk = (): number => {
        sql.exec('PRAGMA wal_checkpoint(TRUNCATE)');
        return statSync(join(dir, STORE_FILE)).size;
      };
      const body = 'x'.repeat(100_000);
      events.enqueue(
        'fim',
        Array.from({ length: 90 }, (_, n) => ({ id: `id-${n}`, at: n, body })),
      );
      const full = sizeOnDisk();
      events.setLimit('fim', 200_000);
      expect(sizeOnDisk()).toBeLessThan(full - 3_000_000);
    }));

  it('R205 says again what was handed out up to a position, and never what was not', () =>
    withQueue((queue) => {
      queue.enqueue('fim', range(1, 5));
      const window = queue.peek('fim', { maxRecords: 3, maxBytes: 10_000 });
      queue.enqueue('fim', range(6, 7));
      const upTo = window.at(-1)?.position ?? 0;
      expect(queue.handedOut('fim', upTo)).toEqual(window);
      expect(() => queue.handedOut('fim', upTo + 1)).toThrow(RangeError);
      expect(() => queue.handedOut('edr', 1)).toThrow(RangeError);
      queue.acknowledge('fim', upTo);
      expect(queue.handedOut('fim', upTo)).toEqual([]);
    }));

  it('R314 clears a stream with its gaps and what was handed out, counts none of it, and goes on', () =>
    withQueue((queue) => {
      queue.setLimit('fim', 5_000);
      queue.enqueue('fim', range(1, 4));
      queue.peek('fim', { maxRecords: 1, maxBytes: 1 });
      queue.enqueue('fim', range(5, 9));
      queue.enqueue('edr', range(1, 1));
      const { dropped } = queue.stats()['fim'] ?? { dropped: 0 };
      expect(dropped).toBeGreaterThan(0);
      queue.clear('fim');
      expect(queue.stats()['fim']).toEqual({ records: 0, bytes: 0, limitBytes: 5_000, dropped });
      expect(queue.stats()['edr']).toMatchObject({ records: 1 });
      expect(idsOf(queue)).toEqual([]);
      queue.enqueue('fim', range(1, 9));
      expect(idsOf(queue)[0]).toMatch(/^gap:/);
      queue.clear('other');
      expect(queue.stats()['other']).toBeUndefined();
    }));

  it('holds the limit on the disk as well, and gives the space back', () =>
    withStore(driver, ({ events, sql }, dir) => {
      const limit = 12_000_000;
      events.setLimit('fim', limit);
      for (let n = 0; n < 20; n += 1) {
        // 256 bytes of body as file events have them: about three times the limit in all
        const group = Array.from({ length: 4_500 }, (_, i) => ({
          id: `id-${n}-${i}`,
          at: n,
          body: 'x'.repeat(256),
        }));
        events.enqueue('fim', group);
      }
      sql.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      const full = statSync(join(dir, STORE_FILE)).size;
      expect(full).toBeGreaterThan(limit * 0.7);
      expect(full).toBeLessThan(limit * 1.15);
      while (events.peek('fim', ALL).length > 0) acknowledgeAll(events);
      sql.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      expect(statSync(join(dir, STORE_FILE)).size).toBeLessThan(full / 2);
    }));
});
