/**
 * What `npm start` runs under Node 24: the embedded platform and the agent as two processes on this machine's real
 * data, and lines that say what they do. Both keep their state, so the next start goes on where this one ended.
 */
import { parseArgs } from 'node:util';
import type { WatchLine } from '../src/shared/control.ts';
import { bytes } from '../src/main/cli/units.ts';
import { ControlClient } from '../src/main/control/client.ts';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../src/main/host/frugal-runtime.ts';
import { resolvePaths } from '../src/main/host/paths.ts';
import { rootDirectory } from '../src/main/host/root.ts';
import { Child, platformJson, startPlatform, type Ready } from './together/children.ts';
import { describeEvent, describePlatformLine } from './together/describe.ts';
import { FirstSync } from './together/first-sync.ts';
import { result, type PlatformView } from './together/result.ts';
import { writeSettings } from './together/settings.ts';

/** How long the agent may take to open its control channel, ms. */
const AGENT_START_MS = 15_000;
/** How long the platform may take to process the last upload, ms. */
const PROCESSING_MS = 60_000;

const { values: options } = parseArgs({
  options: { once: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const startedAt = Date.now();
const root = rootDirectory(process.env, new URL('../src/main/host/root.ts', import.meta.url).href);
if (root === undefined) throw new Error('no root directory');
const environment = { ...process.env, WAYFARER_ROOT: root };
const paths = resolvePaths(process.platform, root, environment);

/** Lines for people; on stderr when the last line of stdout is to be JSON. */
function say(who: string, text: string): void {
  const time = new Date().toTimeString().slice(0, 8);
  (options.json ? process.stderr : process.stdout).write(`${time}  ${who.padEnd(8)}  ${text}\n`);
}

async function main(): Promise<number> {
  say('start', `state is kept under ${root}`);
  const ids = await platformJson<{ customerId: string; activationId: string }>(environment, ['init']);
  const { child: platform, ready } = await startPlatform(environment, (line) => {
    say('platform', describePlatformLine(line));
  });
  say('platform', `ready at ${ready.url}, ${ready.advisories} advisories loaded`);
  writeSettings(paths.settingsFile, { ...ids, ...ready });
  const agent = new Child(
    'agent',
    [...FRUGAL_ARGV, 'src/main/service.ts'],
    { ...environment, ...FRUGAL_ENVIRONMENT },
    (line) => {
      say('agent', line);
    },
  );
  const end = endOnSignal();
  try {
    return await follow(agent, platform, ready, end);
  } finally {
    await agent.end();
    await platform.end();
    say('start', 'agent and platform have ended');
  }
}

/** Aborted by Ctrl-C or SIGTERM; a second one does no harm. */
function endOnSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

async function follow(agent: Child, platform: Child, ready: Ready, signal: AbortSignal): Promise<number> {
  const reader = new ControlClient(paths.readEndpoint);
  await agent.waitUntil(() => reader.status(), AGENT_START_MS);
  const first = new FirstSync(startedAt);
  let finished = false;
  const over = Promise.race([agent.ended, platform.ended]).then((how) => {
    if (!signal.aborted && !finished) say('start', `${how}: see the lines above and ${paths.logFile}`);
  });
  for await (const line of untilAborted(reader, signal, over)) {
    if (line.kind === 'snapshot') await begin(line);
    if (line.kind === 'event') say('agent', describeEvent(line.event));
    if (first.take(line)) {
      await firstSyncDone(ready);
      finished = options.once;
      if (finished) return 0;
    }
  }
  return signal.aborted ? 0 : 1;
}

/** The agent's lines until Ctrl-C, or until one of the two processes is gone. */
async function* untilAborted(
  reader: ControlClient,
  signal: AbortSignal,
  over: Promise<void>,
): AsyncGenerator<WatchLine, void, undefined> {
  const stop = new AbortController();
  signal.addEventListener('abort', () => {
    stop.abort();
  });
  void over.then(() => {
    stop.abort();
  });
  if (!signal.aborted) yield* reader.watch(stop.signal);
}

/** A host that is known already is collected again at once, so that a second start shows what changed since. */
async function begin(line: Extract<WatchLine, { kind: 'snapshot' }>): Promise<void> {
  const { status } = line;
  say('agent', `running, process ${status.pid}; ask it with ./bin/wayfarerctl status`);
  const held = Object.entries(status.types).filter(([, type]) => type.seq > 0);
  if (status.identity.hostId === null || held.length === 0) return;
  say('agent', `already registered as ${status.identity.hostId}: goes on where it was`);
  await new ControlClient(paths.adminEndpoint).requestCycle({});
}

async function firstSyncDone(ready: Ready): Promise<void> {
  const status = await new ControlClient(paths.readEndpoint).status();
  const view = await processed(status.identity.hostId ?? '');
  const outcome = result(status, view, Date.now() - startedAt);
  const equal = Object.values(outcome.types).every((type) => type.root === type.platformRoot);
  const { rawBytes, sentBytes } = outcome.upload;
  const seconds = (outcome.elapsedMs / 1000).toFixed(1);
  say(
    'start',
    `in sync after ${seconds} s: ${Object.keys(outcome.types).length} manifests, roots ${equal ? 'equal on both sides' : 'DIFFER'}, ${bytes(rawBytes)} collected, ${bytes(sentBytes)} sent`,
  );
  await sayFindings(status.identity.hostId ?? '', ready);
  if (options.json) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  else if (!options.once) say('start', 'staying: changes show here; Ctrl-C ends both');
}

/** What the platform holds, once it has processed it. */
async function processed(hostId: string): Promise<PlatformView> {
  const deadline = Date.now() + PROCESSING_MS;
  for (;;) {
    const view = await platformJson<PlatformView>(environment, ['show', hostId]);
    const all = Object.values(view.types).every((type) => type.processed !== null);
    if (all || Date.now() > deadline) return view;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function sayFindings(hostId: string, ready: Ready): Promise<void> {
  const findings = await platformJson<{ status: string; cves: string[]; package: string }[]>(environment, [
    'findings',
    hostId,
  ]);
  const open = findings.filter((finding) => finding.status !== 'fixed');
  const examples = open.slice(0, 3).map((finding) => `${finding.cves[0] ?? ''} in ${finding.package}`);
  const more = examples.length === 0 ? '' : ` (${examples.join(', ')}${open.length > 3 ? ', …' : ''})`;
  say('platform', `${open.length} of ${ready.advisories} advisories match this host${more}`);
  say('platform', `see them with ./bin/wayfarer-platform findings ${hostId}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
