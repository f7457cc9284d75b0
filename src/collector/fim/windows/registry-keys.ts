import { loadKoffi } from '../../native/koffi.ts';

/** The answer of a call that may fail: what was asked for, or Windows' error number (winerror.h). */
export type Given<T> = T | { readonly error: number };

/** A value without its data. */
export interface ValueHead {
  /** Host text; empty for the default value of a key. */
  readonly name: string;
  /** Its type (winnt.h): 1 is REG_SZ, 4 is REG_DWORD. */
  readonly kind: number;
  /** Length of its data, bytes. */
  readonly size: number;
}

/** The data of a value, and its type as it was when that was read. */
export interface ValueData {
  readonly kind: number;
  readonly data: Buffer;
}

/** A key that is open to be read. */
export interface OpenKey {
  /** When it was last written to, the values and the list of its subkeys included: a FILETIME. */
  readonly written: () => Given<{ readonly time: bigint }>;
  /** Subkeys by their index, from 0; `NO_MORE_ITEMS` after the last. A key that changes moves what is behind the change. */
  readonly subkey: (index: number) => Given<{ readonly name: string }>;
  readonly value: (index: number) => Given<ValueHead>;
  readonly valueOf: (name: string) => Given<ValueHead>;
  /**
   * The data of a value whose size is known: `MORE_DATA` where it is longer by now. With more room Windows may put a null behind
   * a text that has none.
   */
  readonly dataAt: (index: number, size: number) => Given<ValueData>;
  readonly dataOf: (name: string, size: number) => Given<ValueData>;
  readonly close: () => void;
}

/**
 * Opens a key, `HKLM\...` or `HKU\...`, to read it. A link is opened as what it is, a key with the value SymbolicLinkValue
 * (MS-RRP 3.1.1.11), unless it is to be followed.
 */
export type OpenRegistryKey = (key: string, follow: boolean) => Given<OpenKey>;

/** winerror.h. */
export const FILE_NOT_FOUND = 2;
export const ACCESS_DENIED = 5;
export const INVALID_NAME = 123;
export const MORE_DATA = 234;
export const NO_MORE_ITEMS = 259;
export const KEY_DELETED = 1018;
const SUCCESS = 0;

/** winreg.h: 0x80000002 and 0x80000003, extended with their sign to the width of a handle. */
const HIVES: ReadonlyMap<string, number> = new Map([
  ['HKLM', -0x7ffffffe],
  ['HKU', -0x7ffffffd],
]);

/** The handle of a key's hive, and the name of the key below it; `undefined` for what the calls would take for another key. */
export function hiveOf(key: string): { readonly hive: number; readonly name: string } | undefined {
  const [short = '', ...names] = key.split('\\');
  const hive = HIVES.get(short.toUpperCase());
  // What ends with a null is the name.
  return hive === undefined || key.includes('\0') ? undefined : { hive, name: names.join('\\') };
}

/** winnt.h. The view of 64-bit programs, for an agent of 32 bits as well. */
const KEY_READ = 0x2_0019;
const KEY_WOW64_64KEY = 0x100;
const REG_OPTION_OPEN_LINK = 0x8;

/** "Registry Element Size Limits": a name of a key has 255 characters at most, one of a value 16,383. With the null. */
const KEY_UNITS = 256;
const VALUE_UNITS = 16_384;
const FILETIME_BYTES = 8;

type Open = (root: number, key: string, options: number, access: number, handle: [unknown]) => number;
type QueryInfo = (handle: unknown, ...rest: [...(readonly null[]), Buffer]) => number;
type EnumKey = (
  handle: unknown,
  index: number,
  name: Buffer,
  units: [number],
  reserved: null,
  className: null,
  classUnits: null,
  written: null,
) => number;
type EnumValue = (
  handle: unknown,
  index: number,
  name: Buffer,
  units: [number],
  reserved: null,
  kind: [number],
  data: Buffer | null,
  bytes: [number],
) => number;
type QueryValue = (
  handle: unknown,
  name: string,
  reserved: null,
  kind: [number],
  data: Buffer | null,
  bytes: [number],
) => number;

/** The functions of advapi32.dll that are used, as winreg.h declares them; each returns a Windows error number. */
interface Calls {
  readonly open: Open;
  readonly close: (handle: unknown) => number;
  readonly queryInfo: QueryInfo;
  readonly enumKey: EnumKey;
  readonly enumValue: EnumValue;
  readonly queryValue: QueryValue;
}

/**
 * Loads advapi32.dll, or the library of that name in a test. Throws off Windows. Calls are local and take microseconds, so they
 * are made synchronously.
 */
