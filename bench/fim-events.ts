import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../src/main/queue/open.ts';
import { SensorProcess } from '../test/support/sensor-process.ts';
import { until } from '../test/support/until.ts';
import { directoryRule } from '../test/support/watched-tree.ts';
import { printFigures, type Figure } from './support/figures.ts';
import { cpuSecondsOf, memoryOf, wakeUpsOf } from './support/process-cost.ts';

/*
 * What file integrity costs and how soon it tells: close() to durable in the queue, a burst of 50,000 files beside
 * fatrace(1) and inotifywait(1), new nested directories, work outside all rules, idle. Run: npm run bench -- fim-events
 * (Linux, root; peers: apt-get install fatrace inotify-tools). Ends with 1 where the burst was not reported whole.
 */

const LATENCY_FILES = 400;
const LATENCY_EVERY_MS = 50;
const BURST_FILES = 50_000;
const NESTED = 500;
const IDLE_MS = 60_000;
/** Sessions with and without the sensor in turn, whose medians are compared. */
const UNWATCHED_SESSIONS = 3;
/** A sensor that has just started still warms up: that is no share of the work. */
const REST_MS = 2_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const dir = mkdtempSync(join(tmpdir(), 'wayfarer-bench-fim-'));
const root = join(dir, 'tree');
const figures: Figure[] = [];

/** Time at which each file was closed, by path, ms since the epoch with fractions. */
const wallMs = (): number => performance.timeOrigin + performance.now();

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** The sensor with the agent's own queue in the place of the agent. */
async function startSensor(
  name: string,
): Promise<{ sensor: SensorProcess; durableAt: Map<string, number>; stop: () => Promise<void> }> {
  const dataDir = join(dir, `sensor-${name}`);
  mkdirSync(dataDir);
  mkdirSync(join(dir, `queue-${name}`));
  const { store } = await openStore(join(dir, `queue-${name}`), {
    now: Date.now,
    newId: randomUUID,
    warn: (message) => {
      console.error(message);
    },
  });
  const durableAt = new Map<string, number>();
  const sensor = await SensorProcess.start({
    dataDir,
    fim: [directoryRule(root)],
    keep: (stream, events) => {
      store.events.enqueue(stream, events);
      const now = wallMs();
      for (const { body } of events) {
        const path = /"path":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1];
        if (path !== undefined && !durableAt.has(path)) durableAt.set(path, now);
      }
    },
  });
  return {
    sensor,
    durableAt,
    stop: async () => {
      await sensor.stop();
      store.close();
    },
  };
}

async function latency(): Promise<void> {
  const { durableAt, stop } = await startSensor('latency');
  const closedAt = new Map<string, number>();
  for (let n = 0; n < LATENCY_FILES; n += 1) {
    const path = join(root, `l${String(n)}`);
    writeFileSync(path, `file ${String(n)}`);
    closedAt.set(path, wallMs());
    await sleep(LATENCY_EVERY_MS);
  }
  await until('every file is durable', () => (durableAt.size >= LATENCY_FILES ? true : undefined));
  const waits = [...closedAt].map(([path, at]) => (durableAt.get(path) ?? NaN) - at);
  figures.push(
    { what: 'close() to durable in the queue, p50', value: quantile(waits, 0.5), unit: 'ms', limit: 20 },
    { what: 'close() to durable in the queue, p99', value: quantile(waits, 0.99), unit: 'ms', limit: 100 },
  );
  await stop();
}

/** A peer that prints a line per event, if it is installed. */
function peer(
  file: string,
  args: readonly string[],
): { child: ChildProcess; lines: () => string[] } | undefined {
  if (spawnSync('which', [file]).status !== 0) return undefined;
  let text = '';
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return { child, lines: () => text.split('\n') };
}

/** Writes files in a process of its own, so that this one stays free to listen. */
const WRITER = `
const { mkdirSync, writeFileSync } = require('node:fs');
const [root, files, nested] = process.argv.slice(1);
for (let n = 0; n < Number(files); n += 1) writeFileSync(root + '/b' + n, 'x' + n);
for (let n = 0; n < Number(nested); n += 1) {
  const at = root + '/n' + (n % 10) + '/' + (n % 100) + '/' + n;
  mkdirSync(at, { recursive: true });
  writeFileSync(at + '/f', 'x' + n);
}
`;

