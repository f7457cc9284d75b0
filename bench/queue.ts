import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type EventRecord } from '../src/main/queue/event-queue.ts';
import { openStore } from '../src/main/queue/open.ts';
import { type DriverName } from '../src/main/queue/sql.ts';

/*
 * Durable enqueues against the disk's own limit: one write + fdatasync per group of the same bytes into a file that was
 * laid out before. Run: node bench/queue.ts [directory on the disk to measure]
 */

const BODY = JSON.stringify({
  action: 'modified',
  path: `/etc/${'x'.repeat(60)}`,
  user: 'root',
  process: '/usr/bin/vim',
});
const GROUPS = [1, 100, 1_000] as const;
const SECONDS = 4;
const WARM_UP = 25;
const DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite'];

/** One of those that are compared: does its round, and has its times noted. */
interface Contender {
  readonly name: string;
  readonly once: (round: number) => void;
  readonly close: () => void;
  readonly times: number[];
}

function records(round: number, group: number): EventRecord[] {
  return Array.from({ length: group }, (_, n) => ({
    id: `${round}-${n}-0123456789abcdef`,
    at: round,
    body: BODY,
  }));
}

/** The disk's limit: the same bytes, overwritten in place, and a barrier. */
function bareFile(dir: string, group: number): Contender {
  const bytes = Buffer.alloc(group * (BODY.length + 40), 'x');
  const slots = Math.max(1, Math.floor((16 * 1024 * 1024) / bytes.length));
  const file = openSync(join(dir, `limit-${group}`), 'w');
  for (let n = 0; n < slots; n += 1) writeSync(file, bytes, 0, bytes.length, n * bytes.length);
  fdatasyncSync(file);
  const once = (round: number): void => {
    writeSync(file, bytes, 0, bytes.length, (round % slots) * bytes.length);
    fdatasyncSync(file);
  };
  const close = (): void => {
    closeSync(file);
  };
  return { name: 'write + fdatasync', once, close, times: [] };
}

async function queue(dir: string, driver: DriverName, group: number): Promise<Contender> {
  const options = { driver, now: () => 0, newId: () => crypto.randomUUID(), warn: console.error };
  const { store } = await openStore(join(dir, `${driver.replace(':', '-')}-${group}`), options);
  store.events.setLimit('fim', 1024 * 1024 * 1024);
  // The log grows once after a start and is overwritten in place from then on, as the bare file is.
  for (let round = 0; round < WARM_UP; round += 1) store.events.enqueue('fim', records(-1 - round, 1_000));
  const once = (round: number): void => {
    store.events.enqueue('fim', records(round, group));
  };
  return { name: driver, once, close: store.close, times: [] };
}

/** Rounds in turn, so that what else the machine does falls on all alike. */
function race(contenders: readonly Contender[]): void {
  const end = performance.now() + SECONDS * 1_000;
  for (let round = 0; performance.now() < end; round += 1) {
    for (const { once, times } of contenders) {
      const before = performance.now();
      once(round);
      times.push(performance.now() - before);
    }
  }
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
const mean = (times: readonly number[]): number => times.reduce((sum, time) => sum + time, 0) / times.length;

const dir = mkdtempSync(join(process.argv[2] ?? process.cwd(), '.bench-queue-'));
try {
  const table: Record<string, Record<string, string>> = {};
  for (const group of GROUPS) {
    const floor = bareFile(dir, group);
    const contenders = [floor];
    for (const driver of DRIVERS) contenders.push(await queue(dir, driver, group));
    race(contenders);
    for (const { name, times, close } of contenders) {
      close();
      table[`${name}, groups of ${group}`] = {
        'events/s': ((1_000 * group) / mean(times)).toFixed(0),
        'mean ms': mean(times).toFixed(3),
        'median ms': median(times).toFixed(3),
        '× limit (mean)': (mean(times) / mean(floor.times)).toFixed(2),
        '× limit (median)': (median(times) / median(floor.times)).toFixed(2),
      };
    }
  }
  console.table(table);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
