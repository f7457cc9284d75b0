import { forgetOldest } from '../forget-oldest.ts';
import type { ReportedProcess } from './reported.ts';

/** The programs by which the Security log is read, and the console that Windows starts beside each. */
const READER = 'c:\\windows\\system32\\wevtutil.exe';
const CONSOLE = 'c:\\windows\\system32\\conhost.exe';

/** Own commands that are remembered: those that run, and some that ended without a record of it. */
const MOST = 256;

/**
 * Tells the commands by which the sensor reads the Security log from all others: each reading would otherwise be an event,
 * which is found by the next reading, and so on for ever.
 */
export class OwnCommands {
  readonly #pid: number;
  /** The program of each, by pid. */
  readonly #running = new Map<number, string>();

  /** `pid` is the sensor's. */
  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Whether a process that started or ended is one of them. To be asked of each record, in their order. */
  isOwn({ action, executable, process }: ReportedProcess): boolean {
    const program = executable.toLowerCase();
    if (action === 'process_ended') {
      const isOwn = this.#running.get(process.pid) === program;
      this.#running.delete(process.pid);
      return isOwn;
    }
    this.#running.delete(process.pid);
    if (!this.#isStarted(program, process.parent?.pid)) return false;
    this.#running.set(process.pid, program);
    forgetOldest(this.#running, MOST);
    return true;
  }

  #isStarted(program: string, parent: number | undefined): boolean {
    if (parent === this.#pid) return program === READER;
    return program === CONSOLE && parent !== undefined && this.#running.get(parent) === READER;
  }
}
