import type { NetworkListener } from './network.ts';
import { SleepClock, type SleepClocks } from './sleep-clock.ts';

/** Two signs of waking that are closer than this are about the same sleep, ms. */
const SAME_WAKING_MS = 30_000;

/** Brings together what logind and the clocks say about sleep: one report for each. */
export class Waking {
  readonly #clocks: SleepClocks;
  readonly #sleep: SleepClock;
  readonly #listener: Pick<NetworkListener, 'suspending' | 'resumed'>;
  #announced = false;
  #wokeAt = Number.NEGATIVE_INFINITY;

  constructor(clocks: SleepClocks, listener: Pick<NetworkListener, 'suspending' | 'resumed'>) {
    this.#clocks = clocks;
    this.#sleep = new SleepClock(clocks);
    this.#listener = listener;
  }

  /** logind announces sleep. */
  suspending(): void {
    this.#announced = true;
    this.#listener.suspending();
  }

  /** logind says that the host woke. */
  woke(): void {
    this.#sleep.reset();
    this.#report();
  }

  /** Asks the clocks, `expectedMs` after the last time. */
  tick(expectedMs: number): void {
    if (this.#sleep.check(expectedMs)) this.#report();
  }

  #report(): void {
    const now = this.#clocks.monotonic();
    const known = !this.#announced && now - this.#wokeAt < SAME_WAKING_MS;
    this.#announced = false;
    if (known) return;
    this.#wokeAt = now;
    this.#listener.resumed();
  }
}
