import { folded, isBelow } from './registry-names.ts';

/** The key above; empty where there is none. */
export const aboveOf = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('\\')));

/** The keys that rules name, by their real names. What a rule names may be a value of the key above. */
export class RegistryRoots {
  readonly #roots: ReadonlySet<string>;
  readonly #parents: ReadonlySet<string>;
  readonly #ancestors = new Set<string>();

  constructor(roots: readonly string[]) {
    this.#roots = new Set(roots.map(folded));
    this.#parents = new Set([...this.#roots].map(aboveOf));
    for (const root of this.#roots)
      for (let at = aboveOf(root); at !== ''; at = aboveOf(at)) this.#ancestors.add(at);
  }

  /** Whether a value, or what is below a key of its name, is what they name or below it. */
  reaches(key: string, value: string): boolean {
    return isBelow(this.#roots, key) || this.#roots.has(folded(`${key}\\${value}`));
  }

  /** Whether a key is one of them, or one of which they may name a value. */
  names(key: string): boolean {
    return this.#roots.has(folded(key)) || this.#parents.has(folded(key));
  }

  /** Whether what is the matter with a key concerns them: it is on the way to one of them, or below it. */
  concerns(key: string): boolean {
    return isBelow(this.#roots, key) || this.#ancestors.has(folded(key));
  }
}
