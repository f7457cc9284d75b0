import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Item } from '../shared/rows.ts';
import { applyChanges, diff, rootOfMap, type Change } from './delta.ts';
import { compareKeys, EMPTY_ROOT, makeItem, rootOf } from './item.ts';

const keyOf = (change: Change): string => ('set' in change ? change.set.key : change.del);

function itemsOf(rows: Record<string, number>): Item[] {
  return Object.entries(rows)
    .map(([key, value]) => makeItem('t', key, { value }))
    .sort((a, b) => compareKeys(a.key, b.key));
}
const mapOf = (items: readonly Item[]): Map<string, Item> => new Map(items.map((item) => [item.key, item]));

/** Few keys and few values, so that equal, changed, added and deleted ones all turn up; some above U+FFFF. */
const items = fc
  .dictionary(fc.constantFrom('a', 'b', 'ba', 'c', 'd', 'é', '\uffee', '\u{10000}', '\u{1f600}'), fc.nat(2))
  .map(itemsOf);

describe('diff', () => {
  it('R022 R317 turns the base into the next map exactly', () => {
    fc.assert(
      fc.property(items, items, (base, next) => {
        expect(applyChanges(mapOf(base), diff(base, next))).toEqual(mapOf(next));
      }),
      { numRuns: 500 },
    );
  });

  it('R317 is minimal: one change per key that differs, and none for one that does not', () => {
    fc.assert(
      fc.property(items, items, (base, next) => {
        const before = mapOf(base);
        const after = mapOf(next);
        const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
          (key) => before.get(key)?.hash !== after.get(key)?.hash,
        );
        expect([...diff(base, next)].map(keyOf)).toEqual(differing.sort(compareKeys));
      }),
      { numRuns: 500 },
    );
  });

  it('R022 of a map with itself is empty', () => {
    fc.assert(
      fc.property(items, (base) => {
        expect([...diff(base, base)]).toEqual([]);
      }),
    );
  });

  it('needs no more of the base than keys and hashes', () => {
    const [a, b] = itemsOf({ a: 1, b: 1 });
    const base = [a, b].map((item) => ({ key: item?.key ?? '', hash: item?.hash ?? '' }));
    const next = itemsOf({ b: 2, c: 1 });
    expect([...diff(base, next)]).toEqual([{ del: 't\u001fa' }, { set: next[0] }, { set: next[1] }]);
  });

  it('closes both sources when the reader stops early, so that no database statement stays open', () => {
    const closed: string[] = [];
    function* source(name: string, list: readonly Item[]) {
      try {
        yield* list;
      } finally {
        closed.push(name);
      }
    }
    for (const change of diff(source('base', itemsOf({ a: 1, b: 1 })), source('next', itemsOf({ c: 1 })))) {
      expect(change).toEqual({ del: 't\u001fa' });
      break;
    }
    expect(closed.sort()).toEqual(['base', 'next']);
  });

  it('closes the base when the next map cannot be read to its end', () => {
    let closed = false;
    function* base() {
      try {
        yield* itemsOf({ a: 1, b: 1 });
      } finally {
        closed = true;
      }
    }
    function* next(): Generator<Item> {
      yield* itemsOf({ a: 1 });
      throw new Error('disk');
    }
    expect(() => [...diff(base(), next())]).toThrow('disk');
    expect(closed).toBe(true);
  });
});

describe('applyChanges', () => {
  it('leaves the base as it was', () => {
    const base = mapOf(itemsOf({ a: 1 }));
    applyChanges(base, [{ del: 't\u001fa' }]);
    expect([...base.keys()]).toEqual(['t\u001fa']);
  });

  it('refuses to delete a key that the base does not have', () => {
    expect(() => applyChanges(new Map(), [{ del: 't\u001fa' }])).toThrow(
      'delta deletes a key that is not there: t\u001fa',
    );
  });
});

describe('rootOfMap', () => {
  it('R220 is the root in key order, whatever order the map was filled in', () => {
    fc.assert(
      fc.property(items, fc.array(fc.nat(), { minLength: 9, maxLength: 9 }), (list, order) => {
        const shuffled = list
          .map((item, index) => ({ item, rank: order[index] ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ item }) => item);
        expect(rootOfMap(mapOf(shuffled))).toBe(rootOf(list.map((item) => item.hash)));
      }),
    );
  });

  it('of an empty map is the empty root', () => {
    expect(rootOfMap(new Map())).toBe(EMPTY_ROOT);
  });
});
