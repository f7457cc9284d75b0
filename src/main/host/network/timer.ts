import type { Clock } from '../../clock.ts';

/** One call to come at a time: setting it anew replaces it. */
export class Timer {
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pending(): boolean {
    return this.#cancel !== undefined;
  }

  /** Calls back once after so many ms, never before this call returns. */
  set(afterMs: number, callback: () => void): void {
    this.cancel();
    this.#cancel = this.#clock.at(this.#clock.now() + afterMs, () => {
      this.#cancel = undefined;
      callback();
    });
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
