/*
 * How the runtime of service and collector is started so that both stay small; what each part saves is measured in
 * docs/figures.md. A young generation of 1 MiB instead of 16 is collected more often, which costs little where a process
 * works a few seconds an hour. glibc (mallopt(3)) otherwise gives every thread of the pool an arena that it never gives
 * back, and raises by itself the size from which on a block is mapped alone, so that the buffers of a scan and of a
 * compressor leave holes that stay with the process: both sizes are fixed here, and what is freed goes back.
 */

/** Options for the runtime, before the program. */
export const FRUGAL_ARGV: readonly string[] = ['--max-semi-space-size=1'];

/** What a process has beside its heap of JavaScript, MB: the runtime, buffers, the young generation. */
const BESIDE_HEAP_MB = 64;

/**
 * The option that bounds the heap of a process that may have `memoryMb` (1024² bytes) altogether: beyond it the runtime
 * ends the process, also one that is too busy to say how much it has.
 */
export function heapBound(memoryMb: number): string {
  return `--max-old-space-size=${memoryMb - BESIDE_HEAP_MB}`;
}

/** From this size on a block is mapped alone, and this much free memory may stay at the end of the heap, bytes. */
const GIVEN_BACK = String(64 * 1024);

/** Variables for the process; read at its start, so it can't set them itself. Without effect off glibc. */
export const FRUGAL_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: GIVEN_BACK,
  MALLOC_TRIM_THRESHOLD_: GIVEN_BACK,
};
