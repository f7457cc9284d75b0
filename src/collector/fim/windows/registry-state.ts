import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { reasonOf } from '../../reasons.ts';
import { replaceFile } from '../../replace-file.ts';
import { Unreadable } from '../../table.ts';
import { folded } from './registry-names.ts';
import { RegistryRoom, type RoomBounds } from './registry-room.ts';
import type { ValueState } from './registry-value.ts';

/** Most values of HKLM that are kept, and of all users together. */
export const MOST_VALUES = 30_000;

const MEBIBYTE = 1024 * 1024;

/**
 * How many values are kept, and bytes of their names and keys as the file has them: a name may have 16,383 characters, and whoever
 * may write a key may fill the memory of the sensor with them.
 */
const ROOM: RoomBounds = {
  machine: { count: MOST_VALUES, bytes: 4 * MEBIBYTE },
  users: { count: MOST_VALUES, bytes: 4 * MEBIBYTE },
  hive: { count: 10_000, bytes: MEBIBYTE },
};

/** Keys that could not be read, and places where rules looked before, at most; and their bytes in the file. */
const MOST_UNREAD = { count: 1_000, bytes: MEBIBYTE };
const MOST_ESTABLISHED = { count: 100_000, bytes: 8 * MEBIBYTE };

/** The largest file that is read back, bytes: twice what the bounds above can come to, with 110 for each value beside its name. */
const MOST_BYTES = 48 * MEBIBYTE;

/** Characters of a name of a key or value. 128 levels below the longest rule have fewer. */
const MOST_NAME = 40_000;

const Name = z.string().max(MOST_NAME);
const Value = z.tuple([
  Name,
  z.number().int().min(0),
  z.number().int().min(0),
  z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  z.boolean(),
]);
const StateFile = z.object({
  version: z.literal(1),
  established: z.array(Name).max(MOST_ESTABLISHED.count),
  unread: z.array(Name).max(MOST_UNREAD.count),
  keys: z.array(z.tuple([Name, z.array(Value)])),
});
type StateFile = z.input<typeof StateFile>;

/** A value of the baseline. */
export interface BaselineRow {
  readonly key: string;
  readonly value: string;
  readonly state: ValueState;
}

/** `state` is `undefined` for a value that has its room and is not in the baseline yet. */
interface Kept {
  readonly value: string;
  readonly state: ValueState | undefined;
}

interface KeptKey {
  readonly key: string;
  readonly values: Map<string, Kept>;
}

/** What the values of the rules' keys were when they were last looked at, in memory and in one file. */
export class RegistryState {
  readonly #keys = new Map<string, KeptKey>();
  readonly #room = new RegistryRoom(ROOM);
  #established: ReadonlySet<string> = new Set();
  #unread: ReadonlySet<string> = new Set();

  /** What was looked at before, so that what is new there is told: a rule and a place, as the baseline puts them together. */
  get established(): ReadonlySet<string> {
    return this.#established;
  }

  set established(tags: Iterable<string>) {
    this.#established = firstOf(tags, MOST_ESTABLISHED);
  }

  /** Keys that could never be read, folded: what comes to be seen below them is no news. */
  get unread(): ReadonlySet<string> {
    return this.#unread;
  }

  set unread(keys: Iterable<string>) {
    this.#unread = firstOf(keys, MOST_UNREAD);
  }

  get(key: string, value: string): BaselineRow | undefined {
    const kept = this.#keys.get(folded(key));
    const found = kept?.values.get(folded(value));
    if (kept === undefined || found?.state === undefined) return undefined;
    return { key: kept.key, value: found.value, state: found.state };
  }

  /** Takes it in, unless there is no room; whether it did. */
  put({ key, value, state }: BaselineRow): boolean {
    return this.#keep(key, value, state);
  }

  /** Keeps room for a value that is to be told before it is taken in; whether there was any. */
  hold(key: string, value: string): boolean {
    return this.#keep(key, value, undefined);
  }

