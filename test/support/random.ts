/** A seeded source of choices (mulberry32), so that a run can be repeated by its seed. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** `seed`: an integer of 32 bits. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `from`, which is not empty. */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }
}

/** The seed of this run: `WAYFARER_SEED`, or one that is drawn. */
export function seedOf(environment: NodeJS.ProcessEnv): number {
  const given = environment['WAYFARER_SEED'];
  return given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}
