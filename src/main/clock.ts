/** Time as the core sees it, so that tests can turn it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Calls back once at or after `at` (ms since the epoch); returns a function that cancels. */
  readonly at: (at: number, callback: () => void) => () => void;
}

/**
 * Longest single wait, ms. Timers run on a clock that stands still while the machine sleeps (clock_gettime(2),
 * CLOCK_MONOTONIC), so a longer one would come late by the whole sleep: what was due is seen this soon after waking.
 */
const MAX_WAIT_MS = 30_000;

/** The machine's wall clock: follows its steps in both directions, and sleep, within 30 s. */
export const systemClock: Clock = {
  now: () => Date.now(),
  at: (at, callback) => {
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const wait = Math.min(Math.max(0, at - Date.now()), MAX_WAIT_MS);
      timer = setTimeout(() => {
        if (Date.now() < at) arm();
        else callback();
      }, wait);
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Randomness as the core sees it. */
export interface Random {
  /** Uniform in [0, 1). */
  readonly next: () => number;
  /** A new random UUID, lower case. */
  readonly uuid: () => string;
}

/** RFC 3339 in UTC with milliseconds. */
export const toInstant = (ms: number): string => new Date(ms).toISOString();
