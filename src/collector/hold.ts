import type { StartTimer } from './debounce.ts';

/** Time between two looks at a command that runs, in milliseconds: what it can use beyond its slice. */
const LOOK_MS = 20;

/** What holding needs of the outside. */
export interface HoldPort {
  /** Enters what commands have used; how long to rest now, in milliseconds, 0 or `undefined` for not at all. */
  readonly rest: () => number | undefined;
  /** Sends a signal to the command with all that it started. */
  readonly signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  readonly startTimer: StartTimer;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
}

/**
 * Holds a command that runs to the budget of its collection: it is stopped while the budget demands rest, and goes on
 * after. Its owner calls `end` once it has ended, however that came about.
 */
export class Hold {
  readonly #port: HoldPort;
  #cancel: () => void = () => undefined;
  #stoppedAt: number | undefined;
  #heldMs = 0;

  constructor(port: HoldPort) {
    this.#port = port;
    this.#lookLater();
  }

  /** For how long it was stopped so far, in milliseconds: this does not count against its time limit. */
  heldMs(): number {
    return this.#heldMs + (this.#stoppedAt === undefined ? 0 : this.#port.now() - this.#stoppedAt);
  }

  /** Lets go of it: what is left of its group goes on. */
  end(): void {
    this.#cancel();
    this.#continue();
  }

  #lookLater(): void {
    this.#cancel = this.#port.startTimer(LOOK_MS, () => {
      const rest = this.#port.rest() ?? 0;
      if (rest > 0) this.#stop(rest);
      else this.#lookLater();
    });
  }

  #stop(ms: number): void {
    this.#stoppedAt = this.#port.now();
    this.#port.signal('SIGSTOP');
    this.#cancel = this.#port.startTimer(ms, () => {
      this.#continue();
      this.#lookLater();
    });
  }

  #continue(): void {
    if (this.#stoppedAt === undefined) return;
    this.#heldMs = this.heldMs();
    this.#stoppedAt = undefined;
    this.#port.signal('SIGCONT');
  }
}
