import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { hostClock } from '../../src/collector/edr/clock.ts';
import type { ProcessEventSource } from '../../src/collector/edr/source.ts';
import { processTimer } from '../../src/collector/debounce.ts';
import type { Attribution } from '../../src/collector/fim/change.ts';
import { ReadableWatch } from '../../src/collector/native/readable.ts';
import { runSource } from '../support/process-source.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { until } from '../support/until.ts';
import { WritesWithPid } from '../support/writes-with-pid.ts';

const PROGRAM = join(import.meta.dirname, '../support/writer.c');
const cannot = noLinuxRoot ?? noProgram('gcc', 'gcc');

/** Runs of the program of each lifetime, and the lifetimes in microseconds. */
const RUNS = 60;
const CLASSES = [
  { name: '< 1 ms', microseconds: 0 },
  { name: '1-10 ms', microseconds: 4_000 },
  { name: '10-50 ms', microseconds: 20_000 },
  { name: '>= 50 ms', microseconds: 55_000 },
] as const;

interface Seen {
  readonly pid: number;
  readonly by: Attribution;
}

interface Rig {
  readonly folder: string;
  readonly source: ProcessEventSource;
  readonly seen: Map<string, Seen>;
}

/** A folder whose writes are heard with their actors. */
function hearing(executables?: string): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'wf-actors-'));
  const seen = new Map<string, Seen>();
  const watch = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
  const clock = hostClock();
  const reader: { writes?: WritesWithPid } = {};
  const { source } = runSource([], {
    clock,
    watch,
    startTimer: processTimer,
    callbacks: { events: () => undefined, log: () => undefined, executed: () => reader.writes?.read() },
  });
  const writes = new WritesWithPid({
    folder,
    executables,
    watch,
    now: clock.monotonic,
    heard: ({ name, pid }, moment) => seen.set(name, { pid, by: source.attribute(pid, moment) }),
  });
  reader.writes = writes;
  onTestFinished(async () => {
    writes.close();
    await watch.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, source, seen };
}

const finished = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => child.on('exit', () => resolve()));

/** What a known actor ran; `undefined` for one that is not known. */
const programOf = ({ by: { actor } }: Seen): string | undefined =>
  actor.state === 'known' ? actor.process.executable : undefined;

