import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** Stack of a call that runs in a thread, bytes: calls of the C library need more than the 128 KiB that koffi gives. */
const ASYNC_STACK_BYTES = 1024 * 1024;

let loaded: typeof Koffi | undefined;

/**
 * koffi, which calls functions of the system's libraries; loaded on use, for few processes need it. Everyone in this room
 * takes it from here: it can be configured only before its first library is loaded. Throws where it has no binary for
 * this host.
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
