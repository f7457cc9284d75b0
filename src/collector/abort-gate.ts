/** Thrown where a collection ends because it was cancelled. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor() {
    super('cancelled');
  }
}

/**
 * Lets one promise at a time be given up when the signal fires. One listener serves any number of waits, so that memory
 * does not grow with them, as it would with `Promise.race` against one long-lived promise.
 */
export class AbortGate {
  readonly #signal: AbortSignal;
  #giveUp: ((error: Cancelled) => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#giveUp?.(new Cancelled()), { once: true });
  }

  /** Throws `Cancelled` if the signal has fired. */
  check(): void {
    if (this.#signal.aborted) throw new Cancelled();
  }

  /** Waits for a promise, or rejects with `Cancelled` as soon as the signal fires. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    // What is not waited for may still fail, and nobody else looks after it.
    promise.catch(() => undefined);
    this.check();
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = reject;
        promise.then(resolve, reject);
      });
    } finally {
      this.#giveUp = undefined;
    }
  }
}
