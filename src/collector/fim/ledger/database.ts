import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { faultOf, LedgerError } from './unavailable.ts';

/** The log is cut back to this after a checkpoint; it is overwritten in place. */
const JOURNAL_BYTES = 8 * 1024 * 1024;
/** Cache of the connection, KiB: what bounds memory however large the baseline is. */
const CACHE_KIB = 4_096;
/** Pages in the log before it is written back: fewer would write the inner pages of a growing baseline again and again. */
const CHECKPOINT_PAGES = 4_000;
/** 'WL': a ledger of Wayfarer, and no other database. */
const APPLICATION_ID = 0x574c_0000;
/** How many damaged ledgers are kept for a look afterwards. */
const KEEP = 2;
/** Up to this size the whole file is checked when it is opened: start stays bounded. */
const CHECKED_BYTES = 128 * 1024 * 1024;

const filesOf = (path: string): readonly string[] => [path, `${path}-wal`, `${path}-shm`];

/** A ledger that is open, and where a damaged one before it was moved to. */
export interface OpenedDatabase {
  readonly db: DatabaseSync;
  readonly setAside?: string;
}

/**
 * Opens or creates the file, mode 0600, for this thread alone; a commit is on the disk when it returns (WAL with
 * `synchronous=FULL`, sqlite.org/pragma.html#pragma_synchronous). A damaged file is moved aside and a new one made.
 * Throws `LedgerError`: `STOPPED` where the disk takes nothing, `REFUSED` for what is not to be touched. `at` is ms since
 * the epoch, for the name of the file set aside.
 */
export function openDatabase(path: string, at: number, mustSetAside: boolean): OpenedDatabase {
  makeDirectory(dirname(path));
  try {
    if (mustSetAside) throw new LedgerError('DAMAGED', 'the ledger is damaged');
    return { db: openSound(path) };
  } catch (error) {
    if (!(error instanceof LedgerError) || error.fault !== 'DAMAGED') throw error;
    const setAside = putAside(path, at);
    return { db: openSound(path), setAside };
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new LedgerError(
      'STOPPED',
      `the ledger's directory can't be made: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function openSound(path: string): DatabaseSync {
  claimFile(path);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    configure(db);
    migrate(db, path);
    if (statSync(path).size <= CHECKED_BYTES) check(db);
    return db;
  } catch (error) {
    closeQuietly(db);
    throw faultOf(error);
  }
}

/** SQLite's own structure check (sqlite.org/pragma.html#pragma_quick_check), up to the first finding. */
function check(db: DatabaseSync): void {
  const finding = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (finding !== 'ok') throw new LedgerError('DAMAGED', `the ledger is damaged: ${String(finding)}`);
}

/** Makes the file with its mode before SQLite does with the umask's; its companions inherit the mode. */
function claimFile(path: string): void {
  for (const file of filesOf(path)) {
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile())
      throw new LedgerError('REFUSED', `${file} is not a plain file`);
  }
  const noFollow = (constants as Readonly<Record<string, number | undefined>>)['O_NOFOLLOW'] ?? 0;
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | noFollow, 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    throw new LedgerError(
      'STOPPED',
      `the ledger can't be opened: ${error instanceof Error ? error.message : ''}`,
      error,
    );
  }
}

/** Exclusive locking keeps the log's index in memory: no -shm file to map, and no second writer. */
function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA busy_timeout = 5000;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    PRAGMA journal_size_limit = ${JOURNAL_BYTES};
  `);
}

function migrate(db: DatabaseSync, path: string): void {
  const pragma = (name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  const found = pragma('user_version');
  const isNew = found === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (!isNew && (found < 1 || pragma('application_id') !== APPLICATION_ID + found)) {
    throw new LedgerError('DAMAGED', `${path} is no ledger, or its header is damaged`);
  }
  if (found > SCHEMA_VERSION) {
    throw new LedgerError(
      'REFUSED',
      `${path} was written by a newer version: install that again or move it away`,
    );
  }
  for (let version = found; version < SCHEMA_VERSION; version += 1) {
    db.exec(`
      BEGIN IMMEDIATE;
      ${MIGRATIONS[version] ?? ''}
      PRAGMA user_version = ${version + 1};
      PRAGMA application_id = ${APPLICATION_ID + version + 1};
      COMMIT;
    `);
  }
}

/** Moves the file and its companions beside it, the log first: left behind it would be replayed into the new file. */
function putAside(path: string, at: number): string {
  const target = `${path}.damaged-${new Date(at).toISOString().replace(/[-:]/g, '')}`;
  for (const file of filesOf(path).toReversed()) {
    if (existsSync(file)) renameSync(file, target + file.slice(path.length));
  }
  const prefix = `${basename(path)}.damaged-`;
  const kept = readdirSync(dirname(path)).filter(
    (name) => name.startsWith(prefix) && !/-(?:wal|shm)$/.test(name),
  );
  for (const name of kept.sort().reverse().slice(KEEP)) {
    for (const file of filesOf(join(dirname(path), name))) rmSync(file, { force: true });
  }
  return target;
}

/** Closing writes the log back, which fails on a full disk or a damaged file; the log stays and is replayed later. */
export function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    if (db?.isOpen === true) db.close();
  } catch {
    // What was committed is in the log.
  }
}
