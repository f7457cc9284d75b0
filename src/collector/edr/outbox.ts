import type { StartTimer } from '../debounce.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';

/** Bounds on what waits: records, and the text in them, in characters. */
const MOST = 10_000;
const MOST_TEXT = 16 * 1024 * 1024;

/** Most that leave at a time. */
const BATCH = 500;

/**
 * How long a record waits at least, ms: what casts a doubt on it, another event of the same process, comes at once. And how
 * long at most for the hash of an image.
 */
const LEAST_MS = 60;
const HASH_MS = 2_000;

/** Between two looks while something waits, ms. */
const EVERY_MS = 50;

/** A record that waits. It is written when it leaves, with what is known by then. */
export interface Waiting {
  /** When it came, ms of the clock. */
  readonly at: number;
  /** Characters that it keeps in memory, about. */
  readonly text: number;
  /** Whether nothing is waited for. */
  readonly isReady: () => boolean;
  readonly write: () => UnsealedEdrEvent | undefined;
}

export interface OutboxOptions {
  /** A monotonic clock, ms. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** Called before records are written: reads what the kernel has to tell. */
  readonly before: () => void;
  readonly send: (events: UnsealedEdrEvent[]) => void;
  /** How many records the next one takes now; it holds the others back. */
  readonly room: () => number;
  /** A record had no place. */
  readonly dropped: () => void;
}

/** Records on their way, in their order and within bounds. What has no place is counted, and is not there. */
export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Waiting[] = [];
  #text = 0;
  #cancel: (() => void) | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(waiting: Waiting): void {
    if (this.#waiting.length >= MOST || this.#text + waiting.text > MOST_TEXT) {
      this.#options.dropped();
      return;
    }
    this.#waiting.push(waiting);
    this.#text += waiting.text;
    this.#later();
  }

  /** Sends what waited long enough; `all` everything that there is room for. */
  flush(all = false): void {
    this.#options.before();
    const due = this.#due(all);
    const leaving = this.#waiting.splice(0, due);
    for (const { text } of leaving) this.#text -= text;
    const events = leaving.map(({ write }) => write()).filter((event) => event !== undefined);
    for (let at = 0; at < events.length; at += BATCH) this.#options.send(events.slice(at, at + BATCH));
    if (this.#waiting.length > 0) this.#later();
  }

  stop(): void {
    this.#cancelTimer();
    this.flush(true);
    this.#cancelTimer();
  }

  #cancelTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #later(): void {
    this.#cancel ??= this.#options.startTimer(EVERY_MS, () => {
      this.#cancel = undefined;
      this.flush();
    });
  }

  /** How many from the front may go. */
  #due(all: boolean): number {
    const now = this.#options.now();
    const room = this.#options.room();
    const stop = this.#waiting.findIndex(
      ({ at, isReady }, index) =>
        index >= room || !(all || (now - at >= LEAST_MS && (isReady() || now - at >= HASH_MS))),
    );
    return stop < 0 ? this.#waiting.length : stop;
  }
}
