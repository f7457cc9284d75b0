import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createAdmin } from '../src/platform/admin/admin.ts';
import { DEFAULT_LIMITS, type Context } from '../src/platform/context.ts';
import type { EventFilter } from '../src/platform/events/search.ts';
import { takeLines } from '../src/platform/events/take.ts';
import { payloadLines, type PayloadLine } from '../src/platform/events/payload.ts';
import { openStore } from '../src/platform/store/store.ts';
import { generateKeyPair } from '../src/wire/keys.ts';
import { Chain, fimEvent, payloadOf } from '../test/support/sealed-events.ts';
import { hostFacts } from '../test/support/platform-client.ts';

/*
 * Events of many hosts in one platform: how many it takes per second, from the text of a payload to the committed row, as the
 * store grows; how long one batch holds the loop; and how long a search takes at the end. Hosts send in turn. Making and sealing
 * the events is not counted. Run: node bench/events.ts [events] [directory on the disk to measure]
 */

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const HOSTS = 200;
const PER_PAYLOAD = 500;
const BATCH = 100;
const STEPS = 5;
const ROUNDS = 7;

const dataDir = mkdtempSync(join(process.argv[3] ?? process.cwd(), '.bench-events-'));
process.once('exit', () => {
  rmSync(dataDir, { recursive: true, force: true });
});
const store = openStore(dataDir);
const clock = { ms: Date.parse('2026-11-20T00:00:00Z') };
const context: Context = {
  dataDir,
  store,
  signing: generateKeyPair(),
  now: () => clock.ms,
  log: () => undefined,
  limits: DEFAULT_LIMITS,
  commits: new Map(),
};
const admin = createAdmin(context);

interface Host {
  readonly id: string;
  readonly chain: Chain;
}

function register(): Host[] {
  const { customer, key } = admin.init();
  return Array.from({ length: HOSTS }, (_, n) => {
    const id = crypto.randomUUID();
    store.agents.put({
      id,
      customer: customer.id,
      activationKey: key.id,
      publicKey: context.signing.publicKey,
      fingerprint: 'a'.repeat(64),
      hostname: `laptop-${n}`,
      host: hostFacts(),
      tags: [],
      modules: ['AI', 'FIM'],
      counter: -1,
      provisionedAt: 0,
      lastCheckedIn: null,
      lastSeen: 0,
      state: 'idle',
      status: {},
      agentVersion: '0.1.0',
      uninstalledAt: null,
      correlationId: null,
    });
    return { id, chain: new Chain() };
  });
}

const FOLDERS = [
  '/etc',
  '/usr/bin',
  '/usr/sbin',
  '/boot',
  '/etc/systemd/system',
  '/root/.ssh',
  '/opt/app/config',
];
const PROGRAMS = ['dpkg', 'vim.basic', 'bash', 'python3.11', 'sed', 'systemd', 'rsync', 'tar'];

/** Text of an event in canonical form with words in capitals for what differs, and without its hash. */
function templateOf(severity: 2 | 4): string {
  const event = fimEvent({
    at: '@TIME@',
    id: '@ID@',
    path: '@PATH@',
    severity,
    rule: '@RULE@',
    hash: { sha256: 'b'.repeat(64) },
    mode: '0644',
    owner: 'root',
    inode: '@INODE@',
    mtime: '@TIME@',
    wayfarer: {
      before: { type: 'file', size: 3, mode: '0644', hash: { sha256: 'c'.repeat(64) } },
      actor: {
        state: 'known',
        process: {
          pid: 4711,
          name: '@PROGRAM@',
          executable: '/usr/bin/@PROGRAM@',
          command_line: '@PROGRAM@ -x',
        },
        user: { id: '0', name: '@USER@' },
        login_user: { id: '1000', name: '@LOGIN@' },
      },
    },
  });
  return new Chain()
    .seal(event)
    .replace(/"hash":"[0-9a-f]{64}",/, '')
    .replace(/"chain":\{.*?\}/, '"chain":{"id":"@CHAIN@","previous":"@PREVIOUS@","sequence":@SEQUENCE@}');
}
const COMMON = templateOf(2);
const CRITICAL = templateOf(4);

/** A sealed event as common ones are: mostly of package managers, few that are severe. `n` makes it one of its kind. */
function sealed(chain: Chain, n: number): string {
  const sequence = chain.head.sequence + 1;
  const words: Readonly<Record<string, string>> = {
    TIME: new Date(clock.ms - 1_000).toISOString(),
    ID: crypto.randomUUID(),
    PATH: `${FOLDERS[n % FOLDERS.length] ?? ''}/directory-${n % 1_000}/file-${n}.conf`,
    RULE: n % 50 === 0 ? 'sudoers' : 'etc',
    INODE: String(n),
    PROGRAM: PROGRAMS[n % PROGRAMS.length] ?? 'sh',
    USER: n % 97 === 0 ? 'mallory' : 'root',
    LOGIN: `user-${n % 300}`,
    CHAIN: chain.head.id,
    PREVIOUS: chain.head.hash,
    SEQUENCE: String(sequence),
  };
  const template = n % 5_000 === 0 ? CRITICAL : COMMON;
  const text = template.replace(/@([A-Z]+)@/g, (_, word: string) => words[word] ?? '');
  const hash = createHash('sha256').update(text).digest('hex');
  chain.head = { id: chain.head.id, sequence, hash };
  return text.replace('"id":', `"hash":"${hash}","id":`);
}

