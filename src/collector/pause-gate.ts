import { Cancelled } from './abort-gate.ts';

/** One pause: what ends it, and the promise that everybody waits for. */
interface Pause {
  readonly since: number;
  readonly over: Promise<void>;
  readonly end: () => void;
}

/** Has a scan wait between two rows while its owner wants it to. */
export class PauseGate {
  readonly #signal: AbortSignal;
  #pause: Pause | undefined;
  #pausedMs = 0;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#pause?.end(), { once: true });
  }

  /** For how long it was closed so far, in milliseconds. */
  get pausedMs(): number {
    return this.#pausedMs + (this.#pause === undefined ? 0 : performance.now() - this.#pause.since);
  }

  pause(): void {
    if (this.#pause !== undefined || this.#signal.aborted) return;
    let end = (): void => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    this.#pause = { since: performance.now(), over, end };
  }

  resume(): void {
    this.#pausedMs = this.pausedMs;
    this.#pause?.end();
    this.#pause = undefined;
  }

  /** Resolves once it is open. Rejects with `Cancelled` when the scan is given up. */
  async passed(): Promise<void> {
    while (this.#pause !== undefined) {
      await this.#pause.over;
      if (this.#signal.aborted) throw new Cancelled();
    }
  }
}
