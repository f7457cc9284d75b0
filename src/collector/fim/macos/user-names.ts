import type { ReadContext } from '../../table.ts';
import { users } from '../../macos/identity.ts';

/** A uid without a name has the accounts read again after this, ms: it may be of a user who was just made. */
const AGAIN_MS = 60_000;

export interface UserNamesOptions {
  readonly context: ReadContext;
  readonly log: (level: 'warn', message: string) => void;
}

/** Names of the local accounts of macOS by uid. Those of directories have no name here. */
export class UserNames {
  readonly #options: UserNamesOptions;
  #names: ReadonlyMap<number, string> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(options: UserNamesOptions) {
    this.#options = options;
  }

  /** Reads them. Never rejects: without names numbers are still true. */
  async read(): Promise<void> {
    const { context, log } = this.#options;
    this.#readAt = context.now();
    const names = new Map<number, string>();
    try {
      for await (const { row } of users.read(context, {})) {
        // A number below zero, as nobody's -2, stands in messages as an unsigned one of 32 bits.
        const uid = Number(row['id']) >>> 0;
        if (typeof row['name'] === 'string' && !names.has(uid)) names.set(uid, row['name']);
      }
      this.#names = names;
    } catch (error) {
      log('warn', `no names of users: ${error instanceof Error ? error.message : 'error'}`);
    }
  }

  /** The name of a uid; `undefined` where none is known yet. */
  readonly of = (uid: number): string | undefined => {
    const name = this.#names.get(uid);
    const { context } = this.#options;
    if (name === undefined && context.now() - this.#readAt >= AGAIN_MS) void this.read();
    return name;
  };
}
