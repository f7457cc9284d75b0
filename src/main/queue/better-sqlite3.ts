import Database from 'better-sqlite3';
import { type Driver, type SqlValue } from './sql.ts';
import { primaryCode } from './store-error.ts';

/** Opens a file with better-sqlite3: the driver wherever its prebuilt binary exists. */
export function openBetterSqlite3(path: string): Driver {
  const db = new Database(path);
  return {
    name: 'better-sqlite3',
    exec: (sql) => void db.exec(sql),
    prepare: (sql) => db.prepare<SqlValue[]>(sql),
    inTransaction: () => db.inTransaction,
    close: () => void db.close(),
    resultCode,
  };
}

function resultCode(error: unknown): number | undefined {
  return error instanceof Database.SqliteError ? primaryCode(error.code) : undefined;
}