describe.skipIf(cannot !== undefined)(`the actor of a change${because(cannot)}`, () => {
  let writer = '';
  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-writer-'));
    writer = join(folder, 'writer');
    const { status, stderr } = spawnSync('gcc', ['-O1', '-o', writer, PROGRAM], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return () => rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the program in a shell, `RUNS` times, and gives what was seen of it. */
  async function written({ folder, seen }: Rig, microseconds: number, fork: string): Promise<Seen[]> {
    const name = `${String(microseconds)}${fork}-`;
    const one = `${writer} ${folder}/${name}$i ${String(microseconds)} ${fork}`;
    await finished(spawn('/bin/sh', ['-c', `i=0; while [ $i -lt ${RUNS} ]; do ${one}; i=$((i+1)); done`]));
    return until(`all of ${name}`, () => {
      const found = [...seen].filter(([file]) => file.startsWith(name));
      return found.length === RUNS ? found.map(([, write]) => write) : undefined;
    });
  }

  /** A known actor has to be right in everything. */
  function check({ pid, by: { actor } }: Seen, parent: string): void {
    if (actor.state !== 'known') return;
    expect(actor.process).toMatchObject({ pid, executable: writer, parent: { executable: parent } });
    expect(actor.user).toEqual({ id: '0', name: 'root' });
  }

  const ways = [
    { way: 'by times alone', executables: undefined },
    { way: 'by times and the order of opens for execution', executables: '/usr/bin' },
  ];
  it.each(ways)(
    'R199 is never wrong, and known from 50 ms of life on, $way',
    async ({ way, executables }) => {
      const rig = hearing(executables);
      const lines = [way];
      for (const { name, microseconds } of CLASSES) {
        for (const fork of ['', 'fork']) {
          const these = await written(rig, microseconds, fork);
          for (const one of these) check(one, fork === '' ? '/usr/bin/dash' : writer);
          const known = these.filter(({ by }) => by.actor.state === 'known').length;
          const reasons = these.map(({ by }) => (by.actor.state === 'unknown' ? by.actor.reason : ''));
          const why = [...new Set(reasons)].filter((reason) => reason !== '').join(' | ');
          const what = `${name}${fork === '' ? '' : ', forked'}`;
          lines.push(`${what}: ${String(known)} of ${RUNS} known. ${why.replaceAll(writer, 'writer')}`);
          if (microseconds >= 50_000) expect([known, ...lines]).toEqual([RUNS, ...lines]);
        }
      }
      console.log(lines.join('\n'));
    },
  );

  it('is known for a program that writes at once and lives on, by the order of opens for execution', async () => {
    const { folder, seen } = hearing('/usr/bin');
    const one = `/bin/bash -c 'echo x > ${folder}/'$i'; read -t 0.06 < <(sleep 1)'`;
    await finished(spawn('/bin/sh', ['-c', `i=0; while [ $i -lt 60 ]; do ${one}; i=$((i+1)); done`]));
    await until('all', () => (seen.size === 60 ? true : undefined));
    expect(new Set([...seen.values()].map(programOf))).toEqual(new Set(['/usr/bin/bash']));
  });

  it.each(ways)(
    'is never the program that the process started after the change, $way',
    async ({ executables }) => {
      const { folder, seen } = hearing(executables);
      const script = `i=0; while [ $i -lt 80 ]; do /bin/sh -c 'echo x > ${folder}/'$i'; exec /usr/bin/sleep 0.02'; i=$((i+1)); done`;
      await finished(spawn('/bin/sh', ['-c', script]));
      await until('all', () => (seen.size === 80 ? true : undefined));
      const named = [...seen.values()].map((one) => programOf(one) ?? 'unknown');
      console.log(`exec after the write: ${named.filter((name) => name !== 'unknown').length} of 80 known`);
      for (const name of named) expect(['/usr/bin/dash', 'unknown']).toContain(name);
    },
  );

  it('is not another process that got the pid since', async () => {
    const { folder, seen, source } = hearing();
    const { pid } = spawnSync(writer, [join(folder, 'a'), '0']);
    // The file's event and the end of the process are still unread here: another one gets its pid meanwhile.
    const take = `echo ${String(pid - 1)} > /proc/sys/kernel/ns_last_pid; exec /usr/bin/sleep 5 & echo $!`;
    let other = 0;
    for (let attempt = 0; attempt < 20 && other !== pid; attempt += 1) {
      other = Number(spawnSync('/bin/bash', ['-c', take], { encoding: 'utf8', timeout: 2_000 }).stdout);
    }
    expect(source.attribute(pid).actor.state).toBe('unknown');
    const { by } = await until('the write', () => seen.get('a'));
    expect(by.actor).toMatchObject({ state: 'unknown' });
    expect(other === pid ? readFileSync(`/proc/${String(pid)}/comm`, 'utf8') : 'sleep\n').toBe('sleep\n');
    if (other > 0) spawnSync('kill', [String(other)]);
  });

  it('says why it is not known: no pid, no such process', () => {
    const { source } = hearing();
    expect(source.attribute(0).actor).toMatchObject({
      state: 'unknown',
      reason: 'the kernel itself, or a process of another pid namespace',
    });
    expect(source.attribute(4_194_303).actor).toMatchObject({
      state: 'unknown',
      reason: 'gone before it could be read',
    });
    expect(source.attribute(process.pid).actor).toMatchObject({
      state: 'known',
      process: { pid: process.pid, executable: process.execPath },
    });
  });
});
