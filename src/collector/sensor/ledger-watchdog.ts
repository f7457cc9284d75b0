/** How long the ledger may leave a question without an answer, ms. Its turns take some ms, the hash of a large file seconds. */
const SILENT_MS = 120_000;
const MINUTE_MS = 60_000;

/**
 * Notices that the thread of the ledger hangs: in a call on a filesystem whose server or program is gone, which nothing can
 * interrupt. Time is what timers count, so that a host that slept is no reason.
 */
export class LedgerWatchdog {
  readonly #ask: () => void;
  readonly #changed: () => void;
  /** How long the question that was asked last waits for its answer, ms. */
  #waitingMs: number | undefined;

  /** `ask` sends one question, which `answered` answers; `changed` is called when `trouble` is another. */
  constructor(ask: () => void, changed: () => void) {
    this.#ask = ask;
    this.#changed = changed;
  }

  /** What is wrong, for people; empty while nothing is. */
  get trouble(): string {
    if (this.#waitingMs === undefined || this.#waitingMs < SILENT_MS) return '';
    const minutes = Math.floor(this.#waitingMs / MINUTE_MS);
    return `the ledger has not answered for ${minutes} min: a filesystem that it looks at may hang`;
  }

  /** To be called every few seconds, with the time since the call before, ms. */
  passed(ms: number): void {
    if (this.#waitingMs === undefined) {
      this.#waitingMs = 0;
      this.#ask();
      return;
    }
    const before = this.trouble;
    this.#waitingMs += ms;
    if (this.trouble !== before) this.#changed();
  }

  /** The question was answered. */
  answered(): void {
    const before = this.trouble;
    this.#waitingMs = undefined;
    if (before !== '') this.#changed();
  }
}
