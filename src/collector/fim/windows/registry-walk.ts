import {
  ACCESS_DENIED,
  INVALID_NAME,
  NO_MORE_ITEMS,
  type OpenKey,
  type OpenRegistryKey,
} from './registry-keys.ts';
import { folded, isNotThere, placeOfKey, realKey, type RegistryPlaces } from './registry-names.ts';
import { stateAt, type ValueState } from './registry-value.ts';

/** Keys of one walk, subkeys and values of one key, and levels below the first key, at most. */
const MOST_KEYS = 50_000;
const MOST_ENTRIES = 30_000;
const MOST_LEVELS = 128;

/** Characters of the keys of one walk, and of the names of values of one key, at most: they are in memory. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** How often a key that changes while it is read is read anew. */
const MOST_TRIES = 3;

/** Entries of a key between two pauses, and bytes of data behind which there is one. */
const STRIDE = 50;
const LARGE = 64 * 1024;

/** Which keys and values are of interest. */
export interface RegistryScope {
  /** Whether values of this key, or of one below it, may be. */
  readonly enters: (key: string) => boolean;
  readonly covers: (key: string, value: string) => boolean;
}

export interface RegistryWalkOptions {
  readonly open: OpenRegistryKey;
  readonly places: RegistryPlaces;
  readonly scope: RegistryScope;
  /** Waits as long as the budget of the CPU demands. */
  readonly breathe: () => Promise<void>;
  /** A value that is covered; whether there is room for it. */
  readonly found: (key: string, value: string, state: ValueState) => boolean;
}

/** Whether all of a tree was read, or why the rest was not. */
export type Walked = 'whole' | 'too much';

interface Entries {
  readonly values: readonly { readonly name: string; readonly state: ValueState }[];
  readonly subkeys: readonly string[];
  /** It changed all the time: something may be missing here. */
  readonly isUnsteady: boolean;
  /** There are more. */
  readonly isCut: boolean;
}

/** Reads the keys and values of rules, key by key and with pauses, so that nothing else waits for long. */
export class RegistryWalk {
  readonly #options: RegistryWalkOptions;
  readonly #visited = new Set<string>();
  #characters = 0;
  /** Keys that could not be read, and why. */
  readonly unread = new Map<string, string>();
  /** Folded keys of which something may have been missed. */
  readonly unsure = new Set<string>();
  /** Hives and sets of control in which keys were looked for. */
  readonly places = new Set<string>();

  constructor(options: RegistryWalkOptions) {
    this.#options = options;
  }

  /** Which hives are loaded, and which set of control is in use. */
  get around(): RegistryPlaces {
    return this.#options.places;
  }

