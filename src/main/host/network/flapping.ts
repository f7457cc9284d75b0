import type { Flapping } from './network.ts';

/** Changes are counted over this time, ms. */
const WINDOW_MS = 60_000;

/** Changes within the window that are reported as they come: leaving one network for another takes three or four. */
const BURST = 5;

/** Time between two reports of a network that changes more often, ms: long enough to get something sent in between. */
const PAUSE_MS = 30_000;

/** With so many changes left in the window the network counts as stable again; fewer than BURST, so as not to toggle. */
const CALM = 2;

/**
 * Decides when changes of the network are reported: at once while they are few, every PAUSE_MS while they are many.
 * Within any minute it lets at most BURST + 2 through. Times are ms of a clock that never goes back.
 */
export class FlapGate {
  #changes: number[] = [];
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unstable = false;

  /** Takes note of a change. Returns whether the network is unstable from now on. */
  noteChange(now: number): boolean {
    this.#forget(now);
    this.#changes.push(now);
    if (this.#unstable || this.#changes.length <= BURST) return false;
    this.#unstable = true;
    return true;
  }

  /** How long the next report has to wait, ms; 0 when it may go. */
  wait(now: number): number {
    return this.#unstable ? Math.max(0, this.#reportedAt + PAUSE_MS - now) : 0;
  }

  noteReport(now: number): void {
    this.#reportedAt = now;
  }

  /** Looks whether it has become calm. Returns whether the network is stable from now on. */
  noteTime(now: number): boolean {
    this.#forget(now);
    if (!this.#unstable || this.#changes.length > CALM) return false;
    this.#unstable = false;
    return true;
  }

  /** Figures for the condition while the network is unstable, else `undefined`. */
  flapping(): Flapping | undefined {
    if (!this.#unstable) return undefined;
    return { count: this.#changes.length, seconds: WINDOW_MS / 1000, pause: PAUSE_MS / 1000 };
  }

  #forget(now: number): void {
    this.#changes = this.#changes.filter((at) => now - at < WINDOW_MS);
  }
}
