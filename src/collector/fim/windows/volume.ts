import { loadKoffi } from '../../native/koffi.ts';
import type { FileNumber } from './usn.ts';

/** The answer of a call that may fail: bytes, or Windows' error number. */
export type Answer = { readonly bytes: Buffer } | { readonly error: number };

/** Where a directory is: its path; nowhere any more; or not to be told, with Windows' error number. */
export type Whereabouts = { readonly path: string } | { readonly gone: true } | { readonly error: number };

/** One volume, open to read its journal. */
export interface Volume {
  /** FSCTL_QUERY_USN_JOURNAL. */
  readonly query: () => Answer;
  /** FSCTL_READ_USN_JOURNAL with a question that `encodeRead` made. */
  readonly read: (question: Buffer) => Answer;
  /** The present path of the directory with this number. */
  readonly find: (directory: FileNumber) => Whereabouts;
  readonly close: () => void;
}

/** Opens the volume of a drive letter, `C`. Throws with Windows' error number. */
export type OpenVolume = (drive: string) => Volume;

/** winbase.h, winioctl.h, fileapi.h. */
const GENERIC_READ = 0x8000_0000;
const FILE_READ_ATTRIBUTES = 0x80;
const SHARE_ALL = 0x7;
const OPEN_EXISTING = 3;
const FILE_FLAG_BACKUP_SEMANTICS = 0x0200_0000;
const FSCTL_QUERY_USN_JOURNAL = 0x0009_00f4;
const FSCTL_READ_USN_JOURNAL = 0x0009_00bb;
const FILE_ID_DESCRIPTOR_BYTES = 24;
const FILE_ID_TYPE = 0;
const EXTENDED_FILE_ID_TYPE = 2;

/** winerror.h: nothing has this number, or what had it is being deleted. */
const GONE = new Set([2, 3, 87]);

const RECORD_BYTES = 64 * 1024;
/** Longest path of Windows with its prefix, in UTF-16 units. */
const PATH_UNITS = 32_800;

type Create = (
  path: string,
  access: number,
  share: number,
  security: null,
  how: number,
  flags: number,
  template: 0,
) => number | bigint;
type Control = (
  handle: unknown,
  code: number,
  input: Buffer | null,
  inputBytes: number,
  output: Buffer,
  outputBytes: number,
  given: [number],
  overlapped: null,
) => number;
type OpenById = (
  volume: unknown,
  id: Buffer,
  access: number,
  share: number,
  security: null,
  flags: number,
) => number | bigint;
type FinalPath = (handle: unknown, path: Buffer, units: number, flags: 0) => number;

/** Loads kernel32.dll, or the library of that name in a test. Throws off Windows. */
export function loadVolumes(library = 'kernel32.dll'): OpenVolume {
  const kernel32 = loadKoffi().load(library);
  const create = kernel32.func(
    'intptr_t __stdcall CreateFileW(str16 path, uint32 access, uint32 share, void *security, uint32 how, uint32 flags, intptr_t template)',
  ) as unknown as Create;
  const control = kernel32.func(
    'int32 __stdcall DeviceIoControl(intptr_t handle, uint32 code, void *input, uint32 inputBytes, void *output, uint32 outputBytes, _Out_ uint32 *given, void *overlapped)',
  ) as unknown as Control;
  const openById = kernel32.func(
    'intptr_t __stdcall OpenFileById(intptr_t volume, void *id, uint32 access, uint32 share, void *security, uint32 flags)',
  ) as unknown as OpenById;
  const finalPath = kernel32.func(
    'uint32 __stdcall GetFinalPathNameByHandleW(intptr_t handle, void *path, uint32 units, uint32 flags)',
  ) as unknown as FinalPath;
  const closeHandle = kernel32.func('int32 __stdcall CloseHandle(intptr_t handle)') as unknown as (
    handle: unknown,
  ) => number;
  const lastError = kernel32.func('uint32 __stdcall GetLastError()') as unknown as () => number;

  const ask = (handle: unknown, code: number, input: Buffer | null, room: number): Answer => {
    const output = Buffer.alloc(room);
    const given: [number] = [0];
    const done = control(handle, code, input, input?.length ?? 0, output, room, given, null);
    if (done === 0) return { error: lastError() };
    return { bytes: output.subarray(0, Math.min(given[0], room)) };
  };
  const find = (volume: unknown, directory: FileNumber): Whereabouts => {
    const id = fileIdDescriptor(directory);
    const flags = FILE_FLAG_BACKUP_SEMANTICS;
    const handle = openById(volume, id, FILE_READ_ATTRIBUTES, SHARE_ALL, null, flags);
    if (isInvalid(handle)) return whereabouts(lastError());
    try {
      const path = Buffer.alloc(PATH_UNITS * 2);
      const units = finalPath(handle, path, PATH_UNITS, 0);
      if (units === 0 || units >= PATH_UNITS) return whereabouts(units === 0 ? lastError() : 0);
      return { path: withoutPrefix(path.toString('utf16le', 0, units * 2)) };
    } finally {
      closeHandle(handle);
    }
  };
  return (drive) => {
    const handle = create(`\\\\.\\${drive}:`, GENERIC_READ, SHARE_ALL, null, OPEN_EXISTING, 0, 0);
    if (isInvalid(handle)) throw new Error(`the volume ${drive}: can't be opened: error ${lastError()}`);
    return {
      query: () => ask(handle, FSCTL_QUERY_USN_JOURNAL, null, 128),
      read: (question) => ask(handle, FSCTL_READ_USN_JOURNAL, question, RECORD_BYTES),
      find: (directory) => find(handle, directory),
      close: () => void closeHandle(handle),
    };
  };
}

/** INVALID_HANDLE_VALUE: all bits set. */
function isInvalid(handle: number | bigint): boolean {
  return BigInt(handle) === -1n;
}

/** FILE_ID_DESCRIPTOR: its size, the kind of number, the number. */
function fileIdDescriptor(number: FileNumber): Buffer {
  const bytes = Buffer.alloc(FILE_ID_DESCRIPTOR_BYTES);
  bytes.writeUInt32LE(FILE_ID_DESCRIPTOR_BYTES, 0);
  bytes.writeUInt32LE(number.length === 16 ? FILE_ID_TYPE : EXTENDED_FILE_ID_TYPE, 4);
  bytes.write(number, 8, 'hex');
  return bytes;
}

function whereabouts(error: number): Whereabouts {
  return GONE.has(error) ? { gone: true } : { error };
}

/** `\\?\C:\Users` is `C:\Users`; a volume without a letter keeps its prefix. */
function withoutPrefix(path: string): string {
  return path.replace(/^\\\\\?\\(?=[A-Za-z]:)/, '');
}
