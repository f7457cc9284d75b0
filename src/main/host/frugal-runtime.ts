/*
 * How the runtime of service and collector is started so that both stay small. A young generation of 1 MiB instead of
 * 16 is collected more often, which costs little where a process works a few seconds an hour; glibc otherwise gives
 * every thread of the pool an arena that it never gives back (mallopt(3)). Measured by bench/main-job.ts: 176 MB of PSS
 * without, 110 MB with both, on a busy machine.
 */

/** Options for the runtime, before the program. */
export const FRUGAL_ARGV: readonly string[] = ['--max-semi-space-size=1'];

/** Variables for the process; read at its start, so it can't set them itself. Without effect off glibc. */
export const FRUGAL_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' };
