import Database from 'better-sqlite3';
import { closeSync, openSync } from 'node:fs';
import { Refused } from './errors.ts';

/**
 * Takes the one lock of a data directory; returns how to release it. The lock is SQLite's own on an empty database
 * file: the kernel drops it with the process, so that nothing stale is left after `kill -9`, and there is no pid to
 * misread. Throws `Refused` when another `serve` has it.
 */
export function lockDataDir(file: string): () => void {
  closeSync(openSync(file, 'a', 0o600));
  const db = new Database(file, { timeout: 0 });
  try {
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new Refused('another platform is serving this data directory; stop it or choose another --data');
    }
    throw error;
  }
  return () => {
    db.close();
  };
}
