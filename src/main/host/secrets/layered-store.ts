import type { SecretStore } from './secret-store.ts';

/**
 * A store that also knows what was written when another one had to be used: a tool may have run where the preferred one
 * did not answer, or the host may have got a better one since. Writing goes to `preferred` and clears the others, so
 * that a value in one of the others is always the newer one; reading therefore begins there.
 */
export class LayeredStore implements SecretStore {
  readonly kind: string;
  readonly #preferred: SecretStore;
  readonly #others: readonly SecretStore[];

  constructor(preferred: SecretStore, others: readonly SecretStore[]) {
    this.kind = preferred.kind;
    this.#preferred = preferred;
    this.#others = others;
  }

  async get(name: string): Promise<string | undefined> {
    for (const store of this.#others) {
      const value = await store.get(name);
      if (value !== undefined) return value;
    }
    return this.#preferred.get(name);
  }

  async set(name: string, value: string): Promise<void> {
    await this.#preferred.set(name, value);
    for (const store of this.#others) await store.delete(name);
  }

  /** Removes it everywhere; when one store fails, the others are still cleared. Rejects with the first failure. */
  async delete(name: string): Promise<void> {
    const results = await Promise.allSettled(
      [this.#preferred, ...this.#others].map((store) => store.delete(name)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
