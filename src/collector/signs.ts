import type { StartTimer } from './debounce.ts';
import { Unreadable, type ReadContext } from './table.ts';

/** How long a reader may do nothing that can be seen, in milliseconds. */
const QUIET_MS = 60_000;

/**
 * Tells a reader that works from one that hangs: rows, breaths, waits and commands, which have a limit of their own, are
 * signs. What blocks the whole process can't be seen from here; the agent misses its `alive` then.
 */
export class Signs {
  readonly context: ReadContext;
  readonly #startTimer: StartTimer;
  #seen = 0;
  #underWay = 0;

  constructor(context: ReadContext, startTimer: StartTimer) {
    this.#startTimer = startTimer;
    this.context = {
      ...context,
      breathe: () => this.#during(context.breathe()),
      sleep: (ms) => this.#during(context.sleep(ms)),
      run: (file, args, limits) => this.#during(context.run(file, args, limits)),
    };
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work;
    } finally {
      this.#underWay -= 1;
      this.#seen += 1;
    }
  }

  /** The promise's outcome. Rejects with `Unreadable` once nothing was seen for 60 s, at the latest after 120 s. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let seen = this.#seen;
      let cancel = (): void => undefined;
      const look = (): void => {
        if (this.#underWay === 0 && this.#seen === seen) reject(new Unreadable('gave no sign for 60 s'));
        else arm();
      };
      const arm = (): void => {
        seen = this.#seen;
        cancel = this.#startTimer(QUIET_MS, look);
      };
      arm();
      promise.then(resolve, reject).finally(() => {
        cancel();
      });
    });
  }
}
