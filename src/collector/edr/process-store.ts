import type { ProcessEntry } from './process-entry.ts';

/** Processes that are kept: those that run, and those that have ended, for so long (ms) and so many. */
const MOST = 40_960;
const MOST_ENDED = 8_192;
const KEPT_MS = 10_000;

/** By how many the ended ones may exceed their bound before they are looked through. */
const SLACK = 512;

/** The processes that are known, by pid. Those that have ended stay for some seconds: what they did may be asked for later. */
export class ProcessStore {
  readonly #byPid = new Map<number, ProcessEntry>();
  #ended: ProcessEntry[] = [];

  get size(): number {
    return this.#byPid.size;
  }

  get(pid: number): ProcessEntry | undefined {
    return this.#byPid.get(pid);
  }

  /** Those that have not ended. */
  running(): ProcessEntry[] {
    return [...this.#byPid.values()].filter(({ endedAt }) => endedAt === undefined);
  }

  /** Takes a process in. One that had its pid before is kept behind it, and has ended at the latest when this one began. */
  add(entry: ProcessEntry, at: number): void {
    const before = this.#byPid.get(entry.pid);
    if (before !== undefined) {
      if (before.endedAt === undefined) this.end(before, at);
      before.previous = undefined;
      entry.previous = before;
      this.#byPid.delete(entry.pid);
    }
    this.#byPid.set(entry.pid, entry);
    if (this.#ended.length > MOST_ENDED + SLACK) this.purge(at);
    // The one that is here longest leaves: it is read again when it is asked for.
    const [oldest] = this.#byPid.size > MOST ? this.#byPid.values() : [];
    if (oldest !== undefined) this.#forget(oldest);
  }

  end(entry: ProcessEntry, at: number): void {
    entry.endedAt = at;
    if (entry.ownManager !== undefined) entry.ownManager.endedAt = at;
    this.#ended.push(entry);
  }

  /** A process that was taken for ended has not. */
  revive(entry: ProcessEntry): void {
    entry.leaderGone = false;
    if (entry.endedAt === undefined) return;
    entry.endedAt = undefined;
    this.#ended = this.#ended.filter((ended) => ended !== entry);
  }

  /** Forgets what ended long before `now`, ms of CLOCK_MONOTONIC. */
  purge(now: number): void {
    const over = this.#ended.length - MOST_ENDED;
    const kept = this.#ended.findIndex(
      ({ endedAt = now }, index) => index >= over && endedAt > now - KEPT_MS,
    );
    const leaving = this.#ended.splice(0, kept < 0 ? this.#ended.length : kept);
    for (const entry of leaving) this.#forget(entry);
  }

  #forget(entry: ProcessEntry): void {
    const current = this.#byPid.get(entry.pid);
    if (current === entry) this.#byPid.delete(entry.pid);
    else if (current?.previous === entry) current.previous = undefined;
  }
}
