import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type EventQueue, type EventRecord } from '../../src/main/queue/event-queue.ts';
import { openStore, type Store } from '../../src/main/queue/open.ts';
import { type DriverName } from '../../src/main/queue/sql.ts';
import { because, noLinuxRoot } from '../support/reason.ts';

const DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite'];
const MB = 1024 * 1024;

const records = (from: number, to: number): EventRecord[] =>
  Array.from({ length: to - from + 1 }, (_, n) => ({ id: `id-${from + n}`, at: n, body: 'x'.repeat(1_000) }));

function idsOf(queue: EventQueue): string[] {
  return queue.peek('fim', { maxRecords: 100_000, maxBytes: 100 * MB }).map((record) => record.id);
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
};

async function open(dir: string, driver: DriverName): Promise<Store> {
  const options = { driver, now: () => 0, newId: () => crypto.randomUUID(), warn: () => undefined };
  return (await openStore(dir, options)).store;
}

/** Mounts a small filesystem and takes it away again, whatever happens. */
async function onMount(
  mountAt: (dir: string, image: string) => void,
  work: (dir: string) => Promise<void>,
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'wayfarer-disk-'));
  const dir = join(scratch, 'mount');
  mkdirSync(dir);
  try {
    mountAt(dir, join(scratch, 'image'));
    try {
      await work(dir);
    } finally {
      execFileSync('umount', ['--lazy', dir]);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tmpfs(dir: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
}

function ext4(dir: string, image: string): void {
  writeFileSync(image, '');
  truncateSync(image, 16 * MB);
  execFileSync('mkfs.ext4', ['-q', '-F', image]);
  execFileSync('mount', ['-o', 'loop', image, dir]);
}

/** Takes all space that is left. */
function fill(path: string): void {
  const code = codeOf(() => {
    writeFileSync(path, Buffer.alloc(8 * MB));
  });
  expect(code).toBe('ENOSPC');
}

describe.skipIf(noLinuxRoot !== undefined).each(DRIVERS)(
  `queue on a failing disk over %s${because(noLinuxRoot)}`,
  (driver) => {
    it('R008 keeps what is queued on a full disk, takes nothing more, and goes on once there is room', () =>
      onMount(tmpfs, async (dir) => {
        const store = await open(dir, driver);
        store.events.enqueue('fim', records(1, 200));
        fill(join(dir, 'filler'));
        let taken = 200;
        const code = codeOf(() => {
          for (; taken < 100_000; taken += 50) store.events.enqueue('fim', records(taken + 1, taken + 50));
        });
        expect(code).toBe('FULL');
        expect(store.events.stats()['fim']?.records).toBe(taken);
        rmSync(join(dir, 'filler'));
        store.events.enqueue('fim', records(taken + 1, taken + 50));
        const expected = records(1, taken + 50).map((record) => record.id);
        expect(idsOf(store.events)).toEqual(expected);
        store.close();
        const again = await open(dir, driver);
        expect(idsOf(again.events)).toEqual(expected);
        again.close();
      }));

    it('R008 starts on a full disk with what is queued', () =>
      onMount(tmpfs, async (dir) => {
        const before = await open(dir, driver);
        before.events.enqueue('fim', records(1, 200));
        before.close();
        fill(join(dir, 'filler'));
        const store = await open(dir, driver);
        expect(store.events.stats()['fim']?.records).toBe(200);
        store.close();
      }));

    it('says READONLY on a filesystem that went read-only under it, and at the next start', () =>
      onMount(ext4, async (dir) => {
        const store = await open(dir, driver);
        store.events.enqueue('fim', records(1, 20));
        execFileSync('mount', ['-o', 'remount,abort', dir]);
        expect(
          codeOf(() => {
            store.events.enqueue('fim', records(21, 40));
          }),
        ).toBe('READONLY');
        expect(store.events.stats()['fim']?.records).toBe(20);
        codeOf(() => {
          store.close();
        });
        await expect(open(dir, driver)).rejects.toMatchObject({ name: 'StoreError', code: 'READONLY' });
      }));

    it('says READONLY when it is opened on a read-only filesystem, and opens once that takes writes', () =>
      onMount(tmpfs, async (dir) => {
        const before = await open(dir, driver);
        before.events.enqueue('fim', records(1, 20));
        before.close();
        execFileSync('mount', ['-o', 'remount,ro', dir]);
        await expect(open(dir, driver)).rejects.toMatchObject({ name: 'StoreError', code: 'READONLY' });
        execFileSync('mount', ['-o', 'remount,rw', dir]);
        const store = await open(dir, driver);
        expect(store.events.stats()['fim']?.records).toBe(20);
        store.close();
      }));
  },
);
