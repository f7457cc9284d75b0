import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { ControlClient } from '../src/main/control/client.ts';
import type { AgentEvent } from '../src/shared/control.ts';
import type { AgentStatus } from '../src/shared/status.ts';
import { Site } from '../test/support/site.ts';
import { CountingRelay, type Exchange } from './support/counting-relay.ts';
import { printFigures, type Figure } from './support/figures.ts';
import { cpuSecondsOf, memoryOf, wakeUpsOf } from './support/process-cost.ts';

/*
 * The main job on this host, with the programs as sources and as bundles: cold start to first heartbeat, first sync,
 * bytes on the wire, memory and CPU. Throttle 0 (cpuLimitPct 100), every other setting as shipped.
 * Run: npm run build && npm run bench -- main-job   (Debian or Ubuntu); node bench/main-job.ts bundle measures one of both
 */

const STARTS = 5;
const IDLE_SEC = 60;
const POLL_MS = 2;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A site whose agent runs as `service`, through a relay that counts, under a profile that does not pace. */
async function openSite(service: string): Promise<{ site: Site; relay: CountingRelay; url: string }> {
  const site = new Site({ WAYFARER_DEV_INTERVALS: '' });
  site.service = [service];
  // Else it would share the pages of its runtime with the platform and this program, which no laptop runs beside it.
  site.runtime = join(site.root, 'node');
  try {
    copyFileSync(process.execPath, site.runtime);

    await site.startPlatform();
    const [entry] = await site.platform<{ profile: { id: string } }[]>('profiles', 'list');
    await site.platform('profiles', 'edit', entry?.profile.id ?? '', 'cpuLimitPct=100', 'cpuThrottleMs=0');
    const relay = new CountingRelay(site.platformUrl, site.platformDir);
    return { site, relay, url: await relay.listen() };
  } catch (error) {
    await site.close();
    throw error;
  }
}

async function closeSite(site: Site, relay: CountingRelay): Promise<void> {
  relay.close();
  await site.close();
}

/** Milliseconds from starting the agent to the platform's receipt of a heartbeat after `since` (ms). */
async function firstHeartbeat(site: Site, url: string): Promise<number> {
  const db = new Database(join(site.platformDir, 'platform.db'), { readonly: true });
  const seen = db.prepare<[], { at: number | null }>('SELECT max(lastCheckedIn) AS at FROM agents');
  const startedAt = Date.now();
  site.startAgent({ WAYFARER_WEB_SERVICE_URI: url });
  try {
    for (;;) {
      const at = seen.get()?.at ?? 0;
      if (at >= startedAt) return at - startedAt;
      await sleep(POLL_MS);
    }
  } finally {
    db.close();
  }
}

/** Collects what the agent reports from now on. */
function listen(site: Site, signal: AbortSignal): AgentEvent[] {
  const events: AgentEvent[] = [];
  const follow = async (): Promise<void> => {
    for await (const line of new ControlClient(site.paths.readEndpoint).watch(signal)) {
      if (line.kind === 'event') events.push(line.event);
    }
  };
  follow().catch(() => undefined);
  return events;
}

const named = <N extends AgentEvent['name']>(
  events: readonly AgentEvent[],
  name: N,
): Extract<AgentEvent, { name: N }>[] =>
  events.filter((event): event is Extract<AgentEvent, { name: N }> => event.name === name);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Starts a fresh agent a few times, then lets the last one synchronise. */
async function measure(label: string, service: string): Promise<Figure[]> {
  const cold: number[] = [];
  for (let n = 1; n < STARTS; n += 1) {
    const { site, relay, url } = await openSite(service);
    cold.push(await firstHeartbeat(site, url));
    await closeSite(site, relay);
  }
  const { site, relay, url } = await openSite(service);
  try {
    const startedAt = Date.now();
    cold.push(await firstHeartbeat(site, url));
    const stop = new AbortController();
    const events = listen(site, stop.signal);
    const status = await site.untilSynced(300_000);
    const syncedMs = Date.now() - startedAt;
    const costs = [site.agentPid, status.collector.pid ?? 0].map(memoryOf);
    const figures: Figure[] = [
      { what: 'cold start to first heartbeat, median', value: median(cold), unit: 'ms', limit: 1_000 },
      { what: 'whole first sync, every type', value: syncedMs / 1000, unit: 's' },
      ...firstTransfer(events),
      ...(await unchanged(site, relay, events)),
      ...heartbeats(relay.exchanges),
      ...memory('after the first sync', costs),
      ...(await idle(site, status)),
      ...(label === 'sources' ? await packages(site, status) : []),
    ];
    stop.abort();
    return figures;
  } finally {
    await closeSite(site, relay);
  }
}

function firstTransfer(events: readonly AgentEvent[]): Figure[] {
  const snapshots = named(events, 'uploaded').filter((event) => event.kind === 'snapshot');
  const vulnerability = snapshots.filter((event) => event.type === 'Vulnerability');
  const inventory = snapshots.filter((event) => event.type === 'Inventory');
  const cpu = named(events, 'collected').filter((event) => event.type === 'Inventory');
  return [
    {
      what: 'first snapshots of all types, zstd',
      value: sum(snapshots.map((event) => event.sentBytes)),
      unit: 'B',
      limit: 100_000,
    },
    {
      what: 'first snapshots of all types, raw',
      value: sum(snapshots.map((event) => event.rawBytes)),
      unit: 'B',
    },
    {
      what: 'snapshot of Inventory, zstd',
      value: sum(inventory.map((event) => event.sentBytes)),
      unit: 'B',
    },
    {
      what: 'snapshot of Vulnerability, zstd',
      value: sum(vulnerability.map((event) => event.sentBytes)),
      unit: 'B',
    },
    {
      what: 'CPU of one collection of all inventory tables',
      value: sum(cpu.slice(0, 1).map((event) => event.cpuMs)) / 1000,
      unit: 's',
      limit: 1.5,
    },
  ];
}

