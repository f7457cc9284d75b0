import { FakeClock } from '../../../agent/testing/fake-clock.ts';

/** Both clocks of a host, turned by a test. */
export class FakeTime {
  readonly clock = new FakeClock();
  #monotonic = 0;

  readonly monotonic = (): number => this.#monotonic;

  /** Lets time pass while the host runs: every timer fires when it is due, and what it began goes on. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    for (;;) {
      await settled();
      const next = Math.min(Math.max(this.clock.nextAt ?? end, this.clock.now()), end);
      this.#monotonic += next - this.clock.now();
      this.clock.jumpTo(next);
      if (next === end) break;
    }
    await settled();
  }

  /** The host sleeps: wall time goes on, the monotonic clock stands still, and what fell due comes upon waking. */
  sleep(ms: number): void {
    this.clock.jumpTo(this.clock.now() + ms);
  }

  /** Monotonic time alone goes on, as while the clock is set back by as much. */
  run(ms: number): void {
    this.#monotonic += ms;
  }
}

/** Lets everything that is ready run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
