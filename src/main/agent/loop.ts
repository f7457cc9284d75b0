/** One input of the core: a name for the log and what it does to the facts, synchronously. */
export interface CoreEvent {
  readonly name: string;
  readonly handle: () => void;
}

/**
 * The owner loop: events come from anywhere, one is handled at a time, and after each the core plans anew. Nothing
 * else changes the facts, so a handler always sees them whole.
 */
export class OwnerLoop {
  readonly #events: CoreEvent[] = [];
  readonly #afterEach: () => void;
  readonly #onError: (event: string, error: unknown) => void;
  #running = false;
  #stopped = false;

  /** `afterEach` runs after every handled event; `onError` takes what either of them threw: the loop itself goes on. */
  constructor(afterEach: () => void, onError: (event: string, error: unknown) => void) {
    this.#afterEach = afterEach;
    this.#onError = onError;
  }

  /** Queues an event. It is handled at once unless another is being handled: then right after it. */
  post(event: CoreEvent): void {
    if (this.#stopped) return;
    this.#events.push(event);
    if (!this.#running) this.#drain();
  }

  /** Handles nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#events.length = 0;
  }

  #drain(): void {
    this.#running = true;
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        this.#handle(event);
      }
    } finally {
      this.#running = false;
    }
  }

  #handle(event: CoreEvent): void {
    this.#guarded(event.name, event.handle);
    if (!this.#stopped) this.#guarded(`after ${event.name}`, this.#afterEach);
  }

  #guarded(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(name, error);
    }
  }
}
