import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  absentKeychain,
  Keychain,
  keychainAbsence,
  loadKeytar,
  openKeychain,
  type Keytar,
  type StartTimer,
} from './keychain.ts';
import { LayeredStore } from './layered-store.ts';
import { openSealedFiles } from './sealed-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

/** A keychain that answers when the test says so. */
class SlowKeytar implements Keytar {
  readonly calls: string[] = [];
  readonly #waiting: { resolve: (value: never) => void; reject: (error: Error) => void }[] = [];

  getPassword = (service: string, account: string): Promise<string | null> =>
    this.#wait(`get ${service} ${account}`);
  setPassword = (service: string, account: string, password: string): Promise<void> =>
    this.#wait(`set ${service} ${account} ${password}`);
  deletePassword = (service: string, account: string): Promise<boolean> =>
    this.#wait(`delete ${service} ${account}`);

  answer(value: unknown): void {
    this.#waiting.shift()?.resolve(value as never);
  }
  refuse(reason: string): void {
    this.#waiting.shift()?.reject(new Error(reason));
  }
  #wait<T>(call: string): Promise<T> {
    this.calls.push(call);
    return new Promise<T>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

/** Timers that run out when the test says so. */
class Timers {
  readonly running = new Map<() => void, number>();
  readonly start: StartTimer = (ms, act) => {
    this.running.set(act, ms);
    return () => this.running.delete(act);
  };
  runOut(): void {
    for (const act of [...this.running.keys()]) {
      this.running.delete(act);
      act();
    }
  }
}

function open(): { keytar: SlowKeytar; timers: Timers; keychain: Keychain } {
  const keytar = new SlowKeytar();
  const timers = new Timers();
  return { keytar, timers, keychain: new Keychain(keytar, timers.start) };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the keychain', () => {
  it('keeps secrets under the name of the product', async () => {
    const { keytar, keychain } = open();
    const set = keychain.set('proxy-password', 'p@ss');
    await settle();
    keytar.answer(undefined);
    await set;
    const got = keychain.get('proxy-password');
    await settle();
    keytar.answer('p@ss');
    expect(await got).toBe('p@ss');
    const deleted = keychain.delete('proxy-password');
    await settle();
    keytar.answer(false);
    await deleted;
    expect(keytar.calls).toEqual([
      'set Wayfarer proxy-password p@ss',
      'get Wayfarer proxy-password',
      'delete Wayfarer proxy-password',
    ]);
  });

  it('is asked one thing at a time', async () => {
    const { keytar, keychain } = open();
    const both = Promise.all([keychain.get('one'), keychain.get('two')]);
    await settle();
    expect(keytar.calls).toHaveLength(1);
    keytar.answer(null);
    await settle();
    expect(keytar.calls).toHaveLength(2);
    keytar.answer('second');
    expect(await both).toEqual([undefined, 'second']);
  });

  it('is given 5 s, then reported locked, and not asked again before it has answered', async () => {
    const { keytar, timers, keychain } = open();
    const first = keychain.get('one');
    await settle();
    expect([...timers.running.values()]).toEqual([5_000]);
    timers.runOut();
    await expect(first).rejects.toThrow('unlock it');
    await expect(keychain.get('two')).rejects.toThrow('unlock it');
    expect(keytar.calls).toEqual(['get Wayfarer one']);

    keytar.answer('late');
    await settle();
    const third = keychain.get('three');
    await settle();
    keytar.answer('there');
    expect(await third).toBe('there');
    expect(timers.running.size).toBe(0);
  });

  it('may refuse: the reason is passed on, and the next call goes through', async () => {
    const { keytar, keychain } = open();
    const first = keychain.set('one', 'hunter2');
    await settle();
    keytar.refuse('Cannot create an item in a locked collection');
    await expect(first).rejects.toThrow(SecretsUnavailable);
    await expect(first).rejects.toThrow('locked collection');
    await expect(first).rejects.not.toThrow('hunter2');
    const second = keychain.get('one');
    await settle();
    keytar.answer(null);
    expect(await second).toBeUndefined();
  });

  it('is absent when it refuses the first question, and present when it answers or waits for its owner', async () => {
    const refusing = open();
    const absence = keychainAbsence(refusing.keychain);
    await settle();
    refusing.keytar.refuse('org.freedesktop.secrets was not provided');
    expect(await absence).toContain('org.freedesktop.secrets');

    const answering = open();
    const presence = keychainAbsence(answering.keychain);
    await settle();
    answering.keytar.answer(null);
    expect(await presence).toBeUndefined();

    const waiting = open();
    const lockedOne = keychainAbsence(waiting.keychain);
    await settle();
    waiting.timers.runOut();
    expect(await lockedOne).toBeUndefined();
  });

  it('says what to install when its library does not load', async () => {
    const loading = loadKeytar(() => Promise.reject(new Error('Failed to load keytar native addon')));
    await expect(loading).rejects.toThrow(SecretsUnavailable);
    if (process.platform === 'linux') await expect(loading).rejects.toThrow('apt install libsecret-1-0');
  });
});

