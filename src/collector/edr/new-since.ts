/** Which entries of several lists were not there when each was looked at last. */
export class NewSince<T> {
  readonly #keyOf: (one: T) => string;
  readonly #isFirstNew: boolean;
  /** Keys of what was there, by list; none before the first look at it. */
  readonly #known = new Map<string, ReadonlySet<string>>();

  /** `isFirstNew`: whether what a first look finds is new; else it is only remembered. */
  constructor(keyOf: (one: T) => string, isFirstNew = false) {
    this.#keyOf = keyOf;
    this.#isFirstNew = isFirstNew;
  }

  /** What is new in a list, each key once. A list that can't be read now is not to be given: it stays as it was. */
  of(list: string, entries: readonly T[]): T[] {
    const now = new Map(entries.map((one) => [this.#keyOf(one), one]));
    const before = this.#known.get(list);
    this.#known.set(list, new Set(now.keys()));
    if (before === undefined) return this.#isFirstNew ? [...now.values()] : [];
    return [...now].filter(([key]) => !before.has(key)).map(([, one]) => one);
  }

  /** Forgets all lists but these. */
  keepOnly(lists: ReadonlySet<string>): void {
    for (const list of this.#known.keys()) if (!lists.has(list)) this.#known.delete(list);
  }

  /** Forgets what was there: the next look at each list is a first one. */
  reset(): void {
    this.#known.clear();
  }
}
