import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLog } from './commands.ts';
import { EventQueue } from './event-queue.ts';
import { KeyValues } from './kv.ts';
import { migrate, schemaOf } from './migrate.ts';
import { openSql, openScratch } from './open-sql.ts';
import { quarantine } from './quarantine.ts';
import { SnapshotStore } from './snapshot-store.ts';
import { type DriverName, type Sql } from './sql.ts';
import { StoreError } from './store-error.ts';

/** Name of the database inside the data directory. */
export const STORE_FILE = 'agent.db';

/** Up to this size the whole file is checked at start, above it only the small tables: start stays bounded. */
const CHECK_WHOLE_BYTES = 256 * 1024 * 1024;

/** Tables whose damage would mislead the agent; they hold a few rows each. */
const SMALL_TABLES = ['streams', 'sync_state', 'pending', 'kv', 'commands'] as const;

/** Everything that the agent keeps on disk, over one connection and one file. */
export interface Store {
  readonly sql: Sql;
  readonly events: EventQueue;
  readonly snapshots: SnapshotStore;
  readonly kv: KeyValues;
  readonly commands: CommandLog;
  readonly close: () => void;
}

export interface StoreOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A new random UUID in lower case. */
  readonly newId: () => string;
  /** Takes a line for the log: what was found damaged and what was done about it. */
  readonly warn: (line: string) => void;
  readonly driver?: DriverName;
  /** Largest file that is checked as a whole, in bytes. */
  readonly checkWholeBytes?: number;
}

export interface OpenedStore {
  readonly store: Store;
  /** Where a damaged database was moved to; the store is new and empty then, and a resync is due. */
  readonly quarantined?: string;
}

/**
 * Opens the store in `dir`, making both if need be. A damaged database never stops the start: it is moved aside and a
 * new one opened. Throws `StoreError` for all else: `REFUSED` (newer version, or not a plain file: nothing is
 * touched), `FULL`, `READONLY`, `BUSY`.
 */
export async function openStore(dir: string, options: StoreOptions): Promise<OpenedStore> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, STORE_FILE);
  try {
    return { store: await openSound(path, options) };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error;
    const quarantined = quarantine(path, options.now());
    options.warn(`database damaged, moved to ${quarantined}, a new one is used: ${error.message}`);
    return { store: await openSound(path, options), quarantined };
  }
}

async function openSound(path: string, options: StoreOptions): Promise<Store> {
  const sql = await openSql(path, options.driver);
  try {
    migrate(sql);
    check(sql, statSync(path).size > (options.checkWholeBytes ?? CHECK_WHOLE_BYTES));
    await requireOwnSchema(sql);
    return assemble(sql, options);
  } catch (error) {
    closeQuietly(sql);
    throw error;
  }
}

function assemble(sql: Sql, { newId, warn }: StoreOptions): Store {
  return {
    sql,
    events: new EventQueue(sql, newId),
    snapshots: new SnapshotStore(sql, newId),
    kv: new KeyValues(sql, warn),
    commands: new CommandLog(sql),
    close: () => {
      sql.close();
    },
  };
}

/** SQLite's own structure check (sqlite.org/pragma.html#pragma_quick_check), up to the first finding. */
function check(sql: Sql, smallTablesOnly: boolean): void {
  const scopes = smallTablesOnly ? SMALL_TABLES : [1];
  for (const scope of scopes) {
    const finding = sql.prepare(`PRAGMA quick_check(${scope})`).get()?.['quick_check'];
    if (finding !== 'ok') throw new StoreError('CORRUPT', `${sql.path}: ${String(finding)}`);
  }
}

/** The check does not read names: a flipped letter in a definition shows against that of a new database. */
async function requireOwnSchema(sql: Sql): Promise<void> {
  const fresh = await openScratch(sql.driver);
  try {
    migrate(fresh);
    if (schemaOf(sql).join() !== schemaOf(fresh).join()) {
      throw new StoreError('CORRUPT', `${sql.path}: its tables are not those of its version`);
    }
  } finally {
    fresh.close();
  }
}

/** Closing writes the log back, which fails on a damaged file; the error that led here is the one that counts. */
function closeQuietly(sql: Sql): void {
  try {
    sql.close();
  } catch {
    // Nothing to add: the connection is gone either way.
  }
}
