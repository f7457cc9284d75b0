import { readFileSync } from 'node:fs';

/** Kernel ticks per second in /proc (USER_HZ), 100 on every architecture Linux runs laptops on (proc(5)). */
const TICK_MS = 10;

/** CPU of children that were waited for, in milliseconds; 0 where the system does not say (fields 16 and 17, proc(5)). */
function finishedChildrenMs(): number {
  if (process.platform !== 'linux') return 0;
  try {
    const text = readFileSync('/proc/self/stat', 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
  } catch {
    return 0;
  }
}

/** Measures the CPU time of this process with all its threads, and of the commands that it ran. */
export class CpuMeter {
  #childrenMs = 0;

  /** Milliseconds since the process started. */
  total(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000 + this.#childrenMs;
  }

  /** Takes the CPU time of children into the count; call it when one has ended. */
  noteChildren(): void {
    this.#childrenMs = finishedChildrenMs();
  }
}
