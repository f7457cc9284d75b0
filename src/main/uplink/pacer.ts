import { setTimeout } from 'node:timers/promises';

/** What pacing needs of a clock; times in ms. */
export interface PaceClock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** How much of the rate one slice takes, in ms: small enough that others get their turn on a slow line. */
const SLICE_MS = 100;

/** Lets bodies leave no faster than a rate, one after the other, however many they are (R145). */
export class Pacer {
  readonly #clock: PaceClock;
  /** When what has left so far has used up its time. */
  #freeAt = 0;

  constructor(clock: PaceClock = { now: () => performance.now(), sleep: (ms) => setTimeout(ms) }) {
    this.#clock = clock;
  }

  /**
   * The bytes of a body in slices that leave no faster than `kbps` KB (1024 bytes) per second, counted from when the body
   * before has used up its time. Within a body a late slice is made up for, so that the average holds.
   */
  async *slices(bytes: Uint8Array, kbps: number): AsyncGenerator<Uint8Array, void, undefined> {
    const bytesPerMs = (kbps * 1024) / 1000;
    const slice = Math.max(1, Math.floor(bytesPerMs * SLICE_MS));
    const startedAt = Math.max(this.#clock.now(), this.#freeAt);
    for (let sent = 0; sent < bytes.length; sent += slice) {
      const wait = startedAt + sent / bytesPerMs - this.#clock.now();
      if (wait > 0) await this.#clock.sleep(wait);
      // Noted before it leaves: a body that breaks off has used what it sent.
      this.#freeAt = startedAt + Math.min(sent + slice, bytes.length) / bytesPerMs;
      yield bytes.subarray(sent, sent + slice);
    }
  }
}
