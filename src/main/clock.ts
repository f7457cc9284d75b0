import { randomUUID } from 'node:crypto';

/** Time as the core sees it, so that tests can turn it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * Calls back once: at or after `at` (ms since the epoch), or when the clock was set back meanwhile, since nobody knows
   * then how far off `at` is meant to be. Returns a function that cancels.
   */
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
      const armedAt = Date.now();
      const wait = Math.min(Math.max(0, at - armedAt), MAX_WAIT_MS);
      timer = setTimeout(() => {
        const now = Date.now();
        if (now < at && now >= armedAt) arm();
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

/** The machine's: for jitter and ids, never for keys. */
export const systemRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };

/** RFC 3339 in UTC with milliseconds. */
export const toInstant = (ms: number): string => new Date(ms).toISOString();
