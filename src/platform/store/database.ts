import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { MIGRATIONS } from './migrations.ts';

export type Db = Database.Database;

/** How long a writer waits for another process (the CLI beside a running server) before it gives up, in ms. */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens the platform's one database file, makes it if absent (mode 0600) and brings its schema up to date.
 * WAL with `synchronous=FULL`: what was answered to an agent survives power loss. Throws when the file is not a
 * database, or was written by a newer version of the platform.
 */
export function openDatabase(file: string): Db {
  // Made here, so that it is never readable by others, not even for a moment; its log files take its mode.
  closeSync(openSync(file, 'a', 0o600));
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('temp_store = MEMORY');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: Db): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > MIGRATIONS.length) {
    throw new Error(
      `the database has schema ${version}, this platform knows ${MIGRATIONS.length}: start the newer version`,
    );
  }
  if (version === MIGRATIONS.length) return;
  db.transaction(() => {
    // Read again inside the lock: the CLI and the server may open a new directory at the same moment.
    const now = db.pragma('user_version', { simple: true }) as number;
    for (const step of MIGRATIONS.slice(now)) db.exec(step);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).exclusive();
}

/** Text of a JSON column. */
export const toJson = (value: unknown): string => JSON.stringify(value);

/** Value of a JSON column that this module wrote itself. */
export const fromJson = (text: string): unknown => JSON.parse(text) as unknown;
