import type { OpenNotice } from '../../../edr/registry-notices.ts';
import {
  ACCESS_DENIED,
  FILE_NOT_FOUND,
  INVALID_NAME,
  MORE_DATA,
  NO_MORE_ITEMS,
  type Given,
  type OpenKey,
  type OpenRegistryKey,
  type ValueData,
} from '../registry-keys.ts';

/*
 * A double of the registry as winreg.h answers of it. It shows how the baseline takes documented answers, not what Windows does.
 */

const REG_LINK = 6;

interface Key {
  readonly name: string;
  readonly subkeys: Map<string, Key>;
  readonly values: Map<string, { readonly name: string; readonly kind: number; readonly data: Buffer }>;
  written: bigint;
  link: string | undefined;
}

const newKey = (name: string): Key => ({
  name,
  subkeys: new Map(),
  values: new Map(),
  written: 0n,
  link: undefined,
});

/** A text as REG_SZ has it. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf16le');

/** A doubled registry in a test's hands. Keys are `HKLM\...` and `HKU\...`. */
export class DoubledRegistry {
  readonly #root = newKey('');
  #clock = 0n;
  /** Keys, in lower case, that nobody may read. */
  readonly denied = new Set<string>();
  /** Called before a value is enumerated: what else happens meanwhile. */
  meanwhile: (key: string, index: number) => void = () => undefined;
  /** Keys that are open now. */
  opened = 0;

  constructor() {
    for (const hive of ['HKLM', 'HKU']) this.#make(hive);
  }

  /** Makes the keys on the way. A text is a REG_SZ. */
  set(key: string, value: string, data: string | Buffer, kind = typeof data === 'string' ? 1 : 3): this {
    const made = this.#make(key);
    made.values.set(value.toLowerCase(), {
      name: value,
      kind,
      data: typeof data === 'string' ? text(data) : data,
    });
    made.written = this.#clock += 1n;
    return this;
  }

  link(key: string, target: string): this {
    this.set(key, 'SymbolicLinkValue', Buffer.from(target, 'utf16le'), REG_LINK);
    this.#make(key).link = target;
    return this;
  }

  deleteValue(key: string, value: string): void {
    const found = this.#find(key, false);
    found?.values.delete(value.toLowerCase());
    if (found !== undefined) found.written = this.#clock += 1n;
  }

  /** A key with all that is below it; also a hive that is unloaded. */
  deleteKey(key: string): void {
    const at = key.lastIndexOf('\\');
    const above = this.#find(key.slice(0, at), false);
    above?.subkeys.delete(key.slice(at + 1).toLowerCase());
    if (above !== undefined) above.written = this.#clock += 1n;
  }

  readonly open: OpenRegistryKey = (key, follow) => {
    if (key.includes('\0')) return { error: INVALID_NAME };
    if (this.denied.has(key.toLowerCase())) return { error: ACCESS_DENIED };
    const found = this.#find(key, follow);
    if (found === undefined) return { error: FILE_NOT_FOUND };
    this.opened += 1;
    return this.#openKey(key, found);
  };

  /** As RegNotifyChangeKeyValue: one change of the key itself is told, of its subkeys none. */
  readonly notice: OpenNotice = ({ key, values }) => {
    const found = this.#find(key, true);
    if (found === undefined) return undefined;
    const stamp = (): string => `${[...found.subkeys.keys()].join()}|${values ? String(found.written) : ''}`;
    let before: string | undefined;
    return {
      arm: () => {
        before = stamp();
        return this.#find(key, true) === found;
      },
      isSet: () => before !== undefined && (before !== stamp() || this.#find(key, true) !== found),
      close: () => undefined,
    };
  };

  #openKey(key: string, found: Key): OpenKey {
    let listed = { at: -1n, values: [...found.values.values()], subkeys: [...found.subkeys.values()] };
    const list = () => {
      if (listed.at !== found.written) {
        const [values, subkeys] = [[...found.values.values()], [...found.subkeys.values()]];
        listed = { at: found.written, values, subkeys };
      }
      return listed;
    };
    const headOf = ({ name, kind, data }: { name: string; kind: number; data: Buffer }) => ({
      ...{ name, kind },
      size: data.length,
    });
    return {
      written: () => ({ time: found.written }),
      subkey: (index) => {
        const subkey = list().subkeys[index];
        return subkey === undefined ? { error: NO_MORE_ITEMS } : { name: subkey.name };
      },
      value: (index) => {
        this.meanwhile(key, index);
        const value = list().values[index];
        return value === undefined ? { error: NO_MORE_ITEMS } : headOf(value);
      },
      valueOf: (name) => {
        const value = found.values.get(name.toLowerCase());
        return value === undefined ? { error: FILE_NOT_FOUND } : headOf(value);
      },
      dataAt: (index, size) => within(list().values[index], size),
      dataOf: (name, size) => within(found.values.get(name.toLowerCase()), size),
      close: () => {
        this.opened -= 1;
      },
    };
  }

  #find(key: string, follow: boolean): Key | undefined {
    const names = key.split('\\');
    let at: Key | undefined = this.#root;
    for (const [index, name] of names.entries()) {
      at = at.subkeys.get(name.toLowerCase());
      const isOnTheWay = follow || index < names.length - 1;
      if (at?.link !== undefined && isOnTheWay) at = this.#find(at.link, true);
      if (at === undefined) return undefined;
    }
    return at;
  }

  #make(key: string): Key {
    let at = this.#root;
    for (const name of key.split('\\')) {
      const next = at.subkeys.get(name.toLowerCase()) ?? newKey(name);
      if (!at.subkeys.has(name.toLowerCase())) at.written = this.#clock += 1n;
      at.subkeys.set(name.toLowerCase(), next);
      at = next;
    }
    return at;
  }
}

function within(value: { kind: number; data: Buffer } | undefined, size: number): Given<ValueData> {
  if (value === undefined) return { error: FILE_NOT_FOUND };
  return value.data.length > size ? { error: MORE_DATA } : { kind: value.kind, data: value.data };
}