export function loadRegistryKeys(library = 'advapi32.dll'): OpenRegistryKey {
  const calls = loadCalls(library);
  const buffers = { key: Buffer.alloc(KEY_UNITS * 2), value: Buffer.alloc(VALUE_UNITS * 2) };
  return (key, follow) => {
    const place = hiveOf(key);
    if (place === undefined) return { error: INVALID_NAME };
    if (place.name === '') return new NativeKey(calls, buffers, place.hive, true);
    const handle: [unknown] = [undefined];
    const options = follow ? 0 : REG_OPTION_OPEN_LINK;
    const code = calls.open(place.hive, place.name, options, KEY_READ | KEY_WOW64_64KEY, handle);
    return code === SUCCESS ? new NativeKey(calls, buffers, handle[0], false) : { error: code };
  };
}

function loadCalls(library: string): Calls {
  const advapi32 = loadKoffi().load(library);
  return {
    open: advapi32.func(
      'int32 __stdcall RegOpenKeyExW(intptr_t root, str16 key, uint32 options, uint32 access, _Out_ intptr_t *handle)',
    ),
    close: advapi32.func('int32 __stdcall RegCloseKey(intptr_t handle)'),
    queryInfo: advapi32.func(
      'int32 __stdcall RegQueryInfoKeyW(intptr_t handle, void *class, void *classUnits, void *reserved, void *subkeys, void *longestSubkey, void *longestClass, void *values, void *longestValue, void *longestData, void *security, void *written)',
    ),
    enumKey: advapi32.func(
      'int32 __stdcall RegEnumKeyExW(intptr_t handle, uint32 index, void *name, _Inout_ uint32 *units, void *reserved, void *class, void *classUnits, void *written)',
    ),
    enumValue: advapi32.func(
      'int32 __stdcall RegEnumValueW(intptr_t handle, uint32 index, void *name, _Inout_ uint32 *units, void *reserved, _Out_ uint32 *kind, void *data, _Inout_ uint32 *bytes)',
    ),
    queryValue: advapi32.func(
      'int32 __stdcall RegQueryValueExW(intptr_t handle, str16 name, void *reserved, _Out_ uint32 *kind, void *data, _Inout_ uint32 *bytes)',
    ),
  };
}

/** Room for the longest names, shared by all keys: no call is under way while another one is made. */
interface NameBuffers {
  readonly key: Buffer;
  readonly value: Buffer;
}

class NativeKey implements OpenKey {
  readonly #calls: Calls;
  readonly #buffers: NameBuffers;
  readonly #handle: unknown;
  /** Hives have handles that are there always. */
  readonly #isHive: boolean;

  constructor(calls: Calls, buffers: NameBuffers, handle: unknown, isHive: boolean) {
    this.#calls = calls;
    this.#buffers = buffers;
    this.#handle = handle;
    this.#isHive = isHive;
  }

  written(): Given<{ readonly time: bigint }> {
    const time = Buffer.alloc(FILETIME_BYTES);
    const rest = [null, null, null, null, null, null, null, null, null, null] as const;
    const code = this.#calls.queryInfo(this.#handle, ...rest, time);
    return code === SUCCESS ? { time: time.readBigUInt64LE() } : { error: code };
  }

  subkey(index: number): Given<{ readonly name: string }> {
    const { key } = this.#buffers;
    const units: [number] = [KEY_UNITS];
    const code = this.#calls.enumKey(this.#handle, index, key, units, null, null, null, null);
    return code === SUCCESS ? { name: key.toString('utf16le', 0, units[0] * 2) } : { error: code };
  }

  value(index: number): Given<ValueHead> {
    return this.#enumerated(index, null, 0);
  }

  dataAt(index: number, size: number): Given<ValueData> {
    const data = Buffer.alloc(size);
    const found = this.#enumerated(index, data, size);
    return 'error' in found ? found : { kind: found.kind, data: data.subarray(0, found.size) };
  }

  valueOf(name: string): Given<ValueHead> {
    return this.#named(name, null, 0);
  }

  dataOf(name: string, size: number): Given<ValueData> {
    const data = Buffer.alloc(size);
    const found = this.#named(name, data, size);
    return 'error' in found ? found : { kind: found.kind, data: data.subarray(0, found.size) };
  }

  close(): void {
    if (!this.#isHive) this.#calls.close(this.#handle);
  }

  #enumerated(index: number, data: Buffer | null, bytes: number): Given<ValueHead> {
    const { value } = this.#buffers;
    const units: [number] = [VALUE_UNITS];
    const kind: [number] = [0];
    const size: [number] = [bytes];
    const code = this.#calls.enumValue(this.#handle, index, value, units, null, kind, data, size);
    if (code !== SUCCESS) return { error: code };
    return { name: value.toString('utf16le', 0, units[0] * 2), kind: kind[0], size: size[0] };
  }

  #named(name: string, data: Buffer | null, bytes: number): Given<ValueHead> {
    if (name.includes('\0')) return { error: INVALID_NAME };
    const kind: [number] = [0];
    const size: [number] = [bytes];
    const code = this.#calls.queryValue(this.#handle, name, null, kind, data, size);
    return code === SUCCESS ? { name, kind: kind[0], size: size[0] } : { error: code };
  }
}
