import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GAP_SIZE,
  mergeLoss,
  planEviction,
  recordSize,
  RECORD_OVERHEAD,
  windowEnd,
  type Evictable,
} from './eviction.ts';
import { withStore } from './store.fixture.ts';

const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const records = (...sizes: number[]): Evictable[] =>
  sizes.map((size, index) => ({ position: 10 + index, at: 1_000 + index, size }));

describe('size of a record', () => {
  it('counts bytes of UTF-8, not characters, and what the file needs besides', () => {
    expect(recordSize('id', 'ä€')).toBe(RECORD_OVERHEAD + 2 + 5);
  });

  it.each([0, 100, 900, 1_000, 4_000, 5_000, 30_000])(
    'is about what the record takes on the disk with a body of %i bytes',
    (length) =>
      withStore('better-sqlite3', ({ events, sql }) => {
        const pages = (): number => Number(sql.prepare('PRAGMA page_count').get()?.['page_count']);
        const body = 'x'.repeat(length);
        const records = Array.from({ length: 200 }, (_, n) => ({ id: idOf(n), at: 1_795_000_000_000, body }));
        const before = pages();
        events.enqueue('fim', records);
        const onDisk = (pages() - before) * 4_096;
        const counted = records.length * recordSize(idOf(0), body);
        expect(counted / onDisk).toBeGreaterThan(0.9);
        expect(counted / onDisk).toBeLessThan(1.6);
      }),
  );

  it('is the same for a gap as for a record with a UUID and nothing in it', () => {
    expect(GAP_SIZE).toBe(recordSize('00000000-0000-4000-8000-000000000000', ''));
  });
});

describe('eviction', () => {
  it('takes nothing while the total is within the limit, to the byte', () => {
    expect(planEviction(300, 300, true, records(100, 100, 100))).toBeUndefined();
    expect(planEviction(301, 300, true, records(100, 100, 101))).toMatchObject({ from: 10, upTo: 10 });
  });

  it('takes the oldest, and no more than needed', () => {
    expect(planEviction(1_000, 800, true, records(100, 100, 100, 700))).toEqual({
      from: 10,
      upTo: 11,
      loss: { count: 2, bytes: 200, firstAt: 1_000, lastAt: 1_001 },
    });
  });

  it('makes room for the gap record itself when there is none yet', () => {
    const each = GAP_SIZE / 2;
    const queue = records(each, each, each, each);
    expect(planEviction(4 * each, 3 * each, true, queue)?.upTo).toBe(10);
    expect(planEviction(4 * each, 3 * each, false, queue)?.upTo).toBe(12);
  });

  it('takes all there is when that is not enough, and nothing when there is nothing', () => {
    expect(planEviction(1_000, 10, true, records(100, 100))?.loss.count).toBe(2);
    expect(planEviction(1_000, 10, true, [])).toBeUndefined();
  });

  it('reads no further than it must', () => {
    const read: number[] = [];
    const lazily = function* (): Generator<Evictable> {
      for (const record of records(100, 100, 100)) {
        read.push(record.position);
        yield record;
      }
    };
    planEviction(300, 250, true, lazily());
    expect(read).toEqual([10]);
  });

  it('ends within the limit whenever there is enough to take', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: RECORD_OVERHEAD, max: 2_000 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: GAP_SIZE, max: 20_000 }),
        fc.boolean(),
        (sizes, limit, hasGap) => {
          const total = sizes.reduce((sum, size) => sum + size, 0);
          const plan = planEviction(total, limit, hasGap, records(...sizes));
          const after = total - (plan?.loss.bytes ?? 0) + (plan !== undefined && !hasGap ? GAP_SIZE : 0);
          expect(after).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });

  it('adds losses up, with the earliest and the latest time whatever the order of the records', () => {
    const a = { count: 1, bytes: 10, firstAt: 500, lastAt: 500 };
    const b = { count: 2, bytes: 30, firstAt: 100, lastAt: 900 };
    expect(mergeLoss(a, b)).toEqual({ count: 3, bytes: 40, firstAt: 100, lastAt: 900 });
    expect(mergeLoss(b, a)).toEqual(mergeLoss(a, b));
  });
});

describe('window of a payload', () => {
  it('ends at the number of records or of bytes, whichever comes first', () => {
    const queue = records(100, 100, 100);
    expect(windowEnd(queue, { maxRecords: 2, maxBytes: 1_000 })).toBe(11);
    expect(windowEnd(queue, { maxRecords: 9, maxBytes: 200 })).toBe(11);
    expect(windowEnd(queue, { maxRecords: 9, maxBytes: 199 })).toBe(10);
    expect(windowEnd(queue, { maxRecords: 9, maxBytes: 9_999 })).toBe(12);
  });

  it('holds one record even if that alone is too large', () => {
    expect(windowEnd(records(5_000, 1), { maxRecords: 9, maxBytes: 100 })).toBe(10);
    expect(windowEnd([], { maxRecords: 9, maxBytes: 100 })).toBeUndefined();
  });
});
