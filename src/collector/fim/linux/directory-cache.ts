import type { Directory } from './scope.ts';

/**
 * Directories by their handles, so that an event costs one look-up and no system call. The least used half goes when there
 * are too many: two maps, of which the older one is dropped whole, cost less than an order of use.
 */
export class DirectoryCache {
  readonly #half: number;
  #young = new Map<string, Directory>();
  #old = new Map<string, Directory>();

  /** `limit`: most directories that are held. */
  constructor(limit: number) {
    this.#half = Math.max(1, Math.floor(limit / 2));
  }

  get(key: string): Directory | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, directory: Directory): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, directory);
  }

  /** Forgets everything: a directory was moved, and what lay below it has other paths now. */
  clear(): void {
    if (this.#young.size > 0) this.#young = new Map();
    if (this.#old.size > 0) this.#old = new Map();
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
