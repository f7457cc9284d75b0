import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostContext } from '../src/collector/context.ts';
import { CpuMeter } from '../src/collector/cpu-meter.ts';
import { Engine } from '../src/collector/engine.ts';
import { normalRoot } from '../src/collector/files.ts';
import { tableNamed } from '../src/collector/tables/index.ts';
import { openStore, STORE_FILE, type Store } from '../src/main/queue/open.ts';
import type { Pending } from '../src/main/queue/pending-upload.ts';

/*
 * Cost as work grows: the packages of this host once, ten and a hundred times over, laid out under a root of their own,
 * from dpkg's file to the sealed upload; and queued events, written and handed out again. Each size runs in its own
 * process, so that peaks of memory do not hide each other. Run: npm run bench -- growth   (Debian or Ubuntu)
 */

const SIZES = [1, 10, 100] as const;
const EVENTS = 1_000;
const GROUP = 100;
const EVENT_BODY = JSON.stringify({ action: 'modified', path: `/etc/${'x'.repeat(60)}`, user: 'root' });
const STATUS = '/var/lib/dpkg/status';

/** What one size cost: milliseconds and megabytes (10^6 bytes) by the name of their column. */
type Costs = Readonly<Record<string, number>>;

/** Megabytes of the largest resident set so far. */
const peakMb = (): number => (process.resourceUsage().maxRSS * 1024) / 1e6;

/** This host's packages, `times` over, each copy under names of its own. */
function layOutPackages(root: string, times: number): void {
  const stanzas = readFileSync(STATUS, 'utf8').trim().split('\n\n');
  const copy = (n: number): string =>
    stanzas
      .map((stanza) => stanza.replace(/^Package: .*/m, n === 0 ? '$&' : `$&+copy${String(n)}`))
      .join('\n\n');
  mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
  const copies = Array.from({ length: times }, (_, n) => copy(n));
  writeFileSync(join(root, STATUS), `${copies.join('\n\n')}\n`);
}

/** Another version of one package. */
function upgradeOne(root: string): void {
  const file = join(root, STATUS);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^Version: .*/m, '$&+changed'));
}

/** One collection of table `deb` up to the sealed upload, as agent and collector do it. */
async function collect(root: string, store: Store): Promise<Pending> {
  const staging = store.snapshots.begin('Vulnerability');
  const engine = new Engine({
    context: hostContext(
      { root: normalRoot(root), os: 'linux', meter: new CpuMeter() },
      { cpuLimitPct: 100, cpuThrottleMs: 0 },
      new AbortController().signal,
    ),
    tableNamed,
    sink: {
      batch: (items) => {
        staging.add(items);
        return Promise.resolve();
      },
      started: () => undefined,
      task: () => undefined,
      log: () => undefined,
    },
  });
  await engine.collect([{ id: 'deb', table: 'deb', params: {} }]);
  return staging.seal({ collectedAt: 1, encoding: 'zstd', chunkBytes: 1024 * 1024 });
}

async function timed<T>(work: () => T | Promise<T>): Promise<{ value: T; ms: number }> {
  const before = performance.now();
  const value = await work();
  return { value, ms: performance.now() - before };
}

async function packages(directory: string, times: number): Promise<Costs> {
  const root = join(directory, 'root');
  // Laid out by another process: this one's memory is what is measured.
  runPart('layout', times, root);
  const { store } = await openStore(join(directory, 'store'), storeOptions);
  const startMb = peakMb();
  const first = await timed(() => collect(root, store));
  const commit = await timed(() =>
    store.snapshots.commit({ seq: first.value.newSeq, root: first.value.newRoot, at: 1 }),
  );
  runPart('upgrade', times, root);
  const second = await timed(() => collect(root, store));
  if (second.value.setCount !== 1 || second.value.delCount !== 0) throw new Error('the delta is not one row');
  store.close();
  return {
    rows: first.value.rows,
    'first collect + seal, ms': first.ms,
    'commit, ms': commit.ms,
    'second collect + diff + seal, ms': second.ms,
    'second, µs per row': (1000 * second.ms) / first.value.rows,
    'snapshot, zstd B': first.value.encodedBytes,
    'delta of one row, B': second.value.encodedBytes,
    'peak RSS, MB': peakMb(),
    'of it growth, MB': peakMb() - startMb,
  };
}

async function events(directory: string, times: number): Promise<Costs> {
  const { store } = await openStore(directory, storeOptions);
  store.events.setLimit('fim', 1024 * 1024 * 1024);
  const startMb = peakMb();
  const count = EVENTS * times;
  const written = await timed(() => {
    for (let done = 0; done < count; done += GROUP) {
      store.events.enqueue(
        'fim',
        Array.from({ length: GROUP }, (_, n) => ({
          id: `event-${String(done + n)}`,
          at: done,
          body: EVENT_BODY,
        })),
      );
    }
  });
  const bytes = sizeOf(directory);
  const drained = await timed(() => drain(store));
  if (drained.value !== count) throw new Error(`${String(drained.value)} of ${String(count)} came out`);
  store.close();
  return {
    events: count,
    'enqueue in groups of 100, ms': written.ms,
    'hand out and acknowledge, ms': drained.ms,
    'µs per event': (1000 * (written.ms + drained.ms)) / count,
    'database with its log, MB': bytes / 1e6,
    'peak RSS, MB': peakMb(),
    'of it growth, MB': peakMb() - startMb,
  };
}

/** Bytes of the database with its write-ahead log. */
const sizeOf = (directory: string): number =>
  [STORE_FILE, `${STORE_FILE}-wal`].reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);

function drain(store: Store): number {
  let count = 0;
  for (;;) {
    const window = store.events.peek('fim', { maxRecords: 500, maxBytes: 1024 * 1024 });
    const last = window.at(-1);
    if (last === undefined) return count;
    count += window.length;
    store.events.acknowledge('fim', last.position);
  }
}

const storeOptions = { now: () => 0, newId: () => crypto.randomUUID(), warn: console.error };

/** Runs this file again for one part; returns what it printed. */
function runPart(part: string, times: number, directory: string): string {
  const args = [import.meta.filename, part, String(times), directory];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${part} ${String(times)}: ${stderr}`);
  return stdout;
}

const PARTS: Readonly<Record<string, (directory: string, times: number) => unknown>> = {
  layout: layOutPackages,
  upgrade: upgradeOne,
  packages,
  events,
};

function printGrowth(part: 'packages' | 'events'): void {
  const columns = SIZES.map((times) => {
    const directory = mkdtempSync(join(tmpdir(), 'wayfarer-growth-'));
    try {
      return JSON.parse(runPart(part, times, directory)) as Costs;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
  console.log(`| ${part} | ${SIZES.map((times) => `${String(times)}×`).join(' | ')} | 100× / 1× |`);
  console.log('| --- | --- | --- | --- | --- |');
  for (const name of Object.keys(columns[0] ?? {})) {
    const values = columns.map((costs) => costs[name] ?? NaN);
    const shown = values.map((value) => (Number.isInteger(value) ? String(value) : value.toFixed(1)));
    const ratio = ((values.at(-1) ?? NaN) / (values[0] ?? NaN)).toFixed(1);
    console.log(`| ${name} | ${shown.join(' | ')} | ${ratio} |`);
  }
}

const [part, times = '1', directory = ''] = process.argv.slice(2);
if (part === undefined) {
  printGrowth('packages');
  console.log('');
  printGrowth('events');
} else {
  const result = await PARTS[part]?.(directory, Number(times));
  if (result !== undefined) console.log(JSON.stringify(result));
}
