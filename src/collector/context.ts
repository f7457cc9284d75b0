import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Pace } from '../shared/collector.ts';
import { Cancelled } from './abort-gate.ts';
import type { CpuMeter } from './cpu-meter.ts';
import { processTimer } from './debounce.ts';
import { Hold } from './hold.ts';
import { budgetOf, Pacer } from './pace.ts';
import { runCommand, type RunnerOptions } from './run.ts';
import type { Os, ReadContext } from './table.ts';

/** Sleeps, or gives the event loop one turn where there is nothing to sleep for. Rejects with `Cancelled` on abort. */
async function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  try {
    if (ms > 0) await delay(ms, undefined, { signal });
    else await nextTurn(undefined, { signal });
  } catch {
    throw new Cancelled();
  }
}

/** The context of one collection on the real host, paced by the profile's limits. `root` as `normalRoot` gives it. */
export function hostContext(
  host: { readonly root: string; readonly os: Os; readonly meter: CpuMeter },
  pace: Pace,
  signal: AbortSignal,
): ReadContext {
  const { root, os, meter } = host;
  const sleep = (ms: number): Promise<void> => sleepUnless(signal, ms);
  const now = (): number => performance.now();
  const pacer = new Pacer(budgetOf(pace, os), { cpuMs: () => meter.total(), now, sleep });
  return {
    root,
    os,
    signal,
    sleep,
    now: () => Date.now(),
    ...(pace.samplesApartMs !== undefined && { samplesApartMs: pace.samplesApartMs }),
    breathe: () => pacer.breathe(),
    run: (file, args, limits) =>
      runCommand({ os, signal, mayHold: pacer.limits, follow: follower(meter, pacer) }, file, args, limits),
  };
}

/** Counts what commands use while they run, and holds those to the budget that can be held. */
export function follower(meter: CpuMeter, pacer: Pacer): NonNullable<RunnerOptions['follow']> {
  return ({ pid, signal, holdable }) => {
    const rest = (): number | undefined => {
      meter.look(pid);
      return pacer.rest();
    };
    const hold = holdable
      ? new Hold({ rest, signal, startTimer: processTimer, now: () => performance.now() })
      : undefined;
    return {
      heldMs: () => hold?.heldMs() ?? 0,
      end: () => {
        hold?.end();
        meter.ended(pid);
      },
    };
  };
}
