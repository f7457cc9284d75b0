import type { Item } from '../shared/rows.ts';
import { compareKeys, rootOf } from './item.ts';

/** One step from a base map to a new one. */
export type Change = { readonly set: Item } | { readonly del: string };

/** What a snapshot needs to hold of an item to find out whether it changed. */
export type KeyedHash = Pick<Item, 'key' | 'hash'>;

/**
 * The changes that turn `base` into `next`, in key order (R317). Both must be in key order without duplicates;
 * memory does not grow with either. Both are closed at the end, also when the reader stops early.
 */
export function* diff(base: Iterable<KeyedHash>, next: Iterable<Item>): Generator<Change, void, undefined> {
  const before: Iterator<KeyedHash, unknown> = base[Symbol.iterator]();
  const after: Iterator<Item, unknown> = next[Symbol.iterator]();
  try {
    let old = before.next();
    let now = after.next();
    for (;;) {
      if (!old.done && (now.done || compareKeys(old.value.key, now.value.key) < 0)) {
        yield { del: old.value.key };
        old = before.next();
      } else if (!now.done && (old.done || old.value.key !== now.value.key)) {
        yield { set: now.value };
        now = after.next();
      } else if (!old.done && !now.done) {
        if (old.value.hash !== now.value.hash) yield { set: now.value };
        old = before.next();
        now = after.next();
      } else return;
    }
  } finally {
    before.return?.();
    after.return?.();
  }
}

/** The map after the changes, as a new one. Deleting an absent key throws: the base is not the one that was meant. */
export function applyChanges(base: ReadonlyMap<string, Item>, changes: Iterable<Change>): Map<string, Item> {
  const result = new Map(base);
  for (const change of changes) {
    if ('set' in change) result.set(change.set.key, change.set);
    else if (!result.delete(change.del))
      throw new Error(`delta deletes a key that is not there: ${change.del}`);
  }
  return result;
}

/** Root of a map, whatever order it was filled in. */
export function rootOfMap(items: ReadonlyMap<string, KeyedHash>): string {
  const sorted = [...items.values()].sort((a, b) => compareKeys(a.key, b.key));
  return rootOf(sorted.map((item) => item.hash));
}