  /** Gives back the room of values that were not taken in. */
  release(): void {
    for (const { key, values } of [...this.#keys.values()])
      for (const { value, state } of [...values.values()]) if (state === undefined) this.remove(key, value);
  }

  remove(key: string, value: string): void {
    const kept = this.#keys.get(folded(key));
    const found = kept?.values.get(folded(value));
    if (kept === undefined || found === undefined) return;
    kept.values.delete(folded(value));
    this.#room.giveBack(key, bytesWith(kept, found.value));
    if (kept.values.size === 0) this.#keys.delete(folded(key));
  }

  *rows(): Generator<BaselineRow> {
    for (const { key, values } of this.#keys.values())
      for (const { value, state } of values.values()) if (state !== undefined) yield { key, value, state };
  }

  /** Writes it for the next run; the file is replaced as a whole. Throws what the disk says. */
  save(path: string): void {
    const keys = [...this.#keys.values()].map(({ key, values }): StateFile['keys'][number] => [
      key,
      [...values.values()].flatMap(({ value, state }) => (state === undefined ? [] : [rowOf(value, state)])),
    ]);
    const file: StateFile = {
      version: 1,
      established: [...this.#established],
      unread: [...this.#unread],
      keys,
    };
    replaceFile(path, JSON.stringify(file));
  }

  #keep(key: string, value: string, state: ValueState | undefined): boolean {
    const kept: KeptKey = this.#keys.get(folded(key)) ?? { key, values: new Map() };
    const known = kept.values.get(folded(value));
    if (known === undefined && !this.#takeRoom(kept, value)) return false;
    kept.values.set(folded(value), { value: known?.value ?? value, state });
    this.#keys.set(folded(key), kept);
    return true;
  }

  #takeRoom(kept: KeptKey, value: string): boolean {
    if (kept.key.length > MOST_NAME || value.length > MOST_NAME) return false;
    return this.#room.take(kept.key, bytesWith(kept, value));
  }
}

type Row = StateFile['keys'][number][1][number];

const rowOf = (value: string, { kind, size, sha256, isSecret }: ValueState): Row => [
  ...([value, kind, size, sha256] as const),
  isSecret,
];

/** Bytes of a name as the file has it: a control character takes six. */
const bytesOf = (name: string): number => Buffer.byteLength(JSON.stringify(name));

/** The first value of a key, which is the last to go, takes the room of the key as well. */
const bytesWith = ({ key, values }: KeptKey, value: string): number =>
  bytesOf(value) + (values.size === 0 ? bytesOf(key) : 0);

/** As many as there is room for. */
function firstOf(
  names: Iterable<string>,
  most: { readonly count: number; readonly bytes: number },
): Set<string> {
  const taken = new Set<string>();
  let bytes = 0;
  for (const name of names) {
    const more = bytesOf(name);
    if (taken.size >= most.count) break;
    if (name.length > MOST_NAME || bytes + more > most.bytes) continue;
    bytes += more;
    taken.add(name);
  }
  return taken;
}

/**
 * What the run before kept; an empty one where there was none, or it can't be read: then the next look only remembers, and `warn`
 * hears why.
 */
export function loadRegistryState(path: string, warn: (message: string) => void): RegistryState {
  const state = new RegistryState();
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    if (file === undefined) return state;
    if (file.size > MOST_BYTES) throw new Unreadable(`it has ${file.size} bytes`);
    const { established, unread, keys } = StateFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    for (const [key, values] of keys) {
      for (const [value, kind, size, sha256, isSecret] of values)
        state.put({ key, value, state: { kind, size, sha256, isSecret } });
    }
    state.established = new Set(established);
    state.unread = new Set(unread);
    return state;
  } catch (error) {
    const isDamage = error instanceof z.ZodError || error instanceof SyntaxError;
    warn(
      `the baseline of registry values of the run before is not taken: ${isDamage ? 'it is damaged' : reasonOf(error)}`,
    );
    return new RegistryState();
  }
}
