import type { EventProcess } from '../../shared/host-events.ts';
import { forgetOldest } from '../forget-oldest.ts';
import type { ReportedProcess } from './reported.ts';

/** Processes that are remembered; the one that started first goes first. */
const MOST = 8_192;

/** What is known of the processes that run, by the records of their starts: the record of an end has no more than pid and image. */
export class RunningProcesses {
  readonly #known = new Map<number, EventProcess>();

  /** What its start said of a process that has not ended as far as is known. */
  of(pid: number): EventProcess | undefined {
    return this.#known.get(pid);
  }

  /** The same start or end, an end with what its start said. To be asked of each record, in their order. */
  complete(reported: ReportedProcess): ReportedProcess {
    const { action, process } = reported;
    const known = this.#known.get(process.pid);
    this.#known.delete(process.pid);
    if (action === 'process_ended') {
      const isSame = known !== undefined && known.executable === process.executable;
      return isSame ? { ...reported, process: { ...known, ...process } } : reported;
    }
    this.#known.set(process.pid, process);
    forgetOldest(this.#known, MOST);
    return reported;
  }
}