/** A cycle of a type on which nothing changed: what its upload takes, all bodies together. */
async function unchanged(site: Site, relay: CountingRelay, events: readonly AgentEvent[]): Promise<Figure[]> {
  const [before, seen] = [relay.exchanges.length, events.length];
  await new ControlClient(site.paths.adminEndpoint).requestCycle({ types: ['UDC'] });
  const uploaded = await site.until(
    'a delta of UDC',
    () => Promise.resolve(named(events.slice(seen), 'uploaded').find((event) => event.type === 'UDC')),
    120_000,
  );
  if (uploaded.set + uploaded.del > 0) throw new Error('something changed on the host: run again');
  const upload = relay.exchanges
    .slice(before)
    .filter(({ purpose }) => ['uploads', 'chunks', 'commit'].includes(purpose));
  return [
    { what: 'empty delta, body', value: uploaded.sentBytes, unit: 'B' },
    {
      what: 'empty delta, all request bodies (open, chunk, commit)',
      value: sum(upload.map(({ requestBytes }) => requestBytes)),
      unit: 'B',
      limit: 600,
    },
    {
      what: 'empty delta, all reply bodies',
      value: sum(upload.map(({ replyBytes }) => replyBytes)),
      unit: 'B',
    },
  ];
}

function heartbeats(exchanges: readonly Exchange[]): Figure[] {
  const status = exchanges.filter(({ purpose }) => purpose === 'status');
  return [
    {
      what: 'largest heartbeat, request body',
      value: Math.max(...status.map(({ requestBytes }) => requestBytes)),
      unit: 'B',
      limit: 700,
    },
    {
      what: 'largest heartbeat, reply body',
      value: Math.max(...status.map(({ replyBytes }) => replyBytes)),
      unit: 'B',
      limit: 700,
    },
  ];
}

function memory(when: string, [service, collector]: readonly ReturnType<typeof memoryOf>[]): Figure[] {
  if (service === undefined || collector === undefined) return [];
  return [
    { what: `service, RSS ${when}`, value: service.rssMb, unit: 'MB' },
    { what: `collector, RSS ${when}`, value: collector.rssMb, unit: 'MB' },
    {
      what: `service + collector, PSS ${when}`,
      value: service.pssMb + collector.pssMb,
      unit: 'MB',
      limit: 110,
    },
  ];
}

/** A minute without a task: CPU, wake-ups, memory. */
async function idle(site: Site, status: AgentStatus): Promise<Figure[]> {
  const pids = [site.agentPid, status.collector.pid ?? 0];
  const look = () => ({
    cpu: sum(pids.map(cpuSecondsOf)),
    wakeUps: sum(pids.map((pid) => wakeUpsOf(pid, readdirSync(`/proc/${String(pid)}/task`)))),
  });
  await sleep(5_000);
  const before = look();
  await sleep(IDLE_SEC * 1000);
  const after = look();
  return [
    {
      what: `idle for ${String(IDLE_SEC)} s, CPU of both`,
      value: (100 * (after.cpu - before.cpu)) / IDLE_SEC,
      unit: '% of a core',
      limit: 0.05,
    },
    {
      what: `idle for ${String(IDLE_SEC)} s, wake-ups of both`,
      value: (after.wakeUps - before.wakeUps) / IDLE_SEC,
      unit: '/s',
      limit: 2,
    },
    ...memory('idle', pids.map(memoryOf)),
  ];
}

async function packages(site: Site, status: AgentStatus): Promise<Figure[]> {
  const started = performance.now();
  const listed = execFileSync('dpkg-query', ['-W'], { maxBuffer: 64 * 1024 * 1024 }).toString();
  const dpkgMs = performance.now() - started;
  const shown = await site.show(status.identity.hostId ?? '');
  return [
    {
      what: 'rows of deb on the platform',
      value: shown.types['Inventory']?.tables['deb'] ?? 0,
      unit: 'rows',
      limit: listed.trimEnd().split('\n').length,
      peer: 'dpkg-query -W',
    },
    { what: 'dpkg-query -W, wall', value: dpkgMs / 1000, unit: 's' },
  ];
}

if (spawnSync('dpkg-query', ['--version'], { stdio: 'ignore' }).status !== 0) {
  console.log('needs dpkg-query');
  process.exit(1);
}
console.log(`${String(cpus().length)} × ${cpus()[0]?.model ?? ''}, Node ${process.version}`);
for (const [label, service] of [
  ['sources', 'src/main/service.ts'],
  ['bundle', 'dist/service.mjs'],
] as const) {
  if ((process.argv[2] ?? label) !== label) continue;
  console.log(`\nAs ${label}:`);
  if (existsSync(service)) printFigures(await measure(label, service));
  else console.log(`${service} is missing: run npm run build first`);
}
