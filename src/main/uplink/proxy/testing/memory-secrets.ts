import type { SecretStore } from '../../../host/secrets/secret-store.ts';

/** Double of the store of secrets: keeps them in memory; `failing` makes every call reject as a locked one does. */
export class MemorySecrets implements SecretStore {
  readonly kind = 'memory';
  readonly kept = new Map<string, string>();
  failing: Error | undefined;

  get(name: string): Promise<string | undefined> {
    return this.#answer(() => this.kept.get(name));
  }

  set(name: string, value: string): Promise<void> {
    return this.#answer(() => void this.kept.set(name, value));
  }

  delete(name: string): Promise<void> {
    return this.#answer(() => void this.kept.delete(name));
  }

  #answer<T>(act: () => T): Promise<T> {
    return this.failing === undefined ? Promise.resolve(act()) : Promise.reject(this.failing);
  }
}
