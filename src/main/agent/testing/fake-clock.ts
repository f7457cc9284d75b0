import type { Clock } from '../../clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test turns it. Set back, it calls everyone who waits, as the system's does. */
export class FakeClock implements Clock {
  #now: number;
  #timers = new Set<Timer>();

  constructor(now = Date.UTC(2026, 10, 21, 1, 0, 0)) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly at = (at: number, callback: () => void): (() => void) => {
    const timer = { at, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  };

  /** When the next timer is due; `undefined` when none is armed. */
  get nextAt(): number | undefined {
    const times = [...this.#timers].map((timer) => timer.at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Moves to a later moment at once, as sleep does, and calls what is due by then, each timer once. */
  jumpTo(at: number): void {
    const back = at < this.#now;
    this.#now = Math.ceil(at); // whole milliseconds, as the system's
    const due = [...this.#timers].filter((timer) => back || timer.at <= at).sort((a, b) => a.at - b.at);
    for (const timer of due) if (this.#timers.delete(timer)) timer.callback();
  }

  /** Forgets every timer, as the end of a process does. */
  clear(): void {
    this.#timers.clear();
  }
}
