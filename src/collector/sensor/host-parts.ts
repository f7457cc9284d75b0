/** Share of a core for what the sensor reads and runs beside its sources: it is below others, and none of it is long. */
export const PACE = { cpuLimitPct: 100, cpuThrottleMs: 20 } as const;

/** The thread that hashes images: its source in development, the bundle beside the sensor's where it is installed. */
export function hashThread(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith('.ts') ? '../edr/image-hash-thread.ts' : './image-hash.mjs', here);
}
