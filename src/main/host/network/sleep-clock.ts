/** The two clocks that tell of sleep. */
export interface SleepClocks {
  /** Wall time, ms since the epoch. */
  readonly wall: () => number;
  /** Time that never goes back, ms; on Linux it stands still while the host sleeps (clock_gettime(2), CLOCK_MONOTONIC). */
  readonly monotonic: () => number;
}

/** Time that has to be missing, ms: above what a busy machine or a correction of the clock takes away. */
const MISSING_MS = 30_000;

/**
 * Notices that the host slept, from clocks alone: either wall time went on while the monotonic clock stood still
 * (Linux), or both went on but the process did not run when it was due (Windows and macOS, whose monotonic clock counts
 * sleep; a stopped process or a frozen container as well). A clock set forward looks the same: the agent then asks for
 * news once more than it had to.
 */
export class SleepClock {
  readonly #clocks: SleepClocks;
  #wall: number;
  #monotonic: number;

  constructor(clocks: SleepClocks) {
    this.#clocks = clocks;
    this.#wall = clocks.wall();
    this.#monotonic = clocks.monotonic();
  }

  /** Whether more than 30 s are missing since the last call, when `expectedMs` should have passed. */
  check(expectedMs: number): boolean {
    const wall = this.#wall;
    const monotonic = this.#monotonic;
    this.reset();
    const ran = this.#monotonic - monotonic;
    return this.#wall - wall - ran > MISSING_MS || ran - expectedMs > MISSING_MS;
  }

  /** Counts anew from now: what is missing until here is known. */
  reset(): void {
    this.#wall = this.#clocks.wall();
    this.#monotonic = this.#clocks.monotonic();
  }
}