async function burst(): Promise<void> {
  const { sensor, durableAt, stop } = await startSensor('burst');
  const fatrace = peer('fatrace', ['--filter=W', '--current-mount']);
  const inotify = peer('inotifywait', ['-mrq', '-e', 'close_write', '--format', '%w%f', root]);
  await sleep(2_000);
  const before = cpuSecondsOf(sensor.pid);
  const startedAt = wallMs();
  const writer = spawn(process.execPath, ['-e', WRITER, root, String(BURST_FILES), String(NESTED)]);
  let peakMb = 0;
  const looking = setInterval(() => {
    peakMb = Math.max(peakMb, memoryOf(sensor.pid).rssMb);
  }, 250);
  await new Promise((resolve) => writer.once('exit', resolve));
  const wroteMs = wallMs() - startedAt;
  const wanted = BURST_FILES + NESTED;
  const files = (): string[] => [...durableAt.keys()].filter((path) => /\/b\d+$|\/f$/.test(path));
  await until('every file is reported', () => (files().length >= wanted ? true : undefined), 300_000).catch(
    (error: unknown) => {
      console.error(String(error));
    },
  );
  const allMs = wallMs() - startedAt;
  clearInterval(looking);
  for (const other of [fatrace, inotify]) other?.child.kill('SIGINT');
  const found = files();
  const seen = (lines: string[], what: RegExp): number =>
    new Set(
      lines
        .map((line) => line.slice(line.indexOf('/')).trim())
        .filter((path) => path.startsWith(root) && what.test(path)),
    ).size;
  const [flat, nested] = [/\/b\d+$/, /\/f$/];
  const count = (what: RegExp): number => found.filter((path) => what.test(path)).length;
  const besidePeers = (what: string, which: RegExp, made: number): Figure[] => [
    { what, value: count(which), unit: 'files', limit: made, peer: 'all' },
    ...(
      [
        ['fatrace', fatrace],
        ['inotifywait', inotify],
      ] as const
    ).map(([name, other]): Figure => ({
      what,
      value: count(which),
      unit: 'files',
      ...(other === undefined
        ? { peer: `${name}: not installed` }
        : { limit: seen(other.lines(), which), peer: name }),
    })),
  ];
  // A burst that is not told whole is no figure but a fault.
  if (found.length < wanted) process.exitCode = 1;
  figures.push(
    ...besidePeers(`burst of ${String(BURST_FILES)} files, reported`, flat, BURST_FILES),
    ...besidePeers(`files in ${String(NESTED)} new nested directories`, nested, NESTED),
    { what: 'writing them', value: wroteMs / 1000, unit: 's' },
    { what: 'until the last one was durable', value: allMs / 1000, unit: 's' },
    { what: 'CPU of the sensor', value: cpuSecondsOf(sensor.pid) - before, unit: 's' },
    { what: 'peak RSS of the sensor', value: peakMb, unit: 'MB' },
    { what: 'overflows of the kernel queue', value: sensor.state?.fim?.overflows ?? NaN, unit: '' },
  );
  await stop();
}

/** Seconds that it takes to unpack the archive beside the watched tree. */
function unpack(archive: string): number {
  const target = join(dir, 'elsewhere');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const startedAt = wallMs();
  execFileSync('tar', ['xf', archive, '-C', target]);
  return (wallMs() - startedAt) / 1000;
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Seconds that `npm ci` of the packages that this project runs with takes outside all rules, from the cache of npm where it has them. */
function npmCi(): number {
  const target = join(dir, 'packages');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(import.meta.dirname, '..', name), join(target, name));
  }
  const startedAt = wallMs();
  execFileSync(
    'npm',
    [
      'ci',
      '--omit=dev',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    {
      cwd: target,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return (wallMs() - startedAt) / 1000;
}

/** Does a work outside all rules, `runs` times in each session. `run` returns the seconds that it took. */
async function besideWork(what: string, runs: number, run: () => number): Promise<Figure[]> {
  const without: number[] = [];
  const withSensor: number[] = [];
  let cpu = 0;
  let queued = 0;
  const session = (seconds: number[]): void => {
    for (let n = 0; n < runs; n += 1) seconds.push(run());
  };
  run();
  for (let n = 0; n < UNWATCHED_SESSIONS; n += 1) {
    session(without);
    const { sensor, durableAt, stop } = await startSensor(`${what.replaceAll(' ', '-')}-${String(n)}`);
    await sleep(REST_MS);
    const before = cpuSecondsOf(sensor.pid);
    session(withSensor);
    await sleep(500);
    cpu += cpuSecondsOf(sensor.pid) - before;
    queued += durableAt.size;
    await stop();
  }
  const wall = withSensor.reduce((sum, seconds) => sum + seconds, 0);
  return [
    {
      what: `${what} outside all rules, with the sensor`,
      value: median(withSensor),
      unit: 's',
      limit: median(without) * 1.03,
      peer: 'without it, and 3 %',
    },
    {
      what: `${what}: share of a core that the sensor takes`,
      value: (100 * cpu) / wall,
      unit: '%',
      limit: 5,
    },
    { what: `${what}: rows that it queued`, value: queued, unit: 'rows', limit: 0 },
  ];
}

async function unwatched(): Promise<void> {
  const archive = join(dir, 'files.tar');
  execFileSync('tar', ['cf', archive, '-C', root, '.']);
  rmSync(root, { recursive: true });
  mkdirSync(root);
  figures.push(...(await besideWork('tar x of 50,000 files', 3, () => unpack(archive))));
  figures.push(...(await besideWork('npm ci', 1, npmCi)));
}

async function idle(): Promise<void> {
  const { sensor, stop } = await startSensor('idle');
  await sleep(5_000);
  const threads = execFileSync('ls', [`/proc/${String(sensor.pid)}/task`], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const [cpu, wakes] = [cpuSecondsOf(sensor.pid), wakeUpsOf(sensor.pid, threads)];
  await sleep(IDLE_MS);
  figures.push(
    {
      what: 'idle: share of a core',
      value: ((cpuSecondsOf(sensor.pid) - cpu) * 100_000) / IDLE_MS,
      unit: '%',
      limit: 0.05,
    },
    {
      what: 'idle: wake-ups',
      value: ((wakeUpsOf(sensor.pid, threads) - wakes) * 1000) / IDLE_MS,
      unit: '/s',
      limit: 2,
    },
    { what: 'idle: PSS of the sensor', value: memoryOf(sensor.pid).pssMb, unit: 'MB' },
  );
  await stop();
}

mkdirSync(root);
console.log(`${cpus()[0]?.model ?? 'CPU'}, ${String(cpus().length)} cores, load ${String(loadavg()[0])}`);
console.log(readFileSync('/proc/version', 'latin1').trim());
try {
  await idle();
  await latency();
  await burst();
  await unwatched();
  printFigures(figures);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
