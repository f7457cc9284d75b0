import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noUnix } from '../../../../test/support/reason.ts';
import { until } from '../../../../test/support/until.ts';
import { FimRuleParams } from '../../../shared/file-integrity.ts';
import type { StartTimer } from '../../debounce.ts';
import { CHANGE, type LostChanges, type RawChange } from '../change.ts';
import { RuleSet } from '../rule-set.ts';
import type { EsProcessSaid } from './es-events.ts';
import { ES_EVENTS } from './es-message.ts';
import { esloggerAt, type EsHear, type StartEslogger } from './es-process.ts';
import { EsLogger } from './eslogger.ts';
import { esLine, file, process as esProcess } from './testing/es-line.ts';

const LISTED = [...ES_EVENTS, 'mount', 'open'].join('\n');
const RULES = new RuleSet(
  [{ id: 'etc', ...FimRuleParams.parse({ kind: 'directory', path: '/private/etc' }) }],
  [],
  'darwin',
);

/** How long a run may say nothing, ms. */
const SILENT_MS = 60_000;

/** A source over a stand-in that the test speaks for. */
function listening(listed = LISTED) {
  const runs: { args: readonly string[]; hear: EsHear; ended: boolean }[] = [];
  const timers: { ms: number; fire: () => void; cancelled: boolean }[] = [];
  /** Those that wait for a first word. */
  const silences: typeof timers = [];
  const got = {
    changes: [] as RawChange[],
    lost: [] as LostChanges[],
    processes: [] as EsProcessSaid[],
    missed: [] as [reason: string, count: number | undefined][],
    failed: [] as string[],
  };
  let now = 0;
  const start: StartEslogger = (args, hear) => {
    const run = { args, hear, ended: false };
    runs.push(run);
    if (args[0] === '--list-events') {
      queueMicrotask(() => {
        if (run.ended) return;
        hear.output(Buffer.from(`${listed}\n`));
        hear.ended(listed === '' ? 'Failed to create ES client: Not privileged' : '');
      });
    }
    return { end: () => void (run.ended = true) };
  };
  const startTimer: StartTimer = (ms, fire) => {
    const timer = { ms, fire, cancelled: false };
    (ms === SILENT_MS ? silences : timers).push(timer);
    return () => void (timer.cancelled = true);
  };
  const source = new EsLogger({
    now: () => now,
    startTimer,
    nameOf: () => undefined,
    changes: (changes) => got.changes.push(...changes),
    lost: (lost) => got.lost.push(lost),
    process: (said) => got.processes.push(said),
    missed: (reason, count) => got.missed.push([reason, count]),
    failed: (text) => got.failed.push(text),
    start,
  });
  const run = (at: number) => until(`run ${at}`, () => runs[at]);
  const say = (at: number, ...lines: string[]) => {
    runs[at]!.hear.output(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  };
  return { source, got, runs, timers, silences, run, say, passTime: (ms: number) => void (now += ms) };
}

const closed = (path: string, sequence: number) =>
  esLine({ close: { modified: true, target: file(path) } }, { sequence });

describe('eslogger as a source', () => {
  it('R208 is asked for the events that this release knows, and no other', async () => {
    const { source, run } = listening('exec\nexit close  rename\nmount');
    source.want({ files: RULES, processes: false });
    expect((await run(0)).args).toEqual(['--list-events']);
    expect((await run(1)).args).toEqual(['--format', 'json', 'exec', 'exit', 'close', 'rename']);
  });

  it('R208 is asked for processes alone where no files are watched, and not at all for nothing', async () => {
    const { source, run, runs } = listening();
    source.want({ files: undefined, processes: false });
    expect(runs).toEqual([]);
    source.want({ files: undefined, processes: true });
    expect((await run(1)).args.slice(2)).toEqual(['exec', 'fork', 'exit']);
    source.want({ files: undefined, processes: true });
    expect(runs).toHaveLength(2);
    source.want({ files: RULES, processes: false });
    expect(runs[1]?.ended).toBe(true);
    expect((await run(3)).args.slice(2)).toEqual([...ES_EVENTS]);
    source.stop();
    expect(runs[3]?.ended).toBe(true);
  });

  it('R200 tells changes below a rule, and drops all others', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: RULES, processes: false });
    await run(1);
    say(
      1,
      closed('/private/etc/hosts', 1),
      closed('/private/tmp/x', 2),
      esLine({ exit: { stat: 0 } }, { sequence: 3 }),
    );
    expect(got.changes.map(({ path, what }) => [path, what])).toEqual([
      ['/private/etc/hosts', CHANGE.modified | CHANGE.closedAfterWrite],
    ]);
    expect(got.processes).toEqual([]);
    expect(got.lost).toEqual([]);
    expect(got.failed).toEqual(['']);
  });

  it('R201 tells starts and ends of processes, where they are wanted', async () => {
    const { source, run, say, got } = listening();
    const exec = esLine({ exec: { target: esProcess('/bin/ls'), args: ['ls'] } });
    source.want({ files: RULES, processes: false });
    await run(1);
    say(1, exec);
    expect(got.processes).toEqual([]);
    source.want({ files: RULES, processes: true });
    say(1, exec, esLine({ exit: { stat: 0 } }));
    expect(got.processes.map(({ reported }) => [reported.action, reported.executable])).toEqual([
      ['process_started', '/bin/ls'],
      ['process_ended', '/bin/zsh'],
    ]);
  });

  it('R208 tells of the canary, and of directories on the way to what a rule names', async () => {
    const { source, run, say, got } = listening();
    const deep = FimRuleParams.parse({ kind: 'directory', path: '/a/b/c' });
    source.want({
      files: new RuleSet([{ id: 'deep', ...deep }], ['/own'], 'darwin', '/own/canary'),
      processes: false,
    });
    await run(1);
    const gone = (path: string, mode?: number) => esLine({ unlink: { target: file(path, mode) } });
    say(1, closed('/own/canary', 1), closed('/own/ledger.db', 1), gone('/a/b', 0o40755), gone('/a/b'));
    expect(got.changes.map(({ path, directory }) => [path, directory])).toEqual([
      ['/own/canary', false],
      ['/a/b', true],
    ]);
  });

  it('R208 counts messages that were dropped, by the numbers of those that came', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: RULES, processes: true });
    await run(1);
    say(1, closed('/x', 10), closed('/x', 11), closed('/x', 15));
    expect(got.lost).toEqual([{ reason: 'overflow', below: [], count: 3 }]);
    expect(got.missed).toEqual([['Endpoint Security dropped messages', 3]]);
  });

  it('drops a line of 10 MB, says so once, and reads the next one', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: RULES, processes: false });
    await run(1);
    say(1, closed('/x', 1), 'x'.repeat(10 * 1024 * 1024), closed('/private/etc/hosts', 3));
    expect(got.lost).toEqual([{ reason: 'error', below: [], count: 1 }]);
    expect(got.changes).toHaveLength(1);
  });

  it('counts lines that it does not understand', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: RULES, processes: false });
    await run(1);
    say(1, 'words', '{}');
    expect(source.unknown).toBe(2);
    expect(got.failed).toEqual([]);
  });

  it('has the roots walked that a cut path belongs to', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: RULES, processes: false });
    await run(1);
    const cut = (path: string) => esLine({ unlink: { target: { ...file(path), path_truncated: true } } });
    say(1, cut('/Users/x'), cut('/private/etcetera/very long'));
    expect(got.lost).toEqual([]);
    say(1, cut('/private/etc/very long'));
    expect(got.lost).toEqual([{ reason: 'error', below: ['/private/etc'] }]);
  });

  it('R208 is started again with growing pauses, and tells that processes were missed', async () => {
    const { source, run, say, got, timers, passTime } = listening();
    source.want({ files: RULES, processes: true });
    await run(1);
    say(1, closed('/x', 1));
    expect(source.hears).toBe(true);
    (await run(1)).hear.ended('killed\u001b[2J');
    expect(source.hears).toBe(false);
    expect(got.failed.at(-1)).toBe('eslogger ended: killed [2J');
    expect(got.missed).toEqual([['eslogger ended', undefined]]);
    expect(timers.map(({ ms }) => ms)).toEqual([1_000]);
    expect(source.pauseLeft).toBe(1_000);
    timers[0]!.fire();
    await run(3);
    say(3, closed('/x', 1));
    expect(got.failed.at(-1)).toBe('');
    expect(got.missed.at(-1)).toEqual(['eslogger was started again', undefined]);
    for (const at of [3, 5, 7, 9]) {
      (await run(at)).hear.ended('');
      timers.at(-1)!.fire();
    }
    expect(timers.map(({ ms }) => ms)).toEqual([1_000, 5_000, 30_000, 300_000, 300_000]);
    const last = await run(11);
    say(11, closed('/x', 1));
    passTime(60_000);
    last.hear.ended('');
    expect(timers.at(-1)?.ms).toBe(1_000);
    // What happens to files meanwhile is found by whoever starts it again.
    expect(got.lost).toEqual([]);
    source.stop();
    expect(timers.at(-1)?.cancelled).toBe(true);
  });

  it('R208 is none where it says nothing for a minute, and then is started again with growing pauses', async () => {
    const { source, run, say, got, timers, silences, runs, passTime } = listening();
    source.want({ files: RULES, processes: true });
    for (const [at, pause] of [
      [1, 1_000],
      [3, 5_000],
      [5, 30_000],
    ] as const) {
      await run(at);
      passTime(SILENT_MS);
      silences.at(-1)!.fire();
      expect(runs[at]?.ended).toBe(true);
      expect(timers.at(-1)?.ms).toBe(pause);
      timers.at(-1)!.fire();
    }
    expect(got.failed).toEqual(Array(3).fill('eslogger runs and says nothing'));
    await run(7);
    say(7, closed('/x', 1));
    expect(silences.at(-1)?.cancelled).toBe(true);
    expect(got.failed.at(-1)).toBe('');
  });

  it('R208 is not started sooner than its pause says, whoever asks for it', async () => {
    const { source, run, runs, timers, passTime } = listening();
    source.want({ files: RULES, processes: false });
    (await run(1)).hear.ended('Not privileged');
    source.want({ files: undefined, processes: false });
    expect(timers[0]?.cancelled).toBe(true);
    passTime(400);
    source.want({ files: RULES, processes: false });
    expect(runs).toHaveLength(2);
    expect(timers.at(-1)?.ms).toBe(600);
    timers.at(-1)!.fire();
    await run(3);
  });

  it('R201 tells that processes were missed where it was started again for files as well', async () => {
    const { source, run, say, got } = listening();
    source.want({ files: undefined, processes: true });
    await run(1);
    const exit = esLine({ exit: { stat: 0 } });
    say(1, exit);
    source.want({ files: RULES, processes: true });
    say(1, exit);
    expect(got.processes).toHaveLength(1);
    await run(3);
    say(3, exit);
    expect(got.processes).toHaveLength(2);
    expect(got.missed).toEqual([['eslogger was started again for other events', undefined]]);
  });

  it.each([
    ['Failed to create ES client: ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED', 'Full Disk Access'],
    ['Not permitted to create an ES Client', 'Full Disk Access'],
    ['', 'Full Disk Access'],
    ['ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED', 'has to run as root'],
    ['/usr/bin/eslogger: ENOENT', 'comes with macOS 13'],
    ['some new words', 'eslogger ended: some new words'],
  ])('R208 says what to do about: %s', async (errors, text) => {
    const { source, run, got } = listening();
    source.want({ files: RULES, processes: false });
    (await run(1)).hear.ended(errors);
    expect(got.failed).toEqual([expect.stringContaining(text)]);
    expect(got.lost).toEqual([]);
  });

  it('does not go on where it can not even list its events', async () => {
    const { source, got, runs } = listening('');
    source.want({ files: RULES, processes: false });
    await until('the reason', () => got.failed[0]);
    expect(got.failed).toEqual(['eslogger was refused: the agent has to run as root']);
    expect(runs).toHaveLength(1);
  });
});

