import { Unreadable, type ReadContext } from './table.ts';

/** Bytes hashed in one collection: thousands of tasks may name a large, perhaps empty, file. */
const MAX_HASHED_TOGETHER = 4 * 1024 * 1024 * 1024;

/** Bytes that may still be hashed, per collection. */
const left = new WeakMap<ReadContext, number>();

/** Counts bytes against the budget of the collection that has this context. Throws `Unreadable` once it is used up. */
export function spendOnHashing(context: ReadContext, bytes: number): void {
  const rest = (left.get(context) ?? MAX_HASHED_TOGETHER) - bytes;
  left.set(context, rest);
  if (rest < 0) throw new Unreadable('the files of this collection are too large together');
}
