import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/**
 * Stack of a call that runs in a thread, bytes. koffi gives 128 KiB, which name lookups of the C library alone may use
 * up; an overflow would end the process.
 */
const ASYNC_STACK_BYTES = 1024 * 1024;

let loaded: typeof Koffi | undefined;

/**
 * koffi, which calls functions of the system's libraries; loaded on use, for few hosts need it. Everyone takes it from
 * here: it can be configured only before its first library is loaded. Throws where it has no binary for this host.
 */
export function loadKoffi(): typeof Koffi {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const config = koffi.config();
    // It may have been configured, and have loaded a library, in another room of this process.
    if (config.async_stack_size !== ASYNC_STACK_BYTES) {
      koffi.config({ ...config, async_stack_size: ASYNC_STACK_BYTES });
    }
    loaded = koffi;
  }
  return loaded;
}

/** A function of a library that gives a number. */
export type NativeFunction = ((...args: unknown[]) => number) & {
  readonly async: (...args: unknown[]) => void;
};

/** What calls that are under way were given: their memory must not be collected before they have ended. */
const underWay = new Set<unknown>();

/**
 * Calls a function in a thread and gives its result. `args`, and `read` for memory that they only name by its address,
 * are kept until the call has ended. Rejects with what koffi throws.
 */
export function callInThread(
  call: NativeFunction,
  args: readonly unknown[],
  read: readonly Buffer[] = [],
): Promise<number> {
  const given = { args, read };
  underWay.add(given);
  return new Promise<number>((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  }).finally(() => underWay.delete(given));
}
