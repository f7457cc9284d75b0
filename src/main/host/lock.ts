import { join } from 'node:path';
import { openSql } from '../queue/open-sql.ts';
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
    const database = await openSql(join(dataDir, 'lock.db'));
    database.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER)');
    database.exec('DELETE FROM owner');
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
