import { chmodSync, closeSync, constants, lstatSync, openSync, statSync } from 'node:fs';
import { Sql, type Driver, type DriverName } from './sql.ts';
import { StoreError } from './store-error.ts';

/** How long a statement waits for another process that holds the file (the agent that is just ending), in ms. */
const BUSY_TIMEOUT_MS = 5_000;

/** The log is cut back to this after a checkpoint; twice what it grows to, so that it is overwritten in place. */
const JOURNAL_BYTES = 8 * 1024 * 1024;

/** Cache per connection and for temporary tables, in KiB: what bounds memory, however much is stored. */
const CACHE_KIB = 2_048;

/** The files of one database: the file itself and what SQLite keeps beside it. */
export function filesOf(path: string): readonly string[] {
  return [path, `${path}-wal`, `${path}-shm`];
}

/** The driver for a platform: better-sqlite3 but where it has no binary. */
export function defaultDriver(platform: NodeJS.Platform, arch: string): DriverName {
  return platform === 'win32' && arch === 'ia32' ? 'node:sqlite' : 'better-sqlite3';
}

/**
 * Opens or creates a database file, mode 0600, for this process alone. A commit is on the disk when it returns
 * (`synchronous=FULL` in WAL mode, sqlite.org/pragma.html#pragma_synchronous).
 * Throws `StoreError`: `REFUSED` when something other than a plain file stands in its place, `CORRUPT` when it is no
 * database, `BUSY` when another process has it.
 */
export async function openSql(path: string, driver?: DriverName): Promise<Sql> {
  claimFile(path);
  const sql = new Sql(path, await connect(path, driver ?? defaultDriver(process.platform, process.arch)));
  try {
    configure(sql);
    return sql;
  } catch (error) {
    sql.close();
    throw error;
  }
}

/** A database in memory, gone when it is closed. */
export async function openScratch(driver: DriverName): Promise<Sql> {
  return new Sql(':memory:', await connect(':memory:', driver));
}

/** Makes the file with its mode before SQLite does with the umask's; its companions inherit the mode. */
function claimFile(path: string): void {
  for (const file of filesOf(path)) {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) {
      throw new StoreError('REFUSED', `${file} is not a plain file; move it away`);
    }
  }
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    throw openFailure(path, error as NodeJS.ErrnoException);
  }
}

function openFailure(path: string, error: NodeJS.ErrnoException): StoreError {
  const code =
    error.code === 'EROFS'
      ? 'READONLY'
      : error.code === 'ENOSPC' || error.code === 'EDQUOT'
        ? 'FULL'
        : error.code === 'ELOOP'
          ? 'REFUSED'
          : 'OTHER';
  return new StoreError(code, `${path} can't be opened: ${error.message}`, error);
}

/** The bare driver on a file, without settings. Drivers load on use: neither exists everywhere. */
export async function connect(path: string, driver: DriverName): Promise<Driver> {
  if (driver === 'node:sqlite') return (await import('./node-sqlite.ts')).openNodeSqlite(path);
  return (await import('./better-sqlite3.ts')).openBetterSqlite3(path);
}

function configure(sql: Sql): void {
  // Setting it writes, even to what it is already; a file that may be another version's is not to be written to.
  const isNew = statSync(sql.path).size === 0;
  // Exclusive locking keeps the log's index in memory: no -shm file to map, and no second writer.
  sql.exec(`
    PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
    PRAGMA locking_mode = EXCLUSIVE;
    ${isNew ? 'PRAGMA auto_vacuum = INCREMENTAL;' : ''}
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA temp.cache_size = -${CACHE_KIB};
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA journal_size_limit = ${JOURNAL_BYTES};
  `);
}
