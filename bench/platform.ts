import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Agent as Pool, request as send } from 'undici';
import { createAdmin } from '../src/platform/admin/admin.ts';
import { openStore } from '../src/platform/store/store.ts';
import { generateKeyPair, type KeyPair } from '../src/wire/keys.ts';
import { signRequest, verifyReply } from '../src/wire/message-signature.ts';
import {
  FINGERPRINT,
  PlatformClient,
  describe,
  hostFacts,
  itemsOf,
  statusBody,
} from '../test/support/platform-client.ts';

/*
 * One platform process under the heartbeats of 10,000 registered agents, over HTTPS on loopback: every request signed
 * with its agent's own key, every reply verified. Latency counts from the moment a heartbeat was due, so that a platform
 * that stands still is not flattered, and includes the client's signing and verifying, which share the machine.
 * Run: node bench/platform.ts [directory on the disk to measure]
 */

const AGENTS = 10_000;
const INTERVAL_SEC = 900;
const RATE = AGENTS / INTERVAL_SEC;
const SECONDS = 15;
const GOAL_P99_MS = 50;
const COMMIT_ROWS = [20_000, 200_000] as const;

interface SimulatedAgent {
  readonly id: string;
  readonly key: KeyPair;
  counter: number;
}

/** Registered in the database as provisioning leaves them; a registration each over HTTPS would measure something else. */
function register(dataDir: string): {
  readonly agents: SimulatedAgent[];
  readonly customer: string;
  readonly activation: string;
} {
  const store = openStore(dataDir);
  const { customer, key } = createAdmin({ store, now: Date.now }).init();
  const agents = Array.from({ length: AGENTS }, () => ({
    id: randomUUID(),
    key: generateKeyPair(),
    counter: 0,
  }));
  store.transaction(() => {
    for (const agent of agents) {
      store.agents.put({
        id: agent.id,
        customer: customer.id,
        activationKey: key.id,
        publicKey: agent.key.publicKey,
        fingerprint: FINGERPRINT,
        hostname: 'laptop',
        host: hostFacts(),
        tags: ['Cloud Agent'],
        modules: key.modules,
        counter: -1,
        provisionedAt: Date.now(),
        lastCheckedIn: null,
        lastSeen: Date.now(),
        state: 'provisioned',
        status: {},
        agentVersion: '0.1.0',
        uninstalledAt: null,
        correlationId: null,
      });
    }
  });
  store.close();
  return { agents, customer: customer.id, activation: key.id };
}

interface Site {
  readonly url: string;
  readonly caPem: string;
  readonly platformKey: string;
  readonly child: ChildProcess;
}

