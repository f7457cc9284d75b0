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
function hearing(): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'wf-actors-'));
  const seen = new Map<string, Seen>();
  const watch = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
  const clock = hostClock();
  let writes: WritesWithPid | undefined;
  const { source } = runSource([], {
    clock,
    watch,
    startTimer: processTimer,
    callbacks: { events: () => undefined, log: () => undefined, executed: () => writes?.read() },
  });
  writes = new WritesWithPid(folder, watch, clock.monotonic, ({ name, pid }, since) => {
    seen.set(name, { pid, by: source.attribute(pid, { since }) });
  });
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

  it('R199 is never wrong, and known for every process that lives for 50 ms or more', async () => {
    const { folder, seen, source } = hearing();
    const lines: string[] = [];
    for (const { name, microseconds } of CLASSES) {
      for (const fork of ['', 'fork']) {
        const script = `i=0; while [ $i -lt ${RUNS} ]; do ${writer} ${folder}/${microseconds}${fork}-$i ${microseconds} ${fork}; i=$((i+1)); done`;
        await finished(spawn('/bin/sh', ['-c', script]));
        const these = await until(`all of ${name}`, () => {
          source.attribute(0);
          const found = [...seen].filter(([file]) => file.startsWith(`${microseconds}${fork}-`));
          return found.length === RUNS ? found.map(([, one]) => one) : undefined;
        });
        for (const one of these) {
          expect(programOf(one) ?? writer).toBe(writer);
          if (one.by.actor.state !== 'known') continue;
          expect(one.by.actor.process.pid).toBe(one.pid);
          expect(one.by.actor.process.parent?.executable).toBe(fork === '' ? '/usr/bin/dash' : writer);
          expect(one.by.actor.user).toEqual({ id: '0', name: 'root' });
        }
        const known = these.filter(({ by }) => by.actor.state === 'known').length;
        const reasons = new Set(these.map(({ by }) => (by.actor.state === 'unknown' ? by.actor.reason : '')));
        reasons.delete('');
        lines.push(
          `${name}${fork === '' ? '' : ', forked'}: ${String(known)} of ${RUNS} known ${[...reasons].join(' | ').replaceAll(writer, 'writer')}`,
        );
        if (microseconds >= 50_000) expect([known, ...lines]).toEqual([RUNS, ...lines]);
      }
    }
    console.log(lines.join('\n'));
  });

  it('is never the program that the process started after the change', async () => {
    const { folder, seen } = hearing();
    const script = `i=0; while [ $i -lt 80 ]; do /bin/sh -c 'echo x > ${folder}/'$i'; exec /usr/bin/sleep 0.02'; i=$((i+1)); done`;
    await finished(spawn('/bin/sh', ['-c', script]));
    await until('all', () => (seen.size === 80 ? true : undefined));
    const named = [...seen.values()].map((one) => programOf(one) ?? 'unknown');
    console.log(`exec after the write: ${named.filter((name) => name !== 'unknown').length} of 80 known`);
    for (const name of named) expect(['/usr/bin/dash', 'unknown']).toContain(name);
  });

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
      reason: expect.stringContaining('kernel'),
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