  /** Reads a key and what is below it as far as that is covered. */
  async tree(root: string): Promise<Walked> {
    const waiting = [{ key: root, level: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { key, level } = next;
      if (this.#visited.has(folded(key)) || isOfCounters(key) || !this.#options.scope.enters(key)) continue;
      if (this.#visited.size >= MOST_KEYS) return 'too much';
      this.#visited.add(folded(key));
      this.places.add(placeOfKey(key));
      const entries = await this.#read(key, { follow: level === 0, subkeys: true });
      if (!(await this.#tell(key, entries))) return 'too much';
      this.#characters += entries.subkeys.reduce((sum, name) => sum + key.length + name.length, 0);
      if (this.#characters > MOST_CHARACTERS) return 'too much';
      if (level >= MOST_LEVELS && entries.subkeys.length > 0) this.#miss(key, 'its subkeys are too deep');
      else
        for (const name of entries.subkeys.toReversed())
          waiting.push({ key: this.#child(key, name), level: level + 1 });
    }
    return 'whole';
  }

  /** Reads the values of a key alone. */
  async values(key: string): Promise<Walked> {
    const entries = await this.#read(key, { follow: true, subkeys: false });
    return (await this.#tell(key, entries)) ? 'whole' : 'too much';
  }

  #child(key: string, name: string): string {
    return realKey(`${key}\\${name}`, this.#options.places);
  }

  /** Whether there was room for all. */
  async #tell(key: string, { values, isUnsteady, isCut }: Entries): Promise<boolean> {
    if (isUnsteady) this.unsure.add(folded(key));
    for (const [at, { name, state }] of values.entries()) {
      if (at % STRIDE === STRIDE - 1) await this.#options.breathe();
      if (!this.#options.found(key, name, state)) return false;
    }
    return !isCut;
  }

  #miss(key: string, reason: string): void {
    this.unread.set(key, reason);
    this.unsure.add(folded(key));
  }

  async #read(key: string, how: { follow: boolean; subkeys: boolean }): Promise<Entries> {
    const opened = this.#options.open(key, how.follow);
    if ('error' in opened) {
      if (!isNotThere(opened.error)) this.#miss(key, reasonOf(opened.error));
      return NOTHING;
    }
    try {
      return await this.#steady(key, opened, how.subkeys);
    } finally {
      opened.close();
    }
  }

  /** Entries have no order that lasts: one that comes or goes meanwhile would have another one passed over. */
  async #steady(key: string, opened: OpenKey, subkeys: boolean): Promise<Entries> {
    for (let tries = 1; ; tries += 1) {
      const before = timeOf(opened);
      const values = await this.#values(key, opened);
      const names = subkeys ? await this.#subkeys(key, opened) : [];
      const isSteady = before !== undefined && before === timeOf(opened);
      if (!isSteady && tries < MOST_TRIES) continue;
      const isCut = values.isCut || names.length >= MOST_ENTRIES;
      return { values: values.found, subkeys: names, isUnsteady: !isSteady, isCut };
    }
  }

  async #values(
    key: string,
    opened: OpenKey,
  ): Promise<{ readonly found: Entries['values']; readonly isCut: boolean }> {
    const found: { name: string; state: ValueState }[] = [];
    let characters = 0;
    for (let index = 0; found.length < MOST_ENTRIES && characters < MOST_CHARACTERS; index += 1) {
      if (index % STRIDE === 0) await this.#options.breathe();
      const head = opened.value(index);
      if ('error' in head) {
        if (head.error !== NO_MORE_ITEMS) this.#miss(key, reasonOf(head.error));
        return { found, isCut: false };
      }
      if (!this.#options.scope.covers(key, head.name)) continue;
      const state = stateAt(opened, index, head);
      if ('error' in state) this.unsure.add(folded(key));
      else found.push({ name: head.name, state });
      characters += head.name.length;
      if (head.size >= LARGE) await this.#options.breathe();
    }
    return { found, isCut: true };
  }

  async #subkeys(key: string, opened: OpenKey): Promise<string[]> {
    const names: string[] = [];
    for (let index = 0; names.length < MOST_ENTRIES; index += 1) {
      if (index % STRIDE === 0) await this.#options.breathe();
      const found = opened.subkey(index);
      if ('error' in found) {
        if (found.error !== NO_MORE_ITEMS) this.#miss(key, reasonOf(found.error));
        return names;
      }
      names.push(found.name);
    }
    return names;
  }
}

const NOTHING: Entries = { values: [], subkeys: [], isUnsteady: false, isCut: false };

/**
 * Names of performance counters: to ask for them would load the programs of whoever has counters ("Using the Registry Functions to
 * Consume Counter Data").
 */
const isOfCounters = (key: string): boolean =>
  /^hklm\\software\\microsoft\\windows nt\\currentversion\\perflib\\[0-9a-f]{3,4}$/i.test(key);

function timeOf(opened: OpenKey): bigint | undefined {
  const written = opened.written();
  return 'time' in written ? written.time : undefined;
}

function reasonOf(error: number): string {
  if (error === ACCESS_DENIED) return 'access is denied';
  return error === INVALID_NAME ? 'its name holds a null character' : `error ${error}`;
}
