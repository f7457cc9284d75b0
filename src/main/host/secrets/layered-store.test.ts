import { beforeEach, describe, expect, it } from 'vitest';
import { LayeredStore } from './layered-store.ts';
import { SecretsUnavailable, type SecretStore } from './secret-store.ts';

class MemoryStore implements SecretStore {
  readonly kind: string;
  readonly values = new Map<string, string>();
  broken = false;
  constructor(kind: string) {
    this.kind = kind;
  }
  get = (name: string): Promise<string | undefined> => this.#act(() => this.values.get(name));
  set = (name: string, value: string): Promise<void> => this.#act(() => void this.values.set(name, value));
  delete = (name: string): Promise<void> => this.#act(() => void this.values.delete(name));
  #act<T>(act: () => T): Promise<T> {
    return this.broken
      ? Promise.reject(new SecretsUnavailable(`${this.kind} is broken`))
      : Promise.resolve(act());
  }
}

describe('a store with others behind it', () => {
  let preferred: MemoryStore;
  let other: MemoryStore;
  let store: LayeredStore;
  beforeEach(() => {
    preferred = new MemoryStore('preferred');
    other = new MemoryStore('other');
    store = new LayeredStore(preferred, [other]);
  });

  it('is named after the one that it writes to', () => {
    expect(store.kind).toBe('preferred');
  });

  it('reads what was written while the preferred one could not be used, before what it holds', async () => {
    preferred.values.set('password', 'old');
    other.values.set('password', 'new');
    expect(await store.get('password')).toBe('new');
    other.values.clear();
    expect(await store.get('password')).toBe('old');
    expect(await store.get('unknown')).toBeUndefined();
  });

  it('writes to the preferred one and leaves no older value behind', async () => {
    other.values.set('password', 'old');
    await store.set('password', 'new');
    expect([...preferred.values.values()]).toEqual(['new']);
    expect([...other.values.values()]).toEqual([]);
  });

  it('keeps the old value when the new one can not be written', async () => {
    other.values.set('password', 'old');
    preferred.broken = true;
    await expect(store.set('password', 'new')).rejects.toThrow(SecretsUnavailable);
    expect(await store.get('password')).toBe('old');
  });

  it('forgets a secret everywhere it can, and says where it could not', async () => {
    preferred.values.set('password', 'one');
    other.values.set('password', 'two');
    preferred.broken = true;
    await expect(store.delete('password')).rejects.toThrow('preferred is broken');
    expect([...other.values.values()]).toEqual([]);
    preferred.broken = false;
    await store.delete('password');
    expect([...preferred.values.values()]).toEqual([]);
  });
});
