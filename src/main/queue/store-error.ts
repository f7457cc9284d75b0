/**
 * What went wrong with the store, as its callers need to tell it apart:
 * - `FULL`: no space on the disk; nothing was changed, the same call works once there is space;
 * - `READONLY`: the file or its filesystem takes no writes; as `FULL`;
 * - `CORRUPT`: the file is damaged or not a database; `openStore` quarantines it at the next start;
 * - `BUSY`: another process holds the file beyond the waiting time;
 * - `REFUSED`: the file is not ours to touch (newer version, a link or a directory in its place);
 * - `OTHER`: anything else; the message says what.
 */
export type StoreErrorCode = 'FULL' | 'READONLY' | 'CORRUPT' | 'BUSY' | 'REFUSED' | 'OTHER';

/** The one error that the store throws for what the disk or the file did. Misuse by a caller is a plain `Error`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Whether the disk is full or takes no writes: nothing was changed, and the same call works later. */
export function isDiskRefusal(error: unknown): error is StoreError {
  return error instanceof StoreError && (error.code === 'FULL' || error.code === 'READONLY');
}

/** Primary result codes of SQLite (sqlite.org/rescode.html) by what they mean here; all others are `OTHER`. */
const MEANING: Readonly<Record<number, StoreErrorCode>> = {
  5: 'BUSY', // SQLITE_BUSY
  6: 'BUSY', // SQLITE_LOCKED
  8: 'READONLY', // SQLITE_READONLY
  11: 'CORRUPT', // SQLITE_CORRUPT
  13: 'FULL', // SQLITE_FULL
  26: 'CORRUPT', // SQLITE_NOTADB
};

/** SQLITE_IOERR: the operating system refused an access; why is not in the code. */
export const SQLITE_IOERR = 10;

/** The same by name, as better-sqlite3 gives them: `SQLITE_FULL`, `SQLITE_CORRUPT_VTAB`, … */
const NUMBER_OF: Readonly<Record<string, number>> = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: SQLITE_IOERR,
  CORRUPT: 11,
  FULL: 13,
  NOTADB: 26,
};

/** Primary result code from an extended one given as a number (node:sqlite) or a name (better-sqlite3). */
export function primaryCode(extended: number | string): number {
  if (typeof extended === 'number') return extended & 0xff;
  const family = /^SQLITE_([A-Z]+)/.exec(extended)?.[1] ?? '';
  return NUMBER_OF[family] ?? 0;
}

/** What a primary result code means to callers of the store. */
export function meaningOf(primary: number): StoreErrorCode {
  return MEANING[primary] ?? 'OTHER';
}