async function serve(dataDir: string): Promise<Site> {
  const cli = join(import.meta.dirname, '../src/platform/cli.ts');
  const child = spawn(process.execPath, [cli, '--data', dataDir, '--json', 'serve'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // Whatever ends this process takes the platform with it.
  process.once('exit', () => child.kill());
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, caFile, platformKey } = JSON.parse(line) as Record<'url' | 'caFile' | 'platformKey', string>;
  return { url, platformKey, caPem: readFileSync(caFile, 'utf8'), child };
}

function heartbeatBody(agent: SimulatedAgent): Buffer {
  agent.counter += 1;
  const types = { Inventory: { seq: 9, root: 'aaaaaaaa' }, Vulnerability: { seq: 9, root: 'bbbbbbbb' } };
  const changes = {
    lastActivity: { name: 'Scan Complete', at: new Date().toISOString() },
    configVersion: 1,
    manifestVersions: { Inventory: 1, Vulnerability: 1 },
    types,
  };
  return Buffer.from(JSON.stringify(statusBody(agent.counter, changes)));
}

async function heartbeat(site: Site, customer: string, agent: SimulatedAgent, pool: Pool): Promise<void> {
  const url = new URL(`v1/agents/${agent.id}/status`, site.url);
  const body = heartbeatBody(agent);
  const unsigned = {
    method: 'POST',
    path: url.pathname,
    query: '',
    headers: { 'wayfarer-agent': agent.id, 'wayfarer-customer': customer },
  };
  const stamp = { created: Math.floor(Date.now() / 1000), nonce: randomUUID() };
  const headers = { ...unsigned.headers, ...signRequest(unsigned, body, agent.key, stamp) };
  const reply = await send(url, { method: 'POST', headers, body, dispatcher: pool });
  const bytes = Buffer.from(await reply.body.arrayBuffer());
  await verifyReply(
    {
      status: reply.statusCode,
      headers: reply.headers as Record<string, string>,
      request: { ...unsigned, headers },
    },
    bytes,
    site.platformKey,
  );
  if (reply.statusCode !== 200) throw new Error(`heartbeat answered with ${String(reply.statusCode)}`);
}

const quantile = (times: readonly number[], q: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0;

interface Measured {
  readonly times: readonly number[];
  readonly elapsedMs: number;
}

/** Heartbeats at a steady rate, whether the earlier ones were answered or not, until `until` is settled. */
async function steady(beat: () => Promise<void>, rate: number, until: Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  const open: Promise<void>[] = [];
  const progress = { over: false };
  void until.finally(() => (progress.over = true));
  const start = performance.now();
  for (let n = 0; !progress.over; n += 1) {
    const due = start + (1000 * n) / rate;
    const wait = due - performance.now();
    if (wait > 0) await pause(wait);
    open.push(beat().then(() => void times.push(performance.now() - due)));
  }
  await Promise.all(open);
  return { times, elapsedMs: performance.now() - start };
}

/** As many as it takes, `lanes` at a time. */
async function flatOut(beat: () => Promise<void>, lanes: number, ms: number): Promise<Measured> {
  const times: number[] = [];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - start < ms) {
      const before = performance.now();
      await beat();
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { times, elapsedMs: performance.now() - start };
}

/** An agent with a whole snapshot on the platform but for its commit; returns the commit. */
async function preparedCommit(
  site: Site,
  customer: string,
  activation: string,
  count: number,
): Promise<() => Promise<number>> {
  const client = new PlatformClient(site, customer, Date.now);
  await client.provision(activation);
  const rows = Array.from(
    { length: count },
    (_, n) =>
      ['deb', `package-${n}:amd64`, { name: `package-${n}`, version: '1.0-1', arch: 'amd64' }] as const,
  );
  const { request, raw } = client.changesTo('Inventory', itemsOf(rows), 'snapshot');
  const encoded = gzipSync(raw);
  const chunkBytes = 4 * 1024 * 1024;
  const opened = await client.open({ ...describe(encoded, chunkBytes), ...request });
  const { uploadId } = opened.body as { uploadId: string };
  for (let n = 0; n * chunkBytes < encoded.length; n += 1) {
    await client.chunk(uploadId, n, encoded.subarray(n * chunkBytes, (n + 1) * chunkBytes));
  }
  return async () => {
    const before = performance.now();
    const reply = await client.commit(uploadId);
    if (reply.status !== 200) throw new Error(`the commit was answered with ${String(reply.status)}`);
    return performance.now() - before;
  };
}

const rowOf = ({ times, elapsedMs }: Measured): Record<string, string | number> => ({
  heartbeats: times.length,
  'per second': ((1000 * times.length) / elapsedMs).toFixed(1),
  'p50 ms': quantile(times, 0.5).toFixed(1),
  'p99 ms': quantile(times, 0.99).toFixed(1),
  'max ms': Math.max(...times).toFixed(1),
});

const withGoal = (measured: Measured): Record<string, string | number> => ({
  ...rowOf(measured),
  [`p99 ≤ ${GOAL_P99_MS} ms`]: quantile(measured.times, 0.99) <= GOAL_P99_MS ? 'yes' : 'no',
});

const dataDir = mkdtempSync(join(process.argv[2] ?? process.cwd(), '.bench-platform-'));
const { agents, customer, activation } = register(dataDir);
const site = await serve(dataDir);
const connect = { ca: site.caPem, timeout: 60_000 };
const kept = new Pool({ connect, connections: 64, keepAliveTimeout: 60_000 });
/** Most agents come back after the connection was closed: a handshake each. */
const fresh = new Pool({ connect, connections: 64, pipelining: 0 });
const commits = new Map<number, () => Promise<number>>();
for (const count of COMMIT_ROWS) commits.set(count, await preparedCommit(site, customer, activation, count));
let turn = 0;
const beatOn = (pool: Pool) => (): Promise<void> => {
  const agent = agents[turn++ % agents.length];
  return agent === undefined ? Promise.resolve() : heartbeat(site, customer, agent, pool);
};
try {
  await flatOut(beatOn(kept), 8, 2_000);
  const table: Record<string, Record<string, string | number>> = {};
  const rates = [
    ['10,000 agents', RATE],
    ['50,000 agents', 5 * RATE],
  ] as const;
  for (const [name, rate] of rates) {
    table[`${name}, kept connections`] = withGoal(await steady(beatOn(kept), rate, pause(SECONDS * 1000)));
    table[`${name}, a handshake each`] = withGoal(await steady(beatOn(fresh), rate, pause(SECONDS * 1000)));
  }
  for (const [count, commit] of commits) {
    const committing = commit();
    const measured = await steady(beatOn(kept), 5 * RATE, committing);
    const seconds = ((await committing) / 1000).toFixed(1);
    table[`50,000 agents, beside a commit of ${count} rows (${seconds} s)`] = withGoal(measured);
  }
  table['as fast as it goes, 32 at a time'] = rowOf(await flatOut(beatOn(kept), 32, SECONDS * 500));
  console.table(table);
} finally {
  const ended = once(site.child, 'exit');
  site.child.kill('SIGTERM');
  await Promise.all([kept.destroy(), fresh.destroy(), ended]);
  rmSync(dataDir, { recursive: true, force: true });
}
