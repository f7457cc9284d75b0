import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { PacJob, PacOutcome } from './job.ts';
import { Lookups, type Resolver } from './lookups.ts';
import { runOnce } from './sandbox.ts';

/** The code of the script engine. Read apart, so that the process that runs it needs no right to files by then. */
export function loadEngine(): Uint8Array<ArrayBuffer> {
  return readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'));
}

/**
 * Runs a script and looks up the names that it asks for, one after the other: the engine can't wait, so the script
 * starts again with what is known by then, as in Chromium. `elapsed` is a clock that only goes forward, ms. Never
 * rejects for what a script does.
 */
export async function evaluate(
  job: PacJob,
  resolver: Resolver,
  engine = loadEngine(),
  elapsed = (): number => performance.now(),
): Promise<PacOutcome> {
  const lookups = new Lookups(resolver, job.limits, elapsed);
  let left = job.limits.scriptMs;
  for (;;) {
    const run = await runOnce(engine, job, lookups.names, left, elapsed);
    if ('outcome' in run) return run.outcome;
    left -= run.ranMs;
    await lookups.find(run.unknown);
  }
}
