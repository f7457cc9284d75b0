import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runCommand, taskkill, type RunnerOptions } from './run.ts';
import { TooMuchPrinted } from './table.ts';
import { layOut } from './testing/host.ts';

const options = (signal: AbortSignal = new AbortController().signal): RunnerOptions => ({
  os: 'linux',
  signal,
  commands: ['sh', 'env', 'yes', 'absent'],
});

/** Whether a process still runs; a zombie that nobody has waited for does not. */
function runs(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('commands', () => {
  it('run with the exit code as a result and a neutral environment', async () => {
    const { exitCode, stdout } = await runCommand(options(), 'env', []);
    expect(exitCode).toBe(0);
    expect(stdout.toString().trim().split('\n').sort()).toEqual([
      'HOME=/',
      'LANG=C',
      'LC_ALL=C',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
    expect((await runCommand(options(), 'sh', ['-c', 'echo bad >&2; exit 3'])).exitCode).toBe(3);
  });

  it('are only those of the built-in list', async () => {
    const builtIn: RunnerOptions = { os: 'linux', signal: new AbortController().signal };
    await expect(runCommand(builtIn, 'sh', ['-c', 'true'])).rejects.toThrow(
      'sh: not a command of the built-in list',
    );
    await expect(runCommand(builtIn, '/bin/sh', [])).rejects.toThrow('not a command of the built-in list');
    await expect(runCommand(options(), 'absent', [])).rejects.toThrow('absent: not installed');
  });

  it('are killed with all that they started when they are late', async () => {
    const pidFile = join(layOut(), 'pid');
    const script = `sleep 300 & echo $! > ${pidFile}; wait`;
    const late = runCommand(options(), 'sh', ['-c', script], { timeoutMs: 500 });
    await expect(late).rejects.toThrow('sh: took too long');
    const pid = readFileSync(pidFile, 'utf8').trim();
    expect(pid).toMatch(/^\d+$/);
    await vi.waitFor(() => {
      expect(runs(pid)).toBe(false);
    });
  });

  it('are killed when they print more than allowed', async () => {
    await expect(runCommand(options(), 'yes', [], { maxBytes: 10_000 })).rejects.toThrow(
      new TooMuchPrinted('yes: printed more than allowed'),
    );
    await expect(runCommand(options(), 'yes', [], { maxBytes: 10_000 })).rejects.toBeInstanceOf(
      TooMuchPrinted,
    );
  });

  it('are killed when the collection is cancelled, and not started after that', async () => {
    const abort = new AbortController();
    const running = runCommand(options(abort.signal), 'sh', ['-c', 'sleep 300']);
    abort.abort();
    await expect(running).rejects.toThrow('sh: cancelled');
    await expect(runCommand(options(abort.signal), 'sh', ['-c', 'true'])).rejects.toThrow('sh: cancelled');
  });
});

it("ends a command on Windows with all that it started, by the system's own tool", () => {
  expect(taskkill(42)).toEqual({
    file: 'C:\\Windows\\System32\\taskkill.exe',
    args: ['/T', '/F', '/PID', '42'],
  });
});
