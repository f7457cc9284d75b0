import { DatabaseSync } from 'node:sqlite';
import { type Driver } from './sql.ts';
import { primaryCode } from './store-error.ts';

/** Opens a file with the SQLite inside Node: the driver where better-sqlite3 has no binary (32-bit Windows). */
export function openNodeSqlite(path: string): Driver {
  const db = new DatabaseSync(path);
  return {
    name: 'node:sqlite',
    exec: (sql) => {
      db.exec(sql);
    },
    prepare: (sql) => db.prepare(sql),
    inTransaction: () => db.isOpen && db.isTransaction,
    close: () => {
      if (db.isOpen) db.close();
    },
    resultCode,
  };
}

function resultCode(error: unknown): number | undefined {
  // Values beyond 2^53 come as ERR_OUT_OF_RANGE, a RangeError, which is what the port promises.
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? primaryCode(error.errcode) : undefined;
}
