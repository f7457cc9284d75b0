import { readFileSync } from 'node:fs';

/** Kernel ticks per second in /proc (USER_HZ), 100 on every architecture Linux runs laptops on (proc(5)). */
const TICK_MS = 10;

/** Processes below one command that are counted; more is no reader of a table. */
const MAX_TREE = 64;

/** Fields of /proc/PID/stat after the command's name: `utime`, `stime`, and those of children that were waited for (proc(5)). */
const OWN = [11, 12] as const;
const WAITED = [13, 14] as const;

/** CPU of a process by these fields, in milliseconds; 0 where the system does not say, or the process is gone. */
function cpuOf(pid: number | 'self', fields: readonly number[]): number {
  if (process.platform !== 'linux') return 0;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const stat = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields.reduce((sum, field) => sum + Number(stat[field]), 0) * TICK_MS;
  } catch {
    return 0;
  }
}

/** Children of a process's first thread; commands of tables start theirs from there. */
function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** CPU of a process and of all below it that run or were waited for, in milliseconds. */
function cpuOfTree(root: number): number {
  const pids = [root];
  let ms = 0;
  for (let at = 0; at < pids.length && at < MAX_TREE; at += 1) {
    const pid = pids[at] ?? root;
    ms += cpuOf(pid, [...OWN, ...WAITED]);
    pids.push(...childrenOf(pid));
  }
  return ms;
}

/** Measures the CPU time of this process with all its threads, and of the commands that it runs (Linux) or ran. */
export class CpuMeter {
  readonly #running = new Map<number, number>();
  #finishedMs = 0;

  /** Milliseconds since the process started; what commands use counts up to the last look at them. */
  total(): number {
    const { user, system } = process.cpuUsage();
    let ms = (user + system) / 1000 + this.#finishedMs;
    for (const running of this.#running.values()) ms += running;
    return ms;
  }

  /** Looks at what a command that runs has used so far, with all that it started. */
  look(pid: number): void {
    // What has gone from the tree was used all the same.
    this.#running.set(pid, Math.max(this.#running.get(pid) ?? 0, cpuOfTree(pid)));
  }

  /** A command has ended: from here on the system counts its CPU time as this process's. */
  ended(pid: number): void {
    this.#running.delete(pid);
    this.#finishedMs = cpuOf('self', WAITED);
  }
}
