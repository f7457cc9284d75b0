import { statSync, utimesSync } from 'node:fs';
import { meaningOf, SQLITE_IOERR, StoreError } from './store-error.ts';

/** What goes into and comes out of the database. Numbers are finite and, when whole, within ±(2^53−1). */
export type SqlValue = null | number | string | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A prepared statement with positional parameters. Nothing stays open between two calls. */
export interface Statement {
  /** Runs it and tells how many rows it inserted, updated or deleted. */
  readonly run: (...params: SqlValue[]) => { readonly changes: number };
  /** The first row, or `undefined`. */
  readonly get: (...params: SqlValue[]) => SqlRow | undefined;
  /** All rows: bound them with LIMIT (see `pages`). */
  readonly all: (...params: SqlValue[]) => SqlRow[];
}

export type DriverName = 'better-sqlite3' | 'node:sqlite';

/** What a driver has to bring: the bare calls, its own errors, and how to read the result code out of them. */
export interface Driver {
  readonly name: DriverName;
  readonly exec: (sql: string) => void;
  readonly prepare: (sql: string) => {
    readonly run: (...params: SqlValue[]) => { readonly changes: number | bigint };
    readonly get: (...params: SqlValue[]) => unknown;
    readonly all: (...params: SqlValue[]) => unknown[];
  };
  readonly inTransaction: () => boolean;
  readonly close: () => void;
  /** Primary result code of an error that this driver threw, `undefined` for any other error. */
  readonly resultCode: (error: unknown) => number | undefined;
}

/**
 * The store port: one SQLite connection, the same to its callers whichever driver is below it. Synchronous.
 * Whatever the disk or the file does wrong is thrown as `StoreError`; a number that does not survive the trip
 * (NaN, infinite, whole beyond ±(2^53−1)) or a text with NUL as `RangeError`.
 */
export class Sql {
  readonly path: string;
  readonly #driver: Driver;
  readonly #begin: Statement;
  readonly #commit: Statement;

  constructor(path: string, driver: Driver) {
    this.path = path;
    this.#driver = driver;
    this.#begin = this.prepare('BEGIN IMMEDIATE');
    this.#commit = this.prepare('COMMIT');
  }

  get driver(): DriverName {
    return this.#driver.name;
  }

  exec(sql: string): void {
    this.#guard(() => {
      this.#driver.exec(sql);
    });
  }

  prepare(sql: string): Statement {
    const raw = this.#guard(() => this.#driver.prepare(sql));
    return {
      run: (...params) => {
        params.forEach(requireSafe);
        return { changes: Number(this.#guard(() => raw.run(...params)).changes) };
      },
      get: (...params) => {
        params.forEach(requireSafe);
        const row = this.#guard(() => raw.get(...params));
        return row === undefined ? undefined : safeRow(row);
      },
      all: (...params) => {
        params.forEach(requireSafe);
        return this.#guard(() => raw.all(...params)).map(safeRow);
      },
    };
  }

  /**
   * Runs `work` in one transaction: all of it is on the disk when this returns, or nothing after a throw.
   * Not to be nested, and `work` must be synchronous; both are refused with an `Error`.
   */
  transaction<T>(work: () => T): T {
    if (this.#driver.inTransaction()) throw new Error('a transaction is already open');
    this.#begin.run();
    try {
      const result = work();
      if (result instanceof Promise) throw new Error('a transaction must not wait');
      this.#commit.run();
      return result;
    } catch (error) {
      // SQLite has already rolled back by itself after some errors, a full disk among them.
      if (this.#driver.inTransaction()) this.exec('ROLLBACK');
      throw error;
    }
  }

  /** Closes the connection. It can't be used afterwards; closing twice does nothing. */
  close(): void {
    this.#guard(() => {
      this.#driver.close();
    });
  }

  #guard<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      const code = this.#driver.resultCode(error);
      if (code === undefined) throw error;
      const meaning = code === SQLITE_IOERR && isReadOnly(this.path) ? 'READONLY' : meaningOf(code);
      throw new StoreError(meaning, `${this.path}: ${(error as Error).message}`, error);
    }
  }
}

/**
 * A filesystem that went read-only under an open file shows as a plain I/O error. Setting the file's times to what they
 * are tells: access(2) still says yes after ext4 gave up on its journal.
 */
function isReadOnly(path: string): boolean {
  try {
    const { atime, mtime } = statSync(path);
    utimesSync(path, atime, mtime);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

function requireSafe(value: SqlValue): void {
  // Node 22's driver ends text at a NUL when it reads it; JSON never holds one.
  if (typeof value === 'string' && value.includes('\0'))
    throw new RangeError("text with NUL can't be stored");
  if (typeof value !== 'number') return;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw new RangeError(`${value} can't be stored exactly`);
  }
}

function safeRow(row: unknown): SqlRow {
  const checked = row as SqlRow;
  for (const name in checked) requireSafe(checked[name] ?? null);
  return checked;
}
