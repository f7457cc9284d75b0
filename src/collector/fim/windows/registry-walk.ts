import {
  ACCESS_DENIED,
  INVALID_NAME,
  NO_MORE_ITEMS,
  type OpenKey,
  type OpenRegistryKey,
} from './registry-keys.ts';
import {
  folded,
  isBelow,
  isKeyWithin,
  isNotThere,
  placeOfKey,
  realKey,
  type RegistryPlaces,
} from './registry-names.ts';
import { RegistryRoom, shareOf, type RoomBounds } from './registry-room.ts';
import { stateAt, type ValueState } from './registry-value.ts';

/** Subkeys and values of one key, and levels below the first key, at most. */
const MOST_ENTRIES = 30_000;
const MOST_LEVELS = 128;

/** Characters of the names of values, and of subkeys, of one key, at most: they are in memory. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** Keys of one walk, and the bytes of their names. */
const ROOM: RoomBounds = {
  machine: { count: 50_000, bytes: 12 * 1024 * 1024 },
  users: { count: 100_000, bytes: 16 * 1024 * 1024 },
  hive: { count: 20_000, bytes: 4 * 1024 * 1024 },
};

/** How often a key that changes while it is read is read anew. */
const MOST_TRIES = 3;

/** Entries of a key between two pauses, and bytes of data behind which there is one. */
const STRIDE = 50;
const LARGE = 16 * 1024;

/** Keys with which something was the matter, and the bytes of their names. */
const TROUBLE_ROOM: RoomBounds = {
  machine: { count: 1_000, bytes: 1024 * 1024 },
  users: { count: 2_000, bytes: 1024 * 1024 },
  hive: { count: 500, bytes: 256 * 1024 },
};

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
  /** What a value was when it was last looked at. */
  readonly known: (key: string, value: string) => ValueState | undefined;
  /** A value that is covered; whether there is room for it. */
  readonly found: (key: string, value: string, state: ValueState) => boolean;
}

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
  readonly #room = new RegistryRoom(ROOM);
  readonly #troubles = new RegistryRoom(TROUBLE_ROOM);
  /** Folded keys that were read, or wait to be. */
  readonly #taken = new Set<string>();
  /** Shares of the room (`registry-room.ts`) that are used up: no more is read there. */
  readonly #full = new Set<string>();
  /** Keys that have more values or subkeys than are read. */
  readonly #cut = new Set<string>();
  /** Folded keys of which something may have been missed. */
  readonly #unsure = new Set<string>();
  /** Keys that could not be read, and why: so many as can be named. */
  readonly unread = new Map<string, string>();
  /** Keys that changed all the time while they were read: so many as can be named. */
  readonly unsteady = new Set<string>();
  /** Hives and sets of control in which keys were looked for. */
  readonly places = new Set<string>();

  constructor(options: RegistryWalkOptions) {
    this.#options = options;
  }

  /** Which hives are loaded, and which set of control is in use. */
  get around(): RegistryPlaces {
    return this.#options.places;
  }

  /** Reads a key and what is below it as far as that is covered, and as there is room. */
  async tree(root: string): Promise<void> {
    const waiting = this.#take(root) ? [{ key: root, level: 0 }] : [];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { key, level } = next;
      if (this.#isFull(key)) continue;
      this.places.add(placeOfKey(key));
      const entries = await this.#read(key, { follow: level === 0, subkeys: true });
      await this.#tell(key, entries);
      if (level >= MOST_LEVELS && entries.subkeys.length > 0) this.#miss(key, 'its subkeys are too deep');
      else
        for (const name of entries.subkeys.toReversed()) {
          const child = this.#child(key, name);
          if (this.#take(child)) waiting.push({ key: child, level: level + 1 });
        }
    }
  }

  /** Reads the values of a key alone. */
  async values(key: string): Promise<void> {
    if (!this.#isFull(key)) await this.#tell(key, await this.#read(key, { follow: true, subkeys: false }));
  }

  /** Whether there is too much at this key or below it, or was before it was read. */
  isCut(key: string): boolean {
    const isFull = [...this.#full].some((share) => isKeyWithin(share, key) || isKeyWithin(key, share));
    return isFull || [...this.#cut].some((cut) => isKeyWithin(key, cut));
  }

  /** Whether a value of this key that was not found is not there. */
  isSure(key: string): boolean {
    return !this.#isFull(key) && !isBelow(this.#unsure, key);
  }

  #isFull(key: string): boolean {
    return this.#full.has(shareOf(key));
  }

  #child(key: string, name: string): string {
    return realKey(`${key}\\${name}`, this.#options.places);
  }

  /** Whether a key is to be read now. */
  #take(key: string): boolean {
    if (this.#taken.has(folded(key)) || isOfCounters(key) || !this.#options.scope.enters(key)) return false;
    if (!this.#room.take(key, 2 * key.length)) {
      this.#full.add(shareOf(key));
      return false;
    }
    this.#taken.add(folded(key));
    return true;
  }

  async #tell(key: string, { values, isUnsteady, isCut }: Entries): Promise<void> {
    if (isUnsteady && this.#isNamable(key)) this.unsteady.add(key);
    if (isCut) this.#cut.add(key);
    if (isUnsteady || isCut) this.#unsure.add(folded(key));
    for (const [at, { name, state }] of values.entries()) {
      if (at % STRIDE === STRIDE - 1) await this.#options.breathe();
      if (this.#options.found(key, name, state)) continue;
      this.#full.add(shareOf(key));
      return;
    }
  }

  #miss(key: string, reason: string): void {
    if (this.unread.has(key) || this.#isNamable(key)) this.unread.set(key, reason);
    this.#unsure.add(folded(key));
  }

  #isNamable(key: string): boolean {
    return this.#troubles.take(key, 2 * key.length);
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
      const names = subkeys ? await this.#subkeys(key, opened) : NO_SUBKEYS;
      const isSteady = before !== undefined && before === timeOf(opened);
      if (!isSteady && tries < MOST_TRIES) continue;
      const isCut = values.isCut || names.isCut;
      return { values: values.found, subkeys: names.found, isUnsteady: !isSteady, isCut };
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
      const state = stateAt(opened, index, head, this.#options.known(key, head.name));
      if ('error' in state) this.#unsure.add(folded(key));
      else found.push({ name: head.name, state });
      characters += head.name.length;
      if (head.size >= LARGE) await this.#options.breathe();
    }
    return { found, isCut: true };
  }

  async #subkeys(
    key: string,
    opened: OpenKey,
  ): Promise<{ readonly found: readonly string[]; readonly isCut: boolean }> {
    const found: string[] = [];
    let characters = 0;
    for (let index = 0; found.length < MOST_ENTRIES && characters < MOST_CHARACTERS; index += 1) {
      if (index % STRIDE === 0) await this.#options.breathe();
      const subkey = opened.subkey(index);
      if ('error' in subkey) {
        if (subkey.error !== NO_MORE_ITEMS) this.#miss(key, reasonOf(subkey.error));
        return { found, isCut: false };
      }
      found.push(subkey.name);
      characters += subkey.name.length;
    }
    return { found, isCut: true };
  }
}

const NO_SUBKEYS = { found: [], isCut: false };
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
