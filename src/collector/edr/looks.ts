import type { StartTimer } from '../debounce.ts';

export interface LooksOptions {
  readonly look: () => void;
  readonly startTimer: StartTimer;
  /** A clock, ms. */
  readonly now: () => number;
  /** From the start of a program to the look for what it does, ms. */
  readonly afterStartMs: number;
  /** Between two looks at least, ms, whatever starts. */
  readonly leastMs: number;
  /** Between two looks at most, ms; asked for at each look. */
  readonly mostMs: () => number;
}

/** When to look at what no event tells of: some time after programs were started, else now and then. */
export class Looks {
  readonly #options: LooksOptions;
  #cancel: (() => void) | undefined;
  #isSoon = false;
  #lookedAt = 0;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  /** Looks at once, and from then on, where it does not already. */
  begin(): void {
    if (this.#cancel === undefined) this.#look();
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isSoon = false;
  }

  /** A program was started. More of them put the look off no further. */
  started(): void {
    if (this.#cancel === undefined || this.#isSoon) return;
    const { afterStartMs, leastMs, mostMs, now } = this.#options;
    this.#isSoon = true;
    this.#cancel();
    // A clock that was set back puts it off no longer than nothing at all would.
    this.#arm(Math.min(mostMs(), Math.max(afterStartMs, this.#lookedAt + leastMs - now())));
  }

  #look(): void {
    const { look, mostMs, now } = this.#options;
    this.#isSoon = false;
    this.#lookedAt = now();
    this.#arm(mostMs());
    look();
  }

  #arm(ms: number): void {
    this.#cancel = this.#options.startTimer(ms, () => {
      this.#look();
    });
  }
}
