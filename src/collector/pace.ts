import type { Pace as PaceLimits } from '../shared/collector.ts';
import { cpuSharePct } from '../shared/profile.ts';
import type { Os } from './table.ts';

/** Work between two sleeps under a CPU limit, in milliseconds of CPU: short enough not to be felt. */
const LIMIT_QUANTUM_MS = 10;

/** Work between two looks at the event loop where nothing limits it, in milliseconds of CPU. */
const YIELD_EVERY_MS = 20;

/** What pacing needs of the outside. */
export interface PaceClock {
  /** CPU milliseconds that this process and its finished children have used. */
  readonly cpuMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A budget: work `quantumMs` of CPU, then sleep `quantumMs` × `sleepPerWork`. */
export interface Budget {
  readonly quantumMs: number;
  readonly sleepPerWork: number;
}

/**
 * The budget of a collection: the share that it was given for itself (R180), else that of the profile (protocol, scheduler
 * rule 3). A throttle sets the length of a slice as well.
 */
export function budgetOf(limits: PaceLimits, os: Os): Budget {
  const share = limits.sharePct ?? cpuSharePct(limits, os);
  if (share >= 100) return { quantumMs: YIELD_EVERY_MS, sleepPerWork: 0 };
  const throttled = limits.sharePct === undefined && os !== 'win32';
  const quantumMs = throttled ? (limits.cpuThrottleMs * share) / (100 - share) : LIMIT_QUANTUM_MS;
  return { quantumMs, sleepPerWork: 100 / share - 1 };
}

/**
 * Keeps the collector inside its CPU budget by sleeping in proportion to the CPU time measured since the last sleep,
 * so that a long slice is paid back in full.
 */
export class Pacer {
  readonly #budget: Budget;
  readonly #clock: PaceClock;
  #since: number;

  constructor(budget: Budget, clock: PaceClock) {
    this.#budget = budget;
    this.#clock = clock;
    this.#since = clock.cpuMs();
  }

  /** Returns at once while the slice lasts, else after the sleep that the budget demands. */
  async breathe(): Promise<void> {
    const worked = this.#clock.cpuMs() - this.#since;
    if (worked < this.#budget.quantumMs) return;
    await this.#clock.sleep(worked * this.#budget.sleepPerWork);
    this.#since = this.#clock.cpuMs();
  }
}
