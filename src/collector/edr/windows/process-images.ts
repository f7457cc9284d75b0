import { loadKoffi } from '../../native/koffi.ts';

/** Path of the executable of a process, or Windows' error number: 87 where no process has the number, 5 where it may not be asked. */
export type ProcessImage = { readonly path: string } | { readonly error: number };

/** winnt.h. */
const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000;
/** Longest path of Windows with its prefix, in UTF-16 units. */
const PATH_UNITS = 32_800;

type Open = (access: number, inherit: 0, pid: number) => number | bigint;
type Query = (handle: unknown, flags: 0, path: Buffer, units: [number]) => number;

/** Loads kernel32.dll, or the library of that name in a test: OpenProcess, QueryFullProcessImageNameW. Throws off Windows. */
export function loadProcessImages(library = 'kernel32.dll'): (pid: number) => ProcessImage {
  const kernel32 = loadKoffi().load(library);
  const open = kernel32.func(
    'intptr_t __stdcall OpenProcess(uint32 access, int32 inherit, uint32 pid)',
  ) as unknown as Open;
  const query = kernel32.func(
    'int32 __stdcall QueryFullProcessImageNameW(intptr_t handle, uint32 flags, void *path, _Inout_ uint32 *units)',
  ) as unknown as Query;
  const closeHandle = kernel32.func('int32 __stdcall CloseHandle(intptr_t handle)') as unknown as (
    handle: unknown,
  ) => number;
  const lastError = kernel32.func('uint32 __stdcall GetLastError()') as unknown as () => number;
  return (pid) => {
    const handle = open(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
    if (BigInt(handle) === 0n) return { error: lastError() };
    try {
      const path = Buffer.alloc(PATH_UNITS * 2);
      const units: [number] = [PATH_UNITS];
      if (query(handle, 0, path, units) === 0) return { error: lastError() };
      return { path: path.toString('utf16le', 0, Math.min(units[0], PATH_UNITS) * 2) };
    } finally {
      closeHandle(handle);
    }
  };
}