async function* textLines(text: string): AsyncGenerator<string, void, undefined> {
  await Promise.resolve();
  yield* text.split('\n').slice(0, -1);
}

/** One payload from its text to its rows, as a commit does it: read twice, stored in batches. Returns the ms of each batch. */
async function take(host: Host, text: string): Promise<number[]> {
  const lines: PayloadLine[] = [];
  for await (const _ of payloadLines(textLines(text), 'fim', host.id));
  for await (const line of payloadLines(textLines(text), 'fim', host.id)) lines.push(line);
  const times: number[] = [];
  for (let at = 0; at < lines.length; at += BATCH) {
    const before = performance.now();
    store.transaction(() => takeLines(context, host.id, 'fim', lines.slice(at, at + BATCH)));
    times.push(performance.now() - before);
    await nextTurn();
  }
  return times;
}

function cpuMsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

const quantile = (times: readonly number[], q: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0;

async function fill(hosts: readonly Host[]): Promise<Record<string, Record<string, string>>> {
  const table: Record<string, Record<string, string>> = {};
  const perStep = EVENTS / STEPS;
  let n = 0;
  for (let step = 1; step <= STEPS; step += 1) {
    const batches: number[] = [];
    let busyMs = 0;
    let cpuMs = 0;
    let bytes = 0;
    for (; n < step * perStep; clock.ms += 2_000) {
      const host = hosts[(n / PER_PAYLOAD) % HOSTS];
      if (host === undefined) throw new Error('no host');
      const made = Array.from({ length: PER_PAYLOAD }, () => sealed(host.chain, n++));
      const text = payloadOf(host.id, made).toString();
      bytes += text.length;
      const before = performance.now();
      const used = process.cpuUsage();
      batches.push(...(await take(host, text)));
      busyMs += performance.now() - before;
      cpuMs += cpuMsSince(used);
    }
    const size = ['platform.db', 'platform.db-wal'].reduce(
      (sum, name) => sum + statSync(join(dataDir, name)).size,
      0,
    );
    table[`up to ${Math.round(n / 1_000)},000`] = {
      'events/s': ((1_000 * perStep) / busyMs).toFixed(0),
      'CPU, \u00b5s/event': ((1_000 * cpuMs) / perStep).toFixed(0),
      'batch p50 ms': quantile(batches, 0.5).toFixed(1),
      'batch p99 ms': quantile(batches, 0.99).toFixed(1),
      'batch max ms': Math.max(...batches).toFixed(1),
      'B/event as sent': (bytes / perStep).toFixed(0),
      'B/event on disk': (size / n).toFixed(0),
    };
  }
  return table;
}

const SEARCHES: readonly (readonly [string, EventFilter])[] = [
  ['newest of all', {}],
  ['newest of one host', { host: 'laptop-7' }],
  ['one file, by its path', { path: `/etc/directory-0/file-0.conf` }],
  ['below a folder with many', { path: '/usr/bin' }],
  ['below a folder of one host', { host: 'laptop-7', path: '/boot/directory-3' }],
  ['a pattern with a beginning', { path: '/etc/directory-7/*.conf' }],
  ['a pattern without one', { path: '*file-4711?.conf' }],
  ['a pattern that nothing matches', { path: '*a*b*c*d*e*f*g*h*.none' }],
  ['critical ones', { severity: 'critical' }],
  ['a rare rule', { rule: 'sudoers' }],
  ['a user', { user: 'mallory' }],
  ['part of an actor, many', { actor: 'rsync' }],
  ['part of an actor, few', { actor: 'user-299' }],
  ['part of an actor, none', { actor: 'nobody here' }],
  ['an action that never was', { action: 'deleted' }],
  ['severe ones of a user below a path', { user: 'mallory', severity: 'critical', path: '/etc' }],
  [
    'of an hour, by a rule',
    { since: '2026-11-20T00:10:00Z', until: '2026-11-20T00:11:00Z', rule: 'sudoers' },
  ],
];

function searchTimes(): Record<string, Record<string, string>> {
  return Object.fromEntries(
    SEARCHES.map(([name, filter]) => {
      const times: number[] = [];
      const used = process.cpuUsage();
      let found = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const before = performance.now();
        found = admin.findEvents({ limit: 100, ...filter }).events.length;
        times.push(performance.now() - before);
      }
      return [
        name,
        {
          found: String(found),
          'first ms': (times[0] ?? 0).toFixed(1),
          'p50 ms': quantile(times, 0.5).toFixed(1),
          'max ms': Math.max(...times).toFixed(1),
          'CPU ms': (cpuMsSince(used) / ROUNDS).toFixed(1),
        },
      ];
    }),
  );
}

function pagesTime(): number {
  const before = performance.now();
  let cursor: string | undefined;
  for (let page = 0; page < 100; page += 1) {
    const next = admin.findEvents({ limit: 100, ...(cursor === undefined ? {} : { cursor }) }).next;
    if (next === undefined) break;
    cursor = next;
  }
  return (performance.now() - before) / 100;
}

const hosts = register();
console.table(await fill(hosts));
console.table(searchTimes());
console.log(`a page of 100 by cursor, over 100 pages: ${pagesTime().toFixed(1)} ms each`);
const before = performance.now();
const verified = await admin.verifyEvents('laptop-7');
const seconds = (performance.now() - before) / 1_000;
const events = verified.reduce((sum, one) => sum + one.events, 0);
const faults = verified.reduce((sum, one) => sum + one.faults.length, 0);
console.log(`verify: ${(events / seconds).toFixed(0)} events/s, ${faults} faults`);
store.close();
