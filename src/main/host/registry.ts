import { loadKoffi } from './koffi.ts';

/** Values of one key below HKEY_LOCAL_MACHINE. Methods throw an Error with the code EACCES where rights are missing. */
export interface RegistryKey {
  /** A text or a number; `undefined` when the key or the value is absent. */
  readonly get: (name: string) => string | number | undefined;
  /** Makes the key where it is absent (R244). */
  readonly set: (name: string, value: string) => void;
  /** The same for a number, from 0 to 0xffffffff. */
  readonly setNumber: (name: string, value: number) => void;
  readonly remove: (name: string) => void;
  /** Throws unless values can be set. */
  readonly checkWritable: () => void;
}

/** The functions of advapi32.dll that are used, as winreg.h declares them; each returns a Windows error number. */
export interface RegistryApi {
  readonly getValue: (
    root: number,
    key: string,
    name: string,
    flags: number,
    type: [number],
    data: Buffer,
    size: [number],
  ) => number;
  readonly setValue: (
    root: number,
    key: string,
    name: string,
    type: number,
    data: Buffer,
    size: number,
  ) => number;
  readonly deleteValue: (root: number, key: string, name: string) => number;
  /** Creates the key, or opens it, for writing, and closes it again. */
  readonly touch: (root: number, key: string) => number;
}

/** HKEY_LOCAL_MACHINE: 0x80000002, which winreg.h extends with its sign to the width of a handle. */
export const LOCAL_MACHINE = -0x7ffffffe;
const REG_SZ = 1;
const REG_DWORD = 4;
const RRF_RT_REG_SZ = 0x2;
const RRF_RT_REG_DWORD = 0x10;
const SUCCESS = 0;
const FILE_NOT_FOUND = 2;
const ACCESS_DENIED = 5;
const MORE_DATA = 234;

/** Longest value that is read, bytes: five proxies and a long list of exceptions have room in it. */
const MAX_VALUE = 64 * 1024;

/** The values of a key (`SOFTWARE\Wayfarer\Proxy`), of the types REG_SZ and REG_DWORD; other types are an error. */
export function openRegistryKey(api: RegistryApi, key: string): RegistryKey {
  const check = (what: string, code: number): void => {
    if (code === SUCCESS) return;
    const reason =
      code === ACCESS_DENIED ? 'access is denied; run it as administrator' : `error ${String(code)}`;
    const error = new Error(`the registry key HKLM\\${key} can't be ${what}: ${reason}`);
    throw code === ACCESS_DENIED ? Object.assign(error, { code: 'EACCES' }) : error;
  };
  return {
    get: (name) => {
      const type: [number] = [0];
      const size: [number] = [MAX_VALUE];
      const data = Buffer.alloc(MAX_VALUE);
      const code = api.getValue(LOCAL_MACHINE, key, name, RRF_RT_REG_SZ | RRF_RT_REG_DWORD, type, data, size);
      if (code === FILE_NOT_FOUND) return undefined;
      if (code === MORE_DATA) throw new Error(`${name} is larger than ${MAX_VALUE} bytes`);
      check('read', code);
      if (type[0] === REG_DWORD) return data.readUInt32LE(0);
      return data
        .subarray(0, size[0])
        .toString('utf16le')
        .replace(/\0[\s\S]*$/, '');
    },
    set: (name, value) => {
      const data = Buffer.from(`${value}\0`, 'utf16le');
      check('written', api.setValue(LOCAL_MACHINE, key, name, REG_SZ, data, data.length));
    },
    setNumber: (name, value) => {
      const data = Buffer.alloc(4);
      data.writeUInt32LE(value);
      check('written', api.setValue(LOCAL_MACHINE, key, name, REG_DWORD, data, data.length));
    },
    remove: (name) => {
      const code = api.deleteValue(LOCAL_MACHINE, key, name);
      if (code !== FILE_NOT_FOUND) check('written', code);
    },
    checkWritable: () => {
      check('written', api.touch(LOCAL_MACHINE, key));
    },
  };
}

/** RegCreateKeyExW and RegCloseKey. */
type CreateKey = (
  root: number,
  key: string,
  reserved: 0,
  className: null,
  options: 0,
  access: number,
  security: null,
  handle: [unknown],
  disposition: null,
) => number;
type CloseKey = (handle: unknown) => number;

const KEY_SET_VALUE = 0x2;

/**
 * Loads advapi32.dll, or the library of that name in a test. Throws off Windows. The calls are local and take
 * microseconds, so they are made synchronously.
 */
export function loadRegistryApi(library = 'advapi32.dll'): RegistryApi {
  const koffi = loadKoffi();
  const advapi32 = koffi.load(library);
  const create = advapi32.func(
    'int32 __stdcall RegCreateKeyExW(intptr_t root, str16 key, uint32 reserved, void *class, uint32 options, uint32 access, void *security, _Out_ intptr_t *handle, void *disposition)',
  ) as unknown as CreateKey;
  const close = advapi32.func('int32 __stdcall RegCloseKey(intptr_t handle)') as unknown as CloseKey;
  return {
    getValue: advapi32.func(
      'int32 __stdcall RegGetValueW(intptr_t root, str16 key, str16 name, uint32 flags, _Out_ uint32 *type, void *data, _Inout_ uint32 *size)',
    ),
    setValue: advapi32.func(
      'int32 __stdcall RegSetKeyValueW(intptr_t root, str16 key, str16 name, uint32 type, void *data, uint32 size)',
    ),
    deleteValue: advapi32.func('int32 __stdcall RegDeleteKeyValueW(intptr_t root, str16 key, str16 name)'),
    touch: (root, key) => {
      const handle: [unknown] = [null];
      const code = create(root, key, 0, null, 0, KEY_SET_VALUE, null, handle, null);
      if (code === SUCCESS) close(handle[0]);
      return code;
    },
  };
}
