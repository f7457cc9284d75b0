import { forgetOldest } from '../forget-oldest.ts';
import type { ReportedProcess } from './reported.ts';

/** The commands of the sensor on a system. */
interface OwnPrograms {
  /** Their paths, in lower case. */
  readonly commands: readonly string[];
  /** What the system starts beside each. */
  readonly beside?: string;
}

/** What reads the Security log, and the console that Windows starts beside it. */
export const WINDOWS_COMMANDS: OwnPrograms = {
  commands: ['c:\\windows\\system32\\wevtutil.exe'],
  beside: 'c:\\windows\\system32\\conhost.exe',
};

/** What tells of sockets that listen. */
export const MACOS_COMMANDS: OwnPrograms = { commands: ['/usr/sbin/lsof'] };

/** Own commands that are remembered: those that run, and some that ended without a record of it. */
const MOST = 256;

/**
 * Tells the commands by which the sensor itself looks at the host from all others: each look would otherwise be an event, which
 * is found by the next look, and so on for ever.
 */
export class OwnCommands {
  readonly #pid: number;
  readonly #programs: OwnPrograms;
  /** The program of each, by pid. */
  readonly #running = new Map<number, string>();

  /** `pid` is the sensor's. */
  constructor(pid: number, programs: OwnPrograms) {
    this.#pid = pid;
    this.#programs = programs;
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
    const { commands, beside } = this.#programs;
    if (parent === this.#pid) return commands.includes(program);
    return program === beside && parent !== undefined && commands.includes(this.#running.get(parent) ?? '');
  }
}
