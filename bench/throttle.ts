import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../src/main/host/frugal-runtime.ts';
import { FromCollector, type Pace, type ToCollector } from '../src/shared/collector.ts';
import type { Task } from '../src/shared/manifest.ts';
import { shareOfThrottle } from '../src/shared/profile.ts';
import { cpuSecondsOf } from './support/process-cost.ts';

/*
 * What share of a core a scan takes at each CPU limit and throttle, over every 10 s of it: the collector as the agent
 * starts it reads tables of this host and hashes its larger files, one collection after the other, and is measured from
 * outside with the commands that it ran. Run: npm run bench -- throttle   (Linux)
 */

const COLLECTOR = fileURLToPath(new URL('../src/collector/main.ts', import.meta.url));

const LIMITS_PCT = [2, 5, 20, 80] as const;
const THROTTLES_MS = [0, 10, 20, 100] as const;

/** How long each is measured, how often is looked, and the window that a share is taken over. */
const SCAN_MS = 40_000;
const LOOK_MS = 250;
const WINDOW_MS = 10_000;

/** Folder whose files are hashed, the least size of one as find(1) takes it, and how many. */
const FOLDER = '/usr';
const LEAST_SIZE = '+200k';
const MOST_FILES = 1_000;

/** Those of the tables that wait for time to pass would show as rest. */
const TABLES = ['deb', 'rpm', 'python', 'npm_global', 'services', 'users', 'groups', 'scheduled_tasks'];

interface Look {
  readonly at: number;
  readonly cpuMs: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Tables and files in turn, as a manifest mixes them. */
function tasks(): Task[] {
  const found = execFileSync('find', [FOLDER, '-xdev', '-type', 'f', '-size', LEAST_SIZE], {
    encoding: 'utf8',
  });
  const files = found
    .trimEnd()
    .split('\n')
    .sort()
    .slice(0, MOST_FILES)
    .map((path, n) => ({ id: `file-${String(n)}`, table: 'file', params: { path, hash: true } }));
  return [...TABLES.map((table) => ({ id: table, table, params: {} })), ...files];
}

/** Has the collector scan until told to stop; rejects when it fails. */
function scan(child: ChildProcess, pace: Pace, what: readonly Task[], isOver: () => boolean): Promise<void> {
  let job = 0;
  const tell = (message: ToCollector): void => {
    child.send(message);
  };
  const begin = (): void => {
    job += 1;
    tell({ kind: 'collect', job, type: 'Inventory', tasks: [...what], pace, credit: 4 });
  };
  return new Promise((resolve, reject) => {
    child.on('exit', () => {
      reject(new Error('the collector ended'));
    });
    child.on('message', (raw) => {
      const message = FromCollector.parse(raw);
      if (message.kind === 'failed') reject(new Error(message.reason));
      if (isOver()) resolve();
      else if (message.kind === 'batch') tell({ kind: 'credit', job: message.job, batches: 1 });
      else if (message.kind === 'ready' || message.kind === 'done') begin();
    });
  });
}

/** The CPU time of a scan at one pace, look by look, from its beginning on. */
async function measure(pace: Pace, what: readonly Task[]): Promise<Look[]> {
  const child = fork(COLLECTOR, [], {
    execArgv: [...FRUGAL_ARGV],
    env: { ...process.env, ...FRUGAL_ENVIRONMENT },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  let over = false;
  const begun = new Promise((resolve) => child.once('message', resolve));
  const scanned = scan(child, pace, what, () => over);
  await Promise.race([begun, scanned]);
  const looks: Look[] = [];
  const end = performance.now() + SCAN_MS;
  while (performance.now() < end) {
    looks.push({ at: performance.now(), cpuMs: cpuSecondsOf(child.pid ?? 0) * 1000 });
    await Promise.race([sleep(LOOK_MS), scanned]);
  }
  over = true;
  scanned.catch(() => undefined);
  child.disconnect();
  return looks;
}

/** Share of a core, %, in every window. */
function sharesOf(looks: readonly Look[]): number[] {
  return looks.flatMap((from) => {
    const to = looks.find(({ at }) => at >= from.at + WINDOW_MS);
    return to === undefined ? [] : [(100 * (to.cpuMs - from.cpuMs)) / (to.at - from.at)];
  });
}

function row(setting: string, limitPct: number, looks: readonly Look[]): string {
  const shares = sharesOf(looks);
  const [first, last] = [looks[0], looks.at(-1)];
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const mean = (100 * (last.cpuMs - first.cpuMs)) / (last.at - first.at);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const cells = [setting, limitPct, ...[mean, least, most].map((share) => share.toFixed(2))];
  const ratios = [mean, least, most].map((share) => (share / limitPct).toFixed(2));
  return `| ${[...cells, ...ratios, loadavg()[0]?.toFixed(1)].join(' | ')} |`;
}

if (process.platform !== 'linux') {
  console.log('needs Linux');
  process.exit(1);
}
const what = tasks();
console.log(`${String(cpus().length)} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
console.log(`${String(what.length)} tasks a collection, each setting for ${String(SCAN_MS / 1000)} s\n`);
console.log('| setting | limit, % | mean, % | least 10 s | most 10 s | mean / limit | least | most | load |');
console.log(`|${' --- |'.repeat(9)}`);
for (const sharePct of LIMITS_PCT) {
  const looks = await measure({ cpuLimitPct: 100, cpuThrottleMs: 0, sharePct }, what);
  console.log(row(`limit ${String(sharePct)} %`, sharePct, looks));
}
for (const cpuThrottleMs of THROTTLES_MS) {
  const looks = await measure({ cpuLimitPct: 100, cpuThrottleMs }, what);
  console.log(row(`throttle ${String(cpuThrottleMs)} ms`, shareOfThrottle(cpuThrottleMs), looks));
}
