import { describe, expect, it } from 'vitest';
import type { Store } from '../queue/open.ts';
import { FactBook } from './fact-book.ts';
import { NOW, restingFacts } from './testing/facts.ts';

function bookOf(): { book: FactBook; kept: Map<string, unknown>; writes: () => number } {
  const kept = new Map<string, unknown>();
  let writes = 0;
  const set = (key: string, value: unknown): void => {
    writes += 1;
    kept.set(key, value);
  };
  const kv = { set } as unknown as Store['kv'];
  return { book: new FactBook(restingFacts(), kv), kept, writes: () => writes };
}
const change = { reason: 'change', notBefore: NOW } as const;

describe('the book of facts', () => {
  it('keeps on the disk the cycle that is owed, also while it is being served', () => {
    const { book, kept } = bookOf();
    book.updateType('Inventory', { requested: change });
    expect(kept.get('cycle:Inventory')).toMatchObject({ requested: change });
    book.updateType('Inventory', { requested: null, serving: change });
    expect(kept.get('cycle:Inventory')).toMatchObject({ requested: change });
    book.updateType('Inventory', { serving: null });
    expect(kept.get('cycle:Inventory')).toMatchObject({ requested: null });
  });

  it('keeps the earlier one of what waits and what is served', () => {
    const { book, kept } = bookOf();
    const later = { reason: 'manifest', notBefore: NOW + 1 } as const;
    book.updateType('Inventory', { requested: later, serving: change });
    expect(kept.get('cycle:Inventory')).toMatchObject({ requested: change });
  });

  it('keeps what the next cycle counts from, and writes only what changed', () => {
    const { book, kept, writes } = bookOf();
    book.updateType('Inventory', { rows: 9 });
    expect(writes()).toBe(0);
    book.updateType('Inventory', { spreadMs: 5 });
    book.updateType('Inventory', { cycleEndedAt: 7 });
    expect(kept.get('cycle:Inventory')).toEqual({
      spreadMs: 5,
      cycleEndedAt: 7,
      notBefore: 0,
      requested: null,
    });
    expect(writes()).toBe(2);
  });

  it('never lets a request push an earlier one back, and knows no request for an unknown type', () => {
    const { book } = bookOf();
    book.request(['Inventory', 'SCA'], () => change);
    book.request(['Inventory'], () => ({ reason: 'manifest', notBefore: NOW + 1 }));
    expect(book.facts.types.Inventory?.requested).toEqual(change);
    expect(book.facts.types.SCA).toBeUndefined();
  });
});
