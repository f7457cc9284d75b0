import { readFileSync } from 'node:fs';

/** Clock ticks per second of /proc/PID/stat: USER_HZ, 100 on every architecture that Linux distributions ship. */
const TICKS = 100;

export interface Memory {
  readonly rssMb: number;
  readonly pssMb: number;
}

/** Resident and proportional memory of a process in MB (10^6 bytes), from smaps_rollup (proc_pid_smaps(5)). */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'latin1');
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN) * 1024) / 1e6;
  return { rssMb: megabytes('Rss'), pssMb: megabytes('Pss') };
}

/** CPU seconds that a process has used since it started, user and system, its ended children included. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
  // The name in parentheses may hold anything; the fields count from behind it (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** How often a process has gone to sleep by itself since it started, all threads: each is a wake-up. */
export function wakeUpsOf(pid: number, threads: readonly string[]): number {
  return threads.reduce((sum, thread) => {
    const text = readFileSync(`/proc/${String(pid)}/task/${thread}/status`, 'latin1');
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }, 0);
}
