const WRAP = 2 ** 32;

/** Where this many are missing, or more, a counter began anew: that is no loss. */
const MOST = 2 ** 31;

/** Processor number of answers that older kernels do not count (`cpu = -1`). */
const NOT_COUNTED = WRAP - 1;

/** Counts what is missing from the stream: each processor numbers its events (linux/drivers/connector/cn_proc.c). */
export class Gaps {
  readonly #next = new Map<number, number>();

  /** How many events of this processor are missing before this one. 0 for the first of a processor. */
  before(cpu: number, sequence: number): number {
    if (cpu === NOT_COUNTED) return 0;
    const expected = this.#next.get(cpu);
    this.#next.set(cpu, (sequence + 1) % WRAP);
    if (expected === undefined) return 0;
    const missing = (sequence - expected + WRAP) % WRAP;
    return missing < MOST ? missing : 0;
  }
}
