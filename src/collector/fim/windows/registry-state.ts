import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../../replace-file.ts';
import { folded } from './registry-names.ts';
import type { ValueState } from './registry-value.ts';

/**
 * Most values that are kept, the characters of their names and keys, and the largest file that is read back, bytes: a name may have
 * 16,383 characters, and whoever may write a key may fill the memory of the sensor with them.
 */
export const MOST_VALUES = 30_000;
const MOST_CHARACTERS = 8 * 1024 * 1024;
const MOST_BYTES = 64 * 1024 * 1024;

/** Keys that could not be read, at most. */
export const MOST_UNREAD_KEYS = 1_000;

const Name = z.string().max(40_000);
const Value = z.tuple([
  Name,
  z.number().int().min(0),
  z.number().int().min(0),
  z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
]);
const StateFile = z.object({
  version: z.literal(1),
  established: z.array(z.string().max(512)).max(100_000),
  unread: z.array(Name).max(MOST_UNREAD_KEYS),
  keys: z.array(z.tuple([Name, z.array(Value)])),
});

/** A value of the baseline. */
export interface BaselineRow {
  readonly key: string;
  readonly value: string;
  readonly state: ValueState;
}

/** What the values of the rules' keys were when they were last looked at, in memory and in one file. */
export class RegistryState {
  readonly #keys = new Map<string, Map<string, BaselineRow>>();
  #size = 0;
  #characters = 0;
  /** What was looked at before, so that what is new there is told: a rule and a place, as the baseline puts them together. */
  established: ReadonlySet<string> = new Set();
  /** Keys that could not be read at the last look, folded: what comes to be seen below them is no news. */
  unread: ReadonlySet<string> = new Set();

  get size(): number {
    return this.#size;
  }

  get(key: string, value: string): BaselineRow | undefined {
    return this.#keys.get(folded(key))?.get(folded(value));
  }

  /** Takes it in, unless there are too many; whether it did. */
  put(row: BaselineRow): boolean {
    const known = this.#keys.get(folded(row.key));
    const values = known ?? new Map<string, BaselineRow>();
    if (!values.has(folded(row.value))) {
      const characters = row.value.length + (known === undefined ? row.key.length : 0);
      if (this.#size >= MOST_VALUES || this.#characters + characters > MOST_CHARACTERS) return false;
      this.#size += 1;
      this.#characters += characters;
    }
    values.set(folded(row.value), row);
    this.#keys.set(folded(row.key), values);
    return true;
  }

  remove(key: string, value: string): void {
    const values = this.#keys.get(folded(key));
    if (values?.delete(folded(value)) !== true) return;
    this.#size -= 1;
    this.#characters -= value.length;
    if (values.size > 0) return;
    this.#keys.delete(folded(key));
    this.#characters -= key.length;
  }

  *rows(): Generator<BaselineRow> {
    for (const values of this.#keys.values()) yield* values.values();
  }

  /** Writes it for the next run; the file is replaced as a whole. Throws what the disk says. */
  save(path: string): void {
    const keys = [...this.#keys.values()].map((values): z.input<typeof StateFile>['keys'][number] => {
      const rows = [...values.values()];
      return [
        rows[0]?.key ?? '',
        rows.map(({ value, state: { kind, size, sha256 } }) => [value, kind, size, sha256]),
      ];
    });
    const file: z.input<typeof StateFile> = {
      version: 1,
      established: [...this.established],
      unread: [...this.unread],
      keys,
    };
    replaceFile(path, JSON.stringify(file));
  }
}

/** What the run before kept; an empty one where there was none, or it can't be read: then the next look only remembers. */
export function loadRegistryState(path: string): RegistryState {
  const state = new RegistryState();
  try {
    if (statSync(path).size > MOST_BYTES) return state;
    const { established, unread, keys } = StateFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    for (const [key, values] of keys) {
      for (const [value, kind, size, sha256] of values)
        state.put({ key, value, state: { kind, size, sha256 } });
    }
    state.established = new Set(established);
    state.unread = new Set(unread);
    return state;
  } catch {
    return new RegistryState();
  }
}
