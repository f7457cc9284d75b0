import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { getPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inventory } from '../../src/platform/manifests/inventory.ts';
import { vulnerability } from '../../src/platform/manifests/vulnerability.ts';
import { FromCollector, type ToCollector } from '../../src/shared/collector.ts';
import { KEY_SEPARATOR, type Item } from '../../src/shared/rows.ts';
import { compareKeys, rootOf, tableOfKey } from '../../src/wire/item.ts';
import { because, noNamespaces, noProgram } from '../support/reason.ts';

const MAIN = fileURLToPath(new URL('../../src/collector/main.ts', import.meta.url));

/** What others start and stop on a machine that is in use; their rows are proven on laid-out hosts. */
const OF_OTHERS = new Set(['processes', 'listening_ports']);

type Done = Extract<FromCollector, { kind: 'done' }>;

const startHere = (): ChildProcess =>
  fork(MAIN, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });

/** A private view of the host, in which nothing runs but what the test starts. */
const UNSHARE = ['--pid', '--mount', '--net', '--fork', '--mount-proc', '--kill-child'];

const noView = noNamespaces(UNSHARE) ?? noProgram('perl', 'perl-base');

/** The collector behind a parent that stands for the agent and starts a listener and a stranger beside it. */
const NEIGHBOURS = `
  import { fork, spawn } from 'node:child_process';
  import { createServer } from 'node:net';
  createServer().listen(4711, '0.0.0.0');
  spawn('sleep', ['1000'], { stdio: 'ignore' });
  const collector = fork(process.argv[1], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  collector.on('message', (message) => process.send(message));
  process.on('message', (message) => collector.send(message));
  process.on('disconnect', () => collector.disconnect());
`;

/** A stranger with a listener of its own, and the agent's stand-in, as the only processes of a private host. */
const PRIVATE = `perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "0.0.0.0:4712"); sleep 1000' & "$@"; exit 0`;

