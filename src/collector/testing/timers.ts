import type { StartTimer } from '../debounce.ts';

/** A clock with timers that a test steps: what is due fires in the order of its time. */
export class SteppedTimers {
  #now: number;
  #timers: { at: number; fire: () => void }[] = [];

  constructor(now = 0) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly start: StartTimer = (ms, fire) => {
    const timer = { at: this.#now + ms, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Lets this much time pass, in ms. */
  pass(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      const { at, fire } = next;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, at);
      fire();
    }
    this.#now = end;
  }

  #due(end: number): { at: number; fire: () => void } | undefined {
    return this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
  }
}
