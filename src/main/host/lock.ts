import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, openSql } from '../queue/open-sql.ts';
import type { Sql } from '../queue/sql.ts';
import { StoreError } from '../queue/store-error.ts';
import { readSmallFile, writeFileAtomic } from './atomic-file.ts';

/** Another process owns the data directory. */
export class Locked extends Error {
  override readonly name = 'Locked';
}

/**
 * Takes the lock of a data directory: one owner, whichever host runs the core (architecture, "Processes"). The lock is
 * SQLite's on a small database of its own, so the operating system releases it however the process ends; one that is
 * just ending is waited for, five seconds. Returns what gives the lock back. Throws `Locked`, naming the owner.
 */
export async function lockDataDir(dataDir: string): Promise<() => void> {
  const ownerFile = join(dataDir, 'owner');
  try {
    const database = await openLocked(join(dataDir, 'lock.db'));
    writeFileAtomic(ownerFile, `${String(process.pid)}\n`, 0o600);
    return () => {
      database.close();
    };
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'BUSY') throw error;
    const owner = readSmallFile(ownerFile)?.trim() ?? 'unknown';
    throw new Locked(`${dataDir} is in use by process ${owner}: only one agent may own it`, { cause: error });
  }
}

/** A damaged file holds nothing but the lock, and damage shows only to the one who got that: it is made anew. */
async function openLocked(path: string): Promise<Sql> {
  try {
    return await takeLock(path);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'CORRUPT') throw error;
    for (const file of filesOf(path)) rmSync(file, { force: true });
    return takeLock(path);
  }
}

/** Opens it and writes, since only a write takes the lock; exclusive locking keeps it until the file is closed. */
async function takeLock(path: string): Promise<Sql> {
  const database = await openSql(path);
  try {
    database.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER)');
    database.exec('DELETE FROM owner');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
