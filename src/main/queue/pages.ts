import { type SqlRow, type SqlValue, type Statement } from './sql.ts';

/** Rows per page: what is in memory at a time. Rows of a snapshot take a few hundred bytes, 4 MiB at most. */
export const PAGE_ROWS = 64;

/**
 * The rows of a statement, page by page, so that none stays open and others may write in between. The statement ends
 * `… AND column > ? ORDER BY column LIMIT ?`; `first` is a value before all others.
 */
export function* pages(
  statement: Statement,
  column: string,
  first: SqlValue,
  ...params: SqlValue[]
): Generator<SqlRow, void, undefined> {
  let last = first;
  for (;;) {
    const page = statement.all(...params, last, PAGE_ROWS);
    yield* page;
    if (page.length < PAGE_ROWS) return;
    last = page.at(-1)?.[column] ?? null;
  }
}

/** The items in groups of at most `size`. */
export function* batches<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
