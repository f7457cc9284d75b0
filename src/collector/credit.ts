/** Counts the batches that may still be sent before the other side has answered (back-pressure). */
export class Credit {
  #left: number;
  readonly #waiting: (() => void)[] = [];

  constructor(batches: number) {
    this.#left = batches;
  }

  /** Takes one; waits while there is none. */
  async take(): Promise<void> {
    if (this.#left > 0) {
      this.#left -= 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Gives some back; waiting takers go first. */
  give(batches: number): void {
    this.#left += batches;
    while (this.#left > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#left -= 1;
      next();
    }
  }
}
