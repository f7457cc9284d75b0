import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { hostClock } from '../src/collector/edr/clock.ts';
import { ProcessEventSource } from '../src/collector/edr/source.ts';
import { processTimer } from '../src/collector/debounce.ts';
import { ReadableWatch } from '../src/collector/native/readable.ts';
import { memoryOf } from './support/process-cost.ts';
import { printFigures } from './support/figures.ts';

/*
 * What process events cost: two shells start programs as fast as they can, once with nobody listening and once with every
 * start and end reported; then nothing happens. Run: npm run bench -- processes   (Linux, root)
 */

const PROGRAMS = 4_000;
const IDLE_MS = 20_000;

/** Programs started per second. */
async function flood(): Promise<number> {
  const script = `i=0; while [ $i -lt ${PROGRAMS / 2} ]; do /usr/bin/true; i=$((i+1)); done`;
  const begin = performance.now();
  const shells = [spawn('/bin/sh', ['-c', script]), spawn('/bin/sh', ['-c', script])];
  await Promise.all(shells.map((shell) => new Promise((resolve) => shell.on('exit', resolve))));
  return PROGRAMS / ((performance.now() - begin) / 1_000);
}

/** CPU time of this process, all threads, in ms. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const alone = await flood();
let records = 0;
const watch = new ReadableWatch({ now: () => performance.now(), failed: (reason) => console.error(reason) });
const source = new ProcessEventSource({
  context: {
    root: '/',
    os: 'linux',
    signal: new AbortController().signal,
    breathe: () => nextTurn(undefined),
    run: () => Promise.reject(new Error('no commands here')),
    now: () => Date.now(),
    sleep: () => Promise.resolve(),
  },
  clock: hostClock(),
  startTimer: processTimer,
  watch,
  newId: randomUUID,
  token: randomInt(2 ** 31),
  hashThread: new URL('../src/collector/edr/image-hash-thread.ts', import.meta.url),
  stateFile: undefined,
  callbacks: { events: (events) => void (records += events.length), log: () => undefined },
});
source.start();
source.setRules([
  { id: 'all', table: 'process_events', params: {} },
  { id: 'listen', table: 'listener_events', params: {} },
]);
await sleep(2_000);
const before = memoryOf(process.pid).rssMb;
const busyBegin = cpuMs();
const heard = await flood();
await sleep(1_000);
const busy = cpuMs() - busyBegin;
const grown = memoryOf(process.pid).rssMb - before;
const others = records;
const idleBegin = cpuMs();
await sleep(IDLE_MS);
const idle = (cpuMs() - idleBegin) / IDLE_MS;
const meanwhile = records - others;
printFigures([
  {
    what: 'programs started per second, heard',
    value: heard,
    unit: '1/s',
    limit: alone,
    peer: 'nobody listens',
  },
  { what: 'CPU for a program, start and end reported', value: (busy / PROGRAMS) * 1_000, unit: 'us' },
  { what: 'records of 2 for each program', value: others / PROGRAMS, unit: '' },
  { what: 'lost', value: source.state().lost, unit: '' },
  { what: 'memory grown', value: grown, unit: 'MB' },
  { what: 'idle, share of one core', value: idle * 100, unit: '%', limit: 0.05 },
  { what: `of that, records of other programs in ${String(IDLE_MS / 1_000)} s`, value: meanwhile, unit: '' },
]);
await source.stop();
await watch.stop();
