import type { Pace as PaceLimits } from '../shared/collector.ts';
import { cpuSharePct } from '../shared/profile.ts';
import type { Os } from './table.ts';

/** Work between two sleeps under a CPU limit, in milliseconds of CPU: short enough not to be felt. */
const LIMIT_QUANTUM_MS = 10;

/** Work between two looks at the event loop where nothing limits it, in milliseconds of CPU. */
const YIELD_EVERY_MS = 20;

/**
 * How far a scan may lie behind its budget and still catch up, in milliseconds: timers of a busy machine are late by some.
 * More would let a scan that waited work without a pause afterwards.
 */
const SLACK_MS = 100;

/** What pacing needs of the outside. */
export interface PaceClock {
  /** CPU milliseconds that this process and its children have used. */
  readonly cpuMs: () => number;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
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
 * Keeps the collector and its commands inside one CPU budget. Work is entered with the time that it takes at the share
 * allowed, one piece after the other; until that time is over everything rests. So a long slice is paid back in full, and a
 * sleep that came out too long shortens the next one.
 */
export class Pacer {
  readonly #budget: Budget;
  readonly #clock: PaceClock;
  #cpuMs: number;
  /** Until when the work entered so far lasts at the share allowed. */
  #busyUntil: number;

  constructor(budget: Budget, clock: PaceClock) {
    this.#budget = budget;
    this.#clock = clock;
    this.#cpuMs = clock.cpuMs();
    this.#busyUntil = clock.now();
  }

  /** Whether there is anything to keep to. */
  get limits(): boolean {
    return this.#budget.sleepPerWork > 0;
  }

  /** Returns at once while the slice lasts, else after the sleep that the budget demands. */
  async breathe(): Promise<void> {
    const rest = this.rest();
    if (rest !== undefined) await this.#clock.sleep(rest);
  }

  /** Enters what was worked; how long to rest now, in milliseconds, or `undefined` while the slice lasts. */
  rest(): number | undefined {
    const { quantumMs, sleepPerWork } = this.#budget;
    const now = this.#clock.now();
    const total = this.#clock.cpuMs();
    const worked = total - this.#cpuMs;
    const ahead = this.#busyUntil - now;
    if (worked < quantumMs) return this.limits && ahead >= quantumMs * sleepPerWork ? ahead : undefined;
    this.#cpuMs = total;
    if (!this.limits) return 0;
    this.#busyUntil = Math.max(this.#busyUntil, now - worked - SLACK_MS) + worked * (1 + sleepPerWork);
    return Math.max(0, this.#busyUntil - now);
  }
}
