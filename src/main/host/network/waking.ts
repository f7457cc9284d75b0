import type { NetworkListener } from './network.ts';
import { SleepClock, type SleepClocks } from './sleep-clock.ts';

/** logind's word of waking may come so long after the clocks have told already, ms. */
const LATE_MS = 30_000;

/** Brings together what logind and the clocks say about sleep: one report for each. */
export class Waking {
  readonly #clocks: SleepClocks;
  readonly #sleep: SleepClock;
  readonly #listener: Pick<NetworkListener, 'suspending' | 'resumed'>;
  #announced = false;
  #noticedAt = Number.NEGATIVE_INFINITY;

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
    const known = !this.#announced && this.#clocks.monotonic() - this.#noticedAt < LATE_MS;
    this.#announced = false;
    if (!known) this.#listener.resumed();
  }

  /** Asks the clocks, `expectedMs` after the last time. */
  tick(expectedMs: number): void {
    if (!this.#sleep.check(expectedMs)) return;
    this.#announced = false;
    this.#noticedAt = this.#clocks.monotonic();
    this.#listener.resumed();
  }
}
