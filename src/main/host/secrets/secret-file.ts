import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDirectory, removeFile, UnsafeFile, writeFileAtomic } from '../atomic-file.ts';
import { checkName, checkValue } from './entry.ts';
import { readPrivateFile } from './private-file.ts';
import { SecretsUnavailable, type SecretStore } from './secret-store.ts';

/** How a store that keeps one file per secret turns values into text for the file and back. */
export interface Sealer {
  readonly kind: string;
  /** The end of its files' names, with the dot: several stores share a directory. */
  readonly extension: string;
  /** The text to store. Rejects with `SecretsUnavailable`. */
  readonly seal: (name: string, value: string) => Promise<string>;
  /**
   * The value in a stored text. Rejects when it is not what `seal` gave for this name on this host; with
   * `SecretsUnavailable` where it knows a better next step than setting the secret again.
   */
  readonly unseal: (name: string, text: string) => Promise<string>;
  /** Clears what it keeps outside the file, after the file is gone. */
  readonly forget?: (name: string) => Promise<void>;
}

/**
 * A store of one sealed file per secret, mode 0600 in a directory 0700. A new value replaces the old one at once and
 * whole, after it was read back; whatever goes wrong, the old one is still there. Only a keychain, which holds the value
 * itself, has the new one already when its file can't be written.
 */
export class SecretFileStore implements SecretStore {
  readonly kind: string;
  readonly #sealer: Sealer;
  readonly #directory: string;

  constructor(directory: string, sealer: Sealer) {
    this.kind = sealer.kind;
    this.#sealer = sealer;
    this.#directory = directory;
  }

  async get(name: string): Promise<string | undefined> {
    const path = this.#path(name);
    const text = orUnavailable(path, () => readPrivateFile(path));
    if (text === undefined) return undefined;
    try {
      return await this.#sealer.unseal(name, text);
    } catch (error) {
      if (error instanceof SecretsUnavailable) throw error;
      throw new SecretsUnavailable(
        `${path} can't be opened (${reasonOf(error)}): it was changed, or sealed on another host or with another key; set the secret again`,
        { cause: error },
      );
    }
  }

  async set(name: string, value: string): Promise<void> {
    const path = this.#path(name);
    checkValue(value);
    orUnavailable(this.#directory, () => ensureDirectory(this.#directory, 0o700));
    const text = await this.#sealer.seal(name, value);
    if ((await this.#sealer.unseal(name, text)) !== value) {
      throw new SecretsUnavailable(
        `${this.kind} gave back another value than it was given; set the secret again`,
      );
    }
    orUnavailable(path, () => writeFileAtomic(path, text, 0o600));
  }

  async delete(name: string): Promise<void> {
    const path = this.#path(name);
    orUnavailable(path, () => {
      if (existsSync(this.#directory)) removeFile(path);
    });
    await this.#sealer.forget?.(name);
  }

  #path(name: string): string {
    checkName(name);
    return join(this.#directory, `${name}${this.#sealer.extension}`);
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function orUnavailable<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof SecretsUnavailable) throw error;
    if (error instanceof UnsafeFile) throw new SecretsUnavailable(error.message, { cause: error });
    throw new SecretsUnavailable(`${path} can't be used: ${reasonOf(error)}`, { cause: error });
  }
}