/** A keychain as the Secret Service behaves: locked, it shows nothing and takes nothing. */
class FakeKeytar implements Keytar {
  readonly items = new Map<string, string>();
  locked = false;
  getPassword = (_: string, name: string): Promise<string | null> =>
    Promise.resolve(this.locked ? null : (this.items.get(name) ?? null));
  setPassword = (_: string, name: string, value: string): Promise<void> => {
    if (this.locked) return Promise.reject(new Error('Cannot create an item in a locked collection'));
    this.items.set(name, value);
    return Promise.resolve();
  };
  deletePassword = (_: string, name: string): Promise<boolean> =>
    Promise.resolve(!this.locked && this.items.delete(name));
}

describe('the store in the keychain', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'wf-keychain-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('tells a locked keychain from one that has no such secret', async () => {
    const keytar = new FakeKeytar();
    const store = openKeychain(directory, new Keychain(keytar));
    expect(await store.get('proxy-password')).toBeUndefined();
    await store.set('proxy-password', 'hunter2');
    expect(await store.get('proxy-password')).toBe('hunter2');
    keytar.locked = true;
    await expect(store.get('proxy-password')).rejects.toThrow('unlock it');
    await expect(store.get('proxy-password')).rejects.toThrow(SecretsUnavailable);
    expect(await store.get('other')).toBeUndefined();
    keytar.locked = false;
    expect(await store.get('proxy-password')).toBe('hunter2');
  });

  it('writes the names of its secrets to the disk, never their values', async () => {
    const store = openKeychain(directory, new Keychain(new FakeKeytar()));
    await store.set('proxy-password', 'hunter2');
    expect(readdirSync(directory)).toEqual(['proxy-password.keychain']);
    expect(readFileSync(join(directory, 'proxy-password.keychain'), 'utf8')).toBe('in the keychain\n');
  });

  it('leaves the old secret alone when a locked keychain takes no new one', async () => {
    const keytar = new FakeKeytar();
    const store = openKeychain(directory, new Keychain(keytar));
    keytar.locked = true;
    await expect(store.set('proxy-password', 'first')).rejects.toThrow('locked collection');
    expect(readdirSync(directory)).toEqual([]);
    keytar.locked = false;
    await store.set('proxy-password', 'first');
    keytar.locked = true;
    await expect(store.set('proxy-password', 'second')).rejects.toThrow(SecretsUnavailable);
    keytar.locked = false;
    expect(await store.get('proxy-password')).toBe('first');
  });

  it('does not bring a secret back that was deleted while the keychain was locked', async () => {
    const keytar = new FakeKeytar();
    const store = openKeychain(directory, new Keychain(keytar));
    await store.set('proxy-password', 'hunter2');
    keytar.locked = true;
    await store.delete('proxy-password');
    keytar.locked = false;
    expect(await store.get('proxy-password')).toBeUndefined();
    await store.set('proxy-password', 'other');
    await store.delete('proxy-password');
    expect([...keytar.items]).toEqual([]);
  });

  it('refuses a file in its directory that it did not write', async () => {
    const store = openKeychain(directory, new Keychain(new FakeKeytar()));
    writeFileSync(join(directory, 'proxy-password.keychain'), 'something', { mode: 0o600 });
    await expect(store.get('proxy-password')).rejects.toThrow('set the secret again');
  });

  it('tells of a secret whose keychain can not be reached, and forgets it when asked to', async () => {
    const keytar = new FakeKeytar();
    await openKeychain(directory, new Keychain(keytar)).set('proxy-password', 'hunter2');
    const absent = openKeychain(directory, absentKeychain('there is no session bus'));
    await expect(absent.get('proxy-password')).rejects.toThrow(
      'there is no session bus; set the secret again',
    );
    expect(await absent.get('other')).toBeUndefined();
    await expect(absent.set('other', 'value')).rejects.toThrow(SecretsUnavailable);
    await absent.delete('proxy-password');
    expect(await openKeychain(directory, new Keychain(keytar)).get('proxy-password')).toBeUndefined();
  });

  it('never gives an older value, whether the keychain was there, locked or absent at each step', async () => {
    const step = fc.record({
      keychain: fc.constantFrom('there', 'locked', 'absent'),
      act: fc.constantFrom('set', 'delete', 'get'),
      value: fc.constantFrom('one', 'two', 'three'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 12 }), async (steps) => {
        const keytar = new FakeKeytar();
        const folder = mkdtempSync(join(directory, 'run-'));
        const sealed = openSealedFiles(folder);
        let expected: string | undefined;
        for (const { keychain, act, value } of steps) {
          keytar.locked = keychain === 'locked';
          const store =
            keychain === 'absent'
              ? new LayeredStore(sealed, [openKeychain(folder, absentKeychain('it is not there'))])
              : new LayeredStore(openKeychain(folder, new Keychain(keytar)), [sealed]);
          try {
            if (act === 'get') expect(await store.get('name')).toBe(expected);
            else if (act === 'set') {
              await store.set('name', value);
              expected = value;
            } else {
              await store.delete('name');
              expected = undefined;
            }
          } catch (error) {
            // To know nothing is allowed; to answer with a value that was replaced is not.
            if (!(error instanceof SecretsUnavailable)) throw error;
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
