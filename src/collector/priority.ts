import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import type { Os } from './table.ts';

/** Longest wait for a tool that lowers the class of the reads, in milliseconds: this runs before the first collection. */
const TOOL_MS = 2_000;

/** A tool of the system and its arguments. */
interface Tool {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * What lowers more than the share of the processor: on Linux the idle class of reads for every thread (ionice(1) of
 * util-linux), on macOS the background class of the process (taskpolicy(8)). `undefined` on Windows, where the class of
 * the process covers both. Both are handed on to threads and commands that start later.
 */
export function priorityTool(os: Os, pid: number, threads: readonly number[]): Tool | undefined {
  if (os === 'linux')
    return { file: '/usr/bin/ionice', args: ['-c', '3', '-t', '-p', ...threads.map(String)] };
  if (os === 'darwin') return { file: '/usr/sbin/taskpolicy', args: ['-b', '-p', String(pid)] };
  return undefined;
}

/**
 * Puts this process with all its threads below what the person at the laptop does. To be called before other threads can
 * start: what starts later inherits it. Without a right or a tool that part stays as it was, and the pace has to do.
 */
export function lowerPriority(os: Os): void {
  const threads = os === 'linux' ? threadsOfThis() : [0];
  // On Linux a priority belongs to a thread, not to the process (setpriority(2), "BUGS").
  for (const thread of threads) lower(thread);
  const tool = priorityTool(os, process.pid, threads);
  if (tool === undefined) return;
  spawnSync(tool.file, tool.args, { stdio: 'ignore', timeout: TOOL_MS, shell: false, env: {} });
}

/** On Windows the class "below normal", which commands inherit; elsewhere a nice value of 10. */
function lower(thread: number): void {
  try {
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    return;
  }
}

function threadsOfThis(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
