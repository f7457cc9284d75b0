import { loadKoffi } from '../native/koffi.ts';
import { errnoName } from '../native/libc.ts';
import { decodeHostText } from '../text.ts';

/** Path of the executable of a process as the kernel has it, or the name of the error: `ESRCH` where there is no such process. */
export type ProcessPath = { readonly path: string } | { readonly error: string };

/** PROC_PIDPATHINFO_MAXSIZE (sys/proc_info.h): more is refused. */
const MOST_BYTES = 4_096;

/** Loads libSystem, or the library of that name in a test: proc_pidpath (libproc.h). Throws off macOS. */
export function loadProcessPaths(library = '/usr/lib/libSystem.B.dylib'): (pid: number) => ProcessPath {
  const koffi = loadKoffi();
  const ask = koffi
    .load(library)
    .func('int proc_pidpath(int pid, void *buffer, uint32 bytes)') as unknown as (
    pid: number,
    buffer: Buffer,
    bytes: number,
  ) => number;
  return (pid) => {
    const buffer = Buffer.alloc(MOST_BYTES);
    const length = ask(pid, buffer, MOST_BYTES);
    if (length <= 0) return { error: errnoName(-koffi.errno()) };
    return { path: decodeHostText(buffer.subarray(0, Math.min(length, MOST_BYTES))) };
  };
}
