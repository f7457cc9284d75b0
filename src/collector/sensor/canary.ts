import type { StartTimer } from '../debounce.ts';

/** How often the agent changes a file of its own, and how long the source may take to tell of it, ms. */
export const CANARY_EVERY_MS = 60_000;
export const CANARY_WAIT_MS = 10_000;

export interface CanaryOptions {
  /** Changes the file. Throws what the file system throws. */
  readonly touch: () => void;
  readonly startTimer: StartTimer;
  readonly now: () => number;
  /** The source said nothing of the change: `inARow` times by now. */
  readonly silent: (inARow: number) => void;
  /** It told of one, after it had not. */
  readonly heard: () => void;
  readonly log: (level: 'warn', message: string) => void;
}

/**
 * Changes a file of the agent and waits to be told of it, so that a source that has died silently is noticed (quality:
 * "FIM dies silently"). A change that could not be made says nothing about the source.
 */
export class Canary {
  readonly #options: CanaryOptions;
  #cancel: () => void = () => undefined;
  #waiting = false;
  #silent = 0;
  #seenAt: number | undefined;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  /** When the source last told of a change, ms since the epoch. */
  get seenAt(): number | undefined {
    return this.#seenAt;
  }

  /** Begins with a change now. */
  start(): void {
    this.stop();
    this.#change();
  }

  stop(): void {
    this.#cancel();
    this.#waiting = false;
  }

  /** The source told of the file. */
  seen(): void {
    this.#seenAt = this.#options.now();
    if (!this.#waiting) return;
    this.#waiting = false;
    if (this.#silent > 0) this.#options.heard();
    this.#silent = 0;
    this.#next();
  }

  #change(): void {
    try {
      this.#waiting = true;
      this.#options.touch();
    } catch (error) {
      this.#waiting = false;
      this.#options.log(
        'warn',
        `canary not changed: ${error instanceof Error ? error.message : String(error)}`,
      );
      this.#next();
      return;
    }
    this.#arm(CANARY_WAIT_MS, () => {
      this.#missed();
    });
  }

  #missed(): void {
    this.#waiting = false;
    this.#silent += 1;
    this.#next();
    this.#options.silent(this.#silent);
  }

  #next(): void {
    this.#arm(CANARY_EVERY_MS, () => {
      this.#change();
    });
  }

  #arm(ms: number, fire: () => void): void {
    this.#cancel();
    this.#cancel = this.#options.startTimer(ms, fire);
  }
}