describe.skipIf(noUnix !== undefined)(`the process of eslogger${because(noUnix)}`, () => {
  it('R208 is run without a shell and an environment, in a group of its own, and ended', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-eslogger-'));
    try {
      const program = join(folder, 'eslogger');
      writeFileSync(
        program,
        `#!/bin/sh\n[ "$1" = --list-events ] && { echo close; exit; }\necho "$*" "$LC_ALL" "\${HOME-none}" $$ $(ps -o pgid= -p $$)\nexec sleep 600\n`,
      );
      chmodSync(program, 0o755);
      let printed = '';
      let ended = 0;
      const hear: EsHear = { output: (chunk) => (printed += chunk.toString()), ended: () => (ended += 1) };
      const run = esloggerAt(program)(['--format', 'json', 'a b', '$(id)'], hear);
      const line = await until('a line', () => (printed.includes('\n') ? printed.trim() : undefined));
      const [pid, group] = line.split(/\s+/).slice(-2);
      expect(line.startsWith('--format json a b $(id) C none ')).toBe(true);
      expect(group).toBe(pid);
      run.end();
      await until('its end', () => {
        try {
          process.kill(Number(pid), 0);
          return undefined;
        } catch {
          return true;
        }
      });
      expect(ended).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('gives the reason where it is not there, once', async () => {
    const reasons: string[] = [];
    esloggerAt('/nonexistent/eslogger')([], { output: () => undefined, ended: (text) => reasons.push(text) });
    await until('the reason', () => reasons[0]);
    expect(reasons).toEqual(['/nonexistent/eslogger: ENOENT']);
  });

  it('gives what it printed as errors, in bounds', async () => {
    const reasons: string[] = [];
    const args = ['-e', "process.stderr.write('x'.repeat(10000)); process.exitCode = 1"];
    esloggerAt(process.execPath)(args, { output: () => undefined, ended: (text) => reasons.push(text) });
    await until('the reason', () => reasons[0]);
    expect(reasons[0]).toBe('x'.repeat(4_096));
  });
});
