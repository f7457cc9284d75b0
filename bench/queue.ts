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
const SECONDS = 2;
const DRIVERS: readonly DriverName[] = ['better-sqlite3', 'node:sqlite'];

/** Repeats for a while; the median and the total: one slow barrier of a shared disk does not move the median. */
function measure(group: number, once: (round: number) => void): { perSecond: number; medianMs: number } {
  const times: number[] = [];
  const start = performance.now();
  for (let round = 0; performance.now() - start < SECONDS * 1_000; round += 1) {
    const before = performance.now();
    once(round);
    times.push(performance.now() - before);
  }
  const elapsed = (performance.now() - start) / 1_000;
  times.sort((a, b) => a - b);
  return { perSecond: (times.length * group) / elapsed, medianMs: times[Math.floor(times.length / 2)] ?? 0 };
}

function records(round: number, group: number): EventRecord[] {
  return Array.from({ length: group }, (_, n) => ({
    id: `${round}-${n}-0123456789abcdef`,
    at: round,
    body: BODY,
  }));
}

function limit(dir: string, group: number): ReturnType<typeof measure> {
  const bytes = Buffer.alloc(group * (BODY.length + 40), 'x');
  const slots = Math.max(1, Math.floor((16 * 1024 * 1024) / bytes.length));
  const file = openSync(join(dir, 'limit'), 'w');
  for (let n = 0; n < slots; n += 1) writeSync(file, bytes, 0, bytes.length, n * bytes.length);
  fdatasyncSync(file);
  try {
    return measure(group, (round) => {
      writeSync(file, bytes, 0, bytes.length, (round % slots) * bytes.length);
      fdatasyncSync(file);
    });
  } finally {
    closeSync(file);
  }
}

async function queue(dir: string, driver: DriverName, group: number): Promise<ReturnType<typeof measure>> {
  const options = { driver, now: () => 0, newId: () => crypto.randomUUID(), warn: console.error };
  const { store } = await openStore(join(dir, `${driver.replace(':', '-')}-${group}`), options);
  store.events.setLimit('fim', 1024 * 1024 * 1024);
  try {
    return measure(group, (round) => {
      store.events.enqueue('fim', records(round, group));
    });
  } finally {
    store.close();
  }
}

const dir = mkdtempSync(join(process.argv[2] ?? process.cwd(), '.bench-queue-'));
try {
  const table: Record<string, Record<string, string>> = {};
  for (const group of GROUPS) {
    const floor = limit(dir, group);
    const show = (name: string, result: ReturnType<typeof measure>): void => {
      table[`${name}, groups of ${group}`] = {
        'events/s': result.perSecond.toFixed(0),
        'median ms': result.medianMs.toFixed(3),
        '× limit (median)': (result.medianMs / floor.medianMs).toFixed(2),
      };
    };
    show('write + fdatasync', floor);
    for (const driver of DRIVERS) show(driver, await queue(dir, driver, group));
  }
  console.table(table);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