function startAlone(): ChildProcess {
  const node = [process.execPath, '--input-type=module', '-e', NEIGHBOURS, MAIN];
  return spawn('unshare', [...UNSHARE, 'sh', '-c', PRIVATE, 'sh', ...node], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** The collector as a real child process, as the agent starts it. */
class Collector {
  readonly child: ChildProcess;
  readonly messages: FromCollector[] = [];
  #wake: () => void = () => undefined;
  #jobs = 0;

  constructor(start: () => ChildProcess = startHere) {
    this.child = start();
    onTestFinished(() => void this.child.kill('SIGKILL'));
    this.child.on('message', (raw) => {
      const message = FromCollector.parse(raw);
      this.messages.push(message);
      if (message.kind === 'batch') this.tell({ kind: 'credit', job: message.job, batches: 1 });
      this.#wake();
    });
  }

  tell(message: ToCollector): void {
    this.child.send(message);
  }

  /** The first message, also of the past, that a test accepts. */
  async until<T extends FromCollector>(accepts: (message: FromCollector) => message is T): Promise<T> {
    for (;;) {
      const found = this.messages.find(accepts);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Collects tables and returns what came. */
  async collect(tables: readonly string[]): Promise<{ done: Done; items: Item[] }> {
    this.#jobs += 1;
    const job = this.#jobs;
    const tasks = tables.map((table) => ({ id: table, table, params: {} }));
    const pace = { cpuLimitPct: 100, cpuThrottleMs: 0 };
    this.tell({ kind: 'collect', job, type: 'Inventory', tasks, pace, credit: 2 });
    const done = await this.until(
      (message): message is Done => message.kind === 'done' && message.job === job,
    );
    const items = this.messages.flatMap((message) =>
      message.kind === 'batch' && message.job === job ? message.items : [],
    );
    return { done, items };
  }
}

const isReady = (message: FromCollector): message is Extract<FromCollector, { kind: 'ready' }> =>
  message.kind === 'ready';

/** Tables that need parameters. */
const PROBES = new Set(['file', 'config_line', 'sysctl', 'certificate']);

/** The tables of both manifests that every host has, or nearly every one. */
const TABLES = [...new Set([...inventory.tasks, ...vulnerability.tasks].map(({ table }) => table))].filter(
  (table) => !PROBES.has(table),
);

const ordered = (items: readonly Item[]): Item[] => [...items].sort((a, b) => compareKeys(a.key, b.key));

const packageState = (): bigint => statSync('/var/lib/dpkg/status', { bigint: true }).mtimeNs;

/** Two collections between which nobody has installed a package: tests of others on this machine do. */
async function collectTwice(collector: Collector, tables: readonly string[]) {
  for (let attempt = 1; ; attempt += 1) {
    const before = packageState();
    const first = await collector.collect(tables);
    const second = await collector.collect(tables);
    if (packageState() === before || attempt === 4) return { first, second };
  }
}

describe('the collector process on this host', () => {
  it('collects the whole inventory twice with equal roots, deb as dpkg-query lists it', async () => {
    const collector = new Collector();
    const { pid } = await collector.until(isReady);
    expect(getPriority(pid)).toBe(10);
    const { first, second } = await collectTwice(collector, TABLES);

    const lasting = ({ items }: { items: Item[] }) =>
      ordered(items.filter(({ key }) => !OF_OTHERS.has(tableOfKey(key))));
    expect(lasting(second)).toEqual(lasting(first));
    expect(rootOf(lasting(second).map(({ hash }) => hash))).toBe(
      rootOf(lasting(first).map(({ hash }) => hash)),
    );
    expect(first.done.errors).toEqual([]);
    expect(first.done.rows).toBe(first.items.length);

    const packages = execFileSync('dpkg-query', ['-W', '-f', '${Package}:${Architecture}\n'], {
      encoding: 'utf8',
    });
    const keys = first.items.map(({ key }) => key).filter((key) => tableOfKey(key) === 'deb');
    expect(keys.map((key) => key.split(KEY_SEPARATOR)[1]).sort()).toEqual(
      packages.trimEnd().split('\n').sort(),
    );
  });

  it('R033 sees what runs, what is installed and how it is configured', async () => {
    const collector = new Collector();
    const { done } = await collector.collect(['processes', 'deb', 'services', 'users']);
    for (const table of ['processes', 'deb', 'services', 'users']) {
      expect(done.tables[table], table).toBeGreaterThan(0);
    }
  });

  it('takes at most 1.5 s of CPU from its start to the last row of inventory and vulnerability', async () => {
    const collector = new Collector();
    await collector.collect(TABLES);
    const stat = execFileSync('cat', [`/proc/${String(collector.child.pid)}/stat`], { encoding: 'utf8' });
    const ticks = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map(Number);
    const ms = ticks.reduce((sum, value) => sum + value, 0) * 10;
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(1_500);
  });

  it.skipIf(noView !== undefined)(
    `R018 leaves out its own tree, and gives equal rows on hosts where the same runs and nothing else${because(noView)}`,
    async () => {
      const hosts = [new Collector(startAlone), new Collector(startAlone)];
      const [first, second] = await Promise.all(
        hosts.map((collector) => collector.collect(['processes', 'listening_ports'])),
      );
      if (first === undefined || second === undefined) throw new Error('no collection');
      expect(ordered(second.items)).toEqual(ordered(first.items));
      const rows = first.items.map(({ row }) => JSON.parse(row) as { path: string; port?: number });
      expect(rows.map(({ port }) => port).filter((port) => port !== undefined)).toEqual([4712]);
      const paths = rows.map(({ path }) => path);
      expect(paths.some((path) => path.endsWith('/perl'))).toBe(true);
      expect(paths.some((path) => path === process.execPath || path.endsWith('/sleep'))).toBe(false);
    },
  );

  it('ends when the agent is gone', async () => {
    const collector = new Collector();
    await collector.until(isReady);
    const ended = new Promise<number | null>((resolve) => collector.child.once('exit', resolve));
    collector.child.disconnect();
    expect(await ended).toBe(0);
  });
});
