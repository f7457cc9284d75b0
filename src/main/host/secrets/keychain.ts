import { reasonOf, SecretFileStore } from './secret-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

/** What is used of keytar. */
export interface Keytar {
  readonly getPassword: (service: string, account: string) => Promise<string | null>;
  readonly setPassword: (service: string, account: string, password: string) => Promise<void>;
  readonly deletePassword: (service: string, account: string) => Promise<boolean>;
}

const SERVICE = 'Wayfarer';
const MARK = 'in the keychain';
/** How long a keychain may take, ms. Behind a longer silence stands a question to its owner, or a dead daemon. */
const DEADLINE_MS = 5_000;

/** A timer of `ms`; gives what stops it. Tests step it. */
export type StartTimer = (ms: number, act: () => void) => () => void;

const realTimer: StartTimer = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/**
 * The user's keychain as a store: Secret Service on Linux, login keychain on macOS, Credential Manager on Windows. A
 * file of each secret's name in `directory` says that the keychain has it, because a locked one answers as if it had
 * nothing, and because a file can be watched. `kind` is what status calls it.
 */
export const openKeychain = (
  directory: string,
  keychain: KeychainCalls,
  kind = 'keychain',
): SecretFileStore =>
  new SecretFileStore(directory, {
    kind,
    extension: '.keychain',
    seal: async (name, value) => {
      await keychain.set(name, value);
      return `${MARK}\n`;
    },
    unseal: async (name, text) => {
      if (text.trimEnd() !== MARK) throw new Error('it is not what the agent wrote');
      const value = await keychain.get(name);
      if (value !== undefined) return value;
      throw new SecretsUnavailable(
        `the keychain does not give ${name}, which was put there: unlock it, or set the secret again if it was removed`,
      );
    },
    forget: (name) => keychain.delete(name),
  });

/** What a store needs of a keychain. All reject with `SecretsUnavailable`. */
export type KeychainCalls = Pick<Keychain, 'get' | 'set' | 'delete'>;

/**
 * Stands for a keychain that this process can't reach, for what an earlier one put there: it is named as such instead of
 * missing, and can be forgotten.
 */
export function absentKeychain(reason: string): KeychainCalls {
  const absent = (): Promise<never> => Promise.reject(new SecretsUnavailable(reason));
  return {
    get: (name) =>
      Promise.reject(
        new SecretsUnavailable(`${name} was put into the keychain, and now ${reason}; set the secret again`),
      ),
    set: absent,
    delete: () => Promise.resolve(),
  };
}

/**
 * Calls into the keychain: one at a time, and none while an earlier one is still without an answer. Each waiting call
 * holds a thread of Node's pool, and four of them would stop every file access of the agent. All reject with
 * `SecretsUnavailable`.
 */
export class Keychain {
  readonly #keytar: Keytar;
  readonly #startTimer: StartTimer;
  #last: Promise<unknown> = Promise.resolve();
  #silent = false;

  constructor(keytar: Keytar, startTimer: StartTimer = realTimer) {
    this.#keytar = keytar;
    this.#startTimer = startTimer;
  }

  /** The value, or `undefined`: there is none, or the keychain is locked and asked nobody. */
  async get(name: string): Promise<string | undefined> {
    return (await this.#ask(() => this.#keytar.getPassword(SERVICE, name))) ?? undefined;
  }

  async set(name: string, value: string): Promise<void> {
    await this.#ask(() => this.#keytar.setPassword(SERVICE, name, value));
  }

  /** Removes a value; one that is not there, or that a locked keychain does not show, is fine. */
  async delete(name: string): Promise<void> {
    await this.#ask(() => this.#keytar.deletePassword(SERVICE, name));
  }

  #ask<T>(call: () => Promise<T>): Promise<T> {
    const answer = this.#last.then(() => this.#within(call));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** One call with its deadline. After it the call goes on by itself, and its end makes the keychain usable again. */
  #within<T>(call: () => Promise<T>): Promise<T> {
    if (this.#silent) return Promise.reject(silence());
    return new Promise((resolve, reject) => {
      const stop = this.#startTimer(DEADLINE_MS, () => {
        this.#silent = true;
        reject(silence());
      });
      const ended = (): void => {
        stop();
        this.#silent = false;
      };
      call().then(
        (value) => {
          ended();
          resolve(value);
        },
        (error: unknown) => {
          ended();
          reject(new SecretsUnavailable(`the keychain refused: ${reasonOf(error)}`, { cause: error }));
        },
      );
    });
  }
}

const silence = (): SecretsUnavailable =>
  new SecretsUnavailable(
    `the keychain has not answered for ${String(DEADLINE_MS / 1_000)} s; unlock it, or answer the question that it may show on the desktop`,
  );

/** Loads keytar, on use only: its library starts threads. Rejects with `SecretsUnavailable` and what is missing. */
export async function loadKeytar(
  load: () => Promise<unknown> = async () => (await import('keytar')).default,
): Promise<Keytar> {
  try {
    return (await load()) as Keytar;
  } catch (error) {
    // keytar hides why its binary did not load; on Linux it is its one library.
    const step =
      process.platform === 'linux' ? '; is libsecret installed? (Debian: apt install libsecret-1-0)' : '';
    throw new SecretsUnavailable(`the keychain's library can't be loaded${step}`, { cause: error });
  }
}

/**
 * Why there is no keychain to use, or `undefined` when there is one. One that does not answer in time counts as there:
 * it may be waiting for its owner, and its secrets must not go to a weaker place meanwhile.
 */
export async function keychainAbsence(keychain: Keychain): Promise<string | undefined> {
  try {
    await keychain.get('probe');
    return undefined;
  } catch (error) {
    return error instanceof SecretsUnavailable && error.cause === undefined ? undefined : reasonOf(error);
  }
}
