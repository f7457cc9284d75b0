import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCHEMA_VERSION } from './schema.ts';
import { openSql } from './open-sql.ts';
import { STORE_FILE } from './open.ts';
import { quarantine } from './quarantine.ts';
import { StoreError } from './store-error.ts';
import { DRIVERS, item, openTest, withDir } from './store.fixture.ts';

const PAGE = 4_096;

describe.each(DRIVERS)('opening the store over %s', (driver) => {
  /** A closed store with something in every table; returns the path of its file. */
  async function makeStore(dir: string): Promise<string> {
    const { store } = await openTest(dir, driver);
    const records = Array.from({ length: 40 }, (_, n) => ({
      id: `id-${n}`,
      at: n,
      body: `body ${n} `.repeat(20),
    }));
    store.events.enqueue('fim', records);
    store.kv.set('name', 'value');
    store.commands.begin('c-1', 'RESYNC');
    const first = store.snapshots.begin('Inventory');
    first.add(Array.from({ length: 60 }, (_, n) => item(`package-${n}`, n)));
    const { newSeq: seq, newRoot: root } = await first.seal({
      collectedAt: 1,
      encoding: 'gzip',
      chunkBytes: 65_536,
    });
    store.snapshots.commit({ seq, root, at: 2 });
    const second = store.snapshots.begin('Inventory');
    second.add([item('package-1', 1)]);
    await second.seal({ collectedAt: 3, encoding: 'gzip', chunkBytes: 65_536 });
    store.close();
    return join(dir, STORE_FILE);
  }

  it('makes directory and file, and finds everything again the next time', () =>
    withDir(async (root) => {
      const dir = join(root, 'deep', 'state');
      await makeStore(dir);
      const { store, quarantined } = await openTest(dir, driver);
      expect(quarantined).toBeUndefined();
      expect(store.events.stats()['fim']?.records).toBe(40);
      expect(store.snapshots.state('Inventory')?.rows).toBe(60);
      expect(store.snapshots.pending()?.delCount).toBe(59);
      store.close();
    }));

  it('takes a file of no length for a new one', () =>
    withDir(async (dir) => {
      writeFileSync(join(dir, STORE_FILE), '');
      const { store, quarantined } = await openTest(dir, driver);
      expect(quarantined).toBeUndefined();
      expect(store.events.stats()).toEqual({});
      store.close();
    }));

  it.each([
    [
      'garbage',
      (path: string) => {
        writeFileSync(path, 'not a database '.repeat(2_000));
      },
    ],
    [
      'a file cut off in the middle',
      (path: string) => {
        truncateSync(path, 5 * PAGE + 100);
      },
    ],
    [
      'a file cut off in its header',
      (path: string) => {
        truncateSync(path, 50);
      },
    ],
  ])('moves %s aside, says so, and starts with a new store', (_, damage) =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      damage(path);
      const damaged = readFileSync(path);
      const lines: string[] = [];
      const { store, quarantined } = await openTest(dir, driver, { warn: (line) => lines.push(line) });
      expect(quarantined).toBe(`${path}.corrupt-20261121T010203.000Z`);
      expect(readFileSync(quarantined!)).toEqual(damaged);
      expect(lines).toEqual([expect.stringContaining(quarantined!)]);
      expect(store.events.stats()).toEqual({});
      store.events.enqueue('fim', [{ id: 'a', at: 1, body: 'works' }]);
      store.close();
      expect((await openTest(dir, driver)).quarantined).toBeUndefined();
    }),
  );

  it('moves the database of another program aside', () =>
    withDir(async (dir) => {
      const sql = await openSql(join(dir, STORE_FILE), driver);
      sql.exec('CREATE TABLE theirs (x)');
      sql.close();
      const { store, quarantined } = await openTest(dir, driver);
      expect(quarantined).toBeDefined();
      store.close();
    }));

  it('starts whichever page of the file has flipped bytes', () =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      const sound = readFileSync(path);
      const pages = sound.length / PAGE;
      expect(pages).toBeGreaterThan(10);
      let quarantines = 0;
      for (let at = 0; at < pages * 4; at += 1) {
        const page = Math.floor(at / 4);
        // Header of the page, its cell pointers, its middle, its end; in the first page the file header.
        const offset =
          page * PAGE + ([0, 9, 2_000, PAGE - 20][at % 4] ?? 0) + (page === 0 && at % 4 === 1 ? 54 : 0);
        const trial = join(dir, `trial-${at}`);
        mkdirSync(trial);
        const bytes = Buffer.from(sound);
        for (const n of [offset, offset + 1]) bytes[n] = bytes[n]! ^ 0xff;
        writeFileSync(join(trial, STORE_FILE), bytes);
        const { store, quarantined } = await openTest(trial, driver);
        if (quarantined !== undefined) quarantines += 1;
        store.events.enqueue('new', [{ id: 'a', at: 1, body: 'works' }]);
        expect(store.events.peek('new', { maxRecords: 1, maxBytes: 1 })).toHaveLength(1);
        store.close();
      }
      expect(quarantines).toBeGreaterThan(pages);
    }));

  it('takes a flipped version in the header for damage, not for a newer program', () =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      const bytes = readFileSync(path);
      bytes.writeUInt32BE(SCHEMA_VERSION + 1, 60);
      writeFileSync(path, bytes);
      const { store, quarantined } = await openTest(dir, driver);
      expect(quarantined).toBeDefined();
      store.close();
    }));

  it('refuses a file that a newer version wrote, and does not touch it', () =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      const sql = await openSql(path, driver);
      sql.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
      sql.exec(`PRAGMA application_id = ${0x57410000 + SCHEMA_VERSION + 1}`);
      sql.close();
      const before = readFileSync(path);
      const opening = openTest(dir, driver);
      await expect(opening).rejects.toMatchObject({ name: 'StoreError', code: 'REFUSED' });
      await expect(opening).rejects.toThrow('newer version');
      expect(readFileSync(path).equals(before)).toBe(true);
      expect(readdirSync(dir)).toEqual([STORE_FILE]);
    }));

  it('finds a table that lost a column', () =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      const sql = await openSql(path, driver);
      sql.exec('ALTER TABLE commands RENAME COLUMN result TO resalt');
      sql.close();
      const { store, quarantined } = await openTest(dir, driver);
      expect(quarantined).toBeDefined();
      store.close();
    }));

  it('refuses a directory or a link in the place of the file or its log, and leaves it alone', () =>
    withDir(async (root) => {
      const refused = { name: 'StoreError', code: 'REFUSED' };
      const places = { directory: STORE_FILE, link: STORE_FILE, log: `${STORE_FILE}-wal` };
      for (const [kind, place] of Object.entries(places)) {
        const dir = join(root, kind);
        mkdirSync(dir);
        writeFileSync(join(root, 'target'), 'untouched');
        if (kind === 'directory') mkdirSync(join(dir, place));
        else symlinkSync(join(root, 'target'), join(dir, place));
        await expect(openTest(dir, driver)).rejects.toMatchObject(refused);
        expect(readFileSync(join(root, 'target'), 'utf8')).toBe('untouched');
        expect(readdirSync(dir)).toEqual([place]);
      }
    }));

  it('checks only the small tables of a file beyond the bound, so that start does not grow with the queue', () =>
    withDir(async (dir) => {
      const path = await makeStore(dir);
      const { store } = await openTest(dir, driver);
      const root = store.sql.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'events'").get()?.[
        'rootpage'
      ] as number;
      store.close();
      const bytes = readFileSync(path);
      bytes.fill(0xff, (root - 1) * PAGE, root * PAGE);
      writeFileSync(path, bytes);
      copyFileSync(path, join(dir, 'copy'));
      const large = await openTest(dir, driver, { checkWholeBytes: 1_000 });
      expect(large.quarantined).toBeUndefined();
      expect(() => large.store.events.peek('fim', { maxRecords: 1, maxBytes: 1 })).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
      try {
        large.store.close();
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
      }
      const small = await openTest(dir, driver);
      expect(small.quarantined).toBeDefined();
      small.store.close();
    }));
});

describe('quarantine', () => {
  it('takes the log along and keeps the newest three', () =>
    withDir((dir) => {
      const path = join(dir, STORE_FILE);
      const moved = [1, 2, 3, 4, 5].map((n) => {
        writeFileSync(path, `db ${n}`);
        writeFileSync(`${path}-wal`, `log ${n}`);
        return quarantine(path, Date.UTC(2026, 0, n));
      });
      expect(existsSync(path) || existsSync(`${path}-wal`)).toBe(false);
      expect(moved.map((file) => existsSync(file))).toEqual([false, false, true, true, true]);
      expect(readFileSync(`${moved[4]!}-wal`, 'utf8')).toBe('log 5');
      expect(readdirSync(dir)).toHaveLength(6);
    }));

  it('gives two of the same millisecond different names', () =>
    withDir((dir) => {
      const path = join(dir, STORE_FILE);
      const names = [1, 2].map((n) => {
        writeFileSync(path, `db ${n}`);
        return quarantine(path, 0);
      });
      expect(names.map((name) => readFileSync(name, 'utf8'))).toEqual(['db 1', 'db 2']);
    }));
});
