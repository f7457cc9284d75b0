import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Item } from '../../shared/rows.ts';
import { makeItem } from '../../wire/item.ts';
import { openStore, STORE_FILE, type OpenedStore, type Store, type StoreOptions } from './open.ts';
import { filesOf } from './open-sql.ts';
import { type DriverName } from './sql.ts';

export const DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite'];

/** In memory where there is such a place: what these tests show does not hang on a disk, but their speed does. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Runs with a directory that is gone afterwards. */
export async function withDir<T>(work: (dir: string) => T | Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(SCRATCH, 'wayfarer-queue-'));
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Goes on over every reopening, as random ids do: a gap must not meet an earlier one's id. */
let ids = 0;

/** Options with a counter for ids and a clock that stands still. */
export function testOptions(driver: DriverName, extra: Partial<StoreOptions> = {}): StoreOptions {
  return {
    driver,
    now: () => Date.UTC(2026, 10, 21, 1, 2, 3),
    newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
    warn: () => undefined,
    ...extra,
  };
}

/** Files as a SIGKILL would leave them at this moment: what the kernel was given so far, copied aside. */
export function copyAsKilled(from: string, to: string): void {
  for (const file of filesOf(join(from, STORE_FILE))) {
    if (existsSync(file)) copyFileSync(file, join(to, file.slice(from.length)));
  }
}

/** Opens a store in a directory with the test options. */
export function openTest(
  dir: string,
  driver: DriverName,
  extra: Partial<StoreOptions> = {},
): Promise<OpenedStore> {
  return openStore(dir, testOptions(driver, extra));
}

/** Runs with an open store in a directory of its own, both gone afterwards. */
export function withStore(
  driver: DriverName,
  work: (store: Store, dir: string) => void | Promise<void>,
  extra: Partial<StoreOptions> = {},
): Promise<void> {
  return withDir(async (dir) => {
    const { store } = await openTest(dir, driver, extra);
    try {
      await work(store, dir);
    } finally {
      store.close();
    }
  });
}

/** An item of a table with one column. */
export function item(key: string, value: string | number, table = 'deb'): Item {
  return makeItem(table, key, { value });
}
