import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect, defaultDriver, openSql } from './open-sql.ts';
import { Sql } from './sql.ts';
import { StoreError } from './store-error.ts';
import { DRIVERS, withDir } from './store.fixture.ts';

/** What both drivers must do alike. */
describe.each(DRIVERS)('store port over %s', (driver) => {
  const withSql = (work: (sql: Sql, path: string) => void | Promise<void>): Promise<void> =>
    withDir(async (dir) => {
      const path = join(dir, 'a.db');
      const sql = await openSql(path, driver);
      try {
        sql.exec('CREATE TABLE t (k TEXT PRIMARY KEY, n, b BLOB)');
        await work(sql, path);
      } finally {
        sql.close();
      }
    });

  const thrownBy = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('names its driver', () =>
    withSql((sql) => {
      expect(sql.driver).toBe(driver);
    }));

  it('makes a commit durable before it returns, in a file that only its owner can read', () =>
    withSql((sql, path) => {
      expect(sql.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      expect(sql.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
      expect(sql.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
      expect(sql.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
    }));

  it('takes the rights of others away from a file that was readable to them', () =>
    withDir(async (dir) => {
      const path = join(dir, 'a.db');
      writeFileSync(path, '', { mode: 0o644 });
      (await openSql(path, driver)).close();
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }));

  it('gives back text, numbers, NULL and bytes as they went in', () =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t VALUES (?, ?, ?)');
      const blob = Uint8Array.from([0, 255, 10, 0]);
      expect(insert.run('naïve \u{1F600}\n x', Number.MAX_SAFE_INTEGER, blob)).toEqual({ changes: 1 });
      insert.run('z', -Number.MAX_SAFE_INTEGER, null);
      insert.run('zz', 0.5, new Uint8Array(0));
      const rows = sql.prepare('SELECT * FROM t ORDER BY k').all();
      expect(
        rows.map((row) => [row['k'], row['n'], row['b'] === null ? null : [...(row['b'] as Uint8Array)]]),
      ).toEqual([
        ['naïve \u{1F600}\n x', Number.MAX_SAFE_INTEGER, [0, 255, 10, 0]],
        ['z', -Number.MAX_SAFE_INTEGER, null],
        ['zz', 0.5, []],
      ]);
      expect(sql.prepare('SELECT * FROM t WHERE k = ?').get('none')).toBeUndefined();
    }));

  it.each([2 ** 53, -(2 ** 53), Infinity, NaN, 'text\0NUL'])('refuses %j on its way in', (number) =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t VALUES (?, ?, NULL)');
      expect(() => insert.run('k', number)).toThrow(RangeError);
      expect(sql.prepare('SELECT COUNT(*) AS n FROM t').get()).toEqual({ n: 0 });
    }),
  );

  it('refuses an integer beyond 2^53 on its way out instead of rounding it', () =>
    withSql((sql) => {
      expect(() => sql.prepare('SELECT 9007199254740993 AS n').get()).toThrow(RangeError);
      expect(() => sql.prepare('SELECT -9007199254740993 AS n').all()).toThrow(RangeError);
      expect(sql.prepare('SELECT 9007199254740991 AS n').get()).toEqual({ n: 2 ** 53 - 1 });
    }));

  it('orders text bytewise over UTF-8, where JavaScript orders by UTF-16', () =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t (k) VALUES (?)');
      for (const k of ['\u{1F600}', '\uFFFD', 'a', 'B']) insert.run(k);
      const keys = sql
        .prepare('SELECT k FROM t ORDER BY k')
        .all()
        .map((row) => row['k']);
      expect(keys).toEqual(['B', 'a', '\uFFFD', '\u{1F600}']);
    }));

  it('takes all of a transaction or nothing of it', () =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t (k) VALUES (?)');
      expect(sql.transaction(() => insert.run('kept').changes)).toBe(1);
      const fault = new Error('half way');
      const failing = (): void => {
        insert.run('lost');
        throw fault;
      };
      expect(thrownBy(() => sql.transaction(failing))).toBe(fault);
      expect(sql.prepare('SELECT k FROM t').all()).toEqual([{ k: 'kept' }]);
    }));

  it('refuses a transaction in a transaction, and one that waits', () =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t (k) VALUES (?)');
      expect(() => sql.transaction(() => sql.transaction(() => insert.run('x')))).toThrow('already open');
      const waiting = (): Promise<void> => {
        insert.run('y');
        return Promise.resolve();
      };
      expect(() => sql.transaction(waiting)).toThrow('must not wait');
      expect(sql.prepare('SELECT COUNT(*) AS n FROM t').get()).toEqual({ n: 0 });
      expect(sql.transaction(() => insert.run('z').changes)).toBe(1);
    }));

  it('can be closed twice', () =>
    withDir(async (dir) => {
      const sql = await openSql(join(dir, 'a.db'), driver);
      sql.close();
      expect(() => {
        sql.close();
      }).not.toThrow();
      expect(() => {
        sql.exec('SELECT 1');
      }).toThrow();
    }));

  it('says FULL when there is no room, keeps what is there, and goes on once there is room', () =>
    withSql((sql) => {
      const insert = sql.prepare('INSERT INTO t (k, b) VALUES (?, ?)');
      insert.run('first', null);
      sql.exec('PRAGMA max_page_count = 8');
      const error = thrownBy(() => sql.transaction(() => insert.run('large', new Uint8Array(100_000))));
      expect(error).toBeInstanceOf(StoreError);
      expect((error as StoreError).code).toBe('FULL');
      expect(sql.prepare('SELECT k FROM t').all()).toEqual([{ k: 'first' }]);
      sql.exec('PRAGMA max_page_count = 1000');
      expect(sql.transaction(() => insert.run('large', new Uint8Array(100_000)).changes)).toBe(1);
    }));

  it('says READONLY when it may not write', () =>
    withSql((sql) => {
      sql.exec('PRAGMA query_only = 1');
      expect(thrownBy(() => sql.prepare('DELETE FROM t').run())).toMatchObject({
        name: 'StoreError',
        code: 'READONLY',
      });
    }));

  it('says CORRUPT of a file that is no database', () =>
    withDir(async (dir) => {
      const path = join(dir, 'a.db');
      writeFileSync(path, 'not a database '.repeat(1_000));
      await expect(openSql(path, driver)).rejects.toMatchObject({ name: 'StoreError', code: 'CORRUPT' });
    }));

  it('says BUSY while another connection has the file, one that opens it included', () =>
    withSql(async (sql, path) => {
      sql.prepare('INSERT INTO t (k) VALUES (?)').run('mine');
      const other = new Sql(path, await connect(path, driver));
      other.exec('PRAGMA busy_timeout = 0');
      expect(thrownBy(() => other.prepare('SELECT * FROM t').all())).toMatchObject({ code: 'BUSY' });
      other.close();
    }));

  it('says OTHER of a statement that fails for a reason of its own', () =>
    withSql((sql) => {
      sql.prepare('INSERT INTO t (k) VALUES (?)').run('once');
      expect(thrownBy(() => sql.prepare('INSERT INTO t (k) VALUES (?)').run('once'))).toMatchObject({
        name: 'StoreError',
        code: 'OTHER',
      });
      expect(thrownBy(() => sql.prepare('SELECT * FROM nowhere'))).toMatchObject({ code: 'OTHER' });
    }));
});

it('takes node:sqlite on 32-bit Windows only, where better-sqlite3 has no binary', () => {
  expect(defaultDriver('win32', 'ia32')).toBe('node:sqlite');
  expect(defaultDriver('win32', 'x64')).toBe('better-sqlite3');
  expect(defaultDriver('linux', 'ia32')).toBe('better-sqlite3');
});
