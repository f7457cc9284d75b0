import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { because, noLinux, noProgram } from '../support/reason.ts';
import { until } from '../support/until.ts';

const COLLECTOR = fileURLToPath(new URL('../../src/collector/', import.meta.url));

/** How long the command below is watched, s; and how hard it may work, % of a core. */
const WATCH_SEC = 6;
const SHARE_PCT = 20;

/** Has a command that works without a pause run under a budget; says its pid, and what became of it. */
const PROGRAM = `
  const [collector, share, timeoutMs, cancelMs] = process.argv.slice(1);
  const { CpuMeter } = await import(collector + 'cpu-meter.ts');
  const { follower } = await import(collector + 'context.ts');
  const { budgetOf, Pacer } = await import(collector + 'pace.ts');
  const { runCommand } = await import(collector + 'run.ts');
  const meter = new CpuMeter();
  const pace = { cpuLimitPct: 100, cpuThrottleMs: 0, sharePct: Number(share) };
  const clock = { cpuMs: () => meter.total(), now: () => performance.now(), sleep: async () => undefined };
  const follow = follower(meter, new Pacer(budgetOf(pace, 'linux'), clock));
  const signal = cancelMs === undefined ? new AbortController().signal : AbortSignal.timeout(Number(cancelMs));
  const [started, before] = [performance.now(), meter.total()];
  runCommand(
    {
      os: 'linux', signal, mayHold: true, commands: ['sh'],
      follow: (command) => { console.log(command.pid); return follow(command); },
    },
    'sh', ['-c', 'while :; do :; done'], { timeoutMs: Number(timeoutMs) },
  ).catch((error) => console.log(error.message, Math.round(performance.now() - started), Math.round(meter.total() - before)));
`;

interface Run {
  readonly parent: ChildProcess;
  readonly pid: number;
  readonly lines: string[];
}

async function spinUnderBudget(timeoutMs: number, ...more: string[]): Promise<Run> {
  const args = ['--input-type=module', '-e', PROGRAM, COLLECTOR, String(SHARE_PCT), String(timeoutMs)];
  const parent = spawn(process.execPath, [...args, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const lines: string[] = [];
  parent.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  await until('the command runs', () => lines.length > 0 || undefined);
  return { parent, pid: Number(lines[0]), lines };
}

/** State and CPU ms of a process; `undefined` once it is gone. */
function look(pid: number): { readonly state: string; readonly cpuMs: number } | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state = '', user, system] = [fields[0], fields[11], fields[12]];
    return state === 'Z' ? undefined : { state, cpuMs: (Number(user) + Number(system)) * 10 };
  } catch {
    return undefined;
  }
}

const gone = (pid: number) => () => look(pid) === undefined || undefined;
const isStopped = (pid: number) => () => look(pid)?.state === 'T' || undefined;

const missing = noLinux ?? noProgram('setpriv', 'util-linux');

describe.skipIf(missing !== undefined)(`a command of a table${because(missing)}`, () => {
  it('R148 is held to the share of its scan while it runs, and its time limit does not count what it was held', async () => {
    const { pid, lines } = await spinUnderBudget((WATCH_SEC * 1000 * SHARE_PCT) / 100);
    await until('it ended', () => lines.length > 1 || undefined, 60_000);
    const [, tookMs, cpuMs] = /took too long (\d+) (\d+)/.exec(lines[1] ?? '') ?? [];
    expect(gone(pid)()).toBe(true);
    const share = (100 * Number(cpuMs)) / Number(tookMs);
    expect(share).toBeGreaterThan(SHARE_PCT * 0.2);
    expect(share).toBeLessThan(SHARE_PCT * 1.5);
  });

  it('does not stay stopped when the scan is cancelled', async () => {
    const { pid, lines } = await spinUnderBudget(60_000, '700');
    await until('it is held', isStopped(pid));
    await until('it ended', () => lines.length > 1 || undefined);
    expect(lines[1]).toMatch(/^sh: cancelled/);
    expect(gone(pid)()).toBe(true);
  });

  it('does not stay stopped when the collector is killed', async () => {
    const { parent, pid } = await spinUnderBudget(60_000);
    await until('it is held', isStopped(pid));
    parent.kill('SIGKILL');
    await until('it is gone', gone(pid));
  });
});
