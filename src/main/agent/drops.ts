import { z } from 'zod';
import { EVENT_STREAMS } from '../../shared/host-events.ts';
import type { SensorState } from '../../shared/sensor.ts';
import { isDiskRefusal } from '../queue/store-error.ts';
import type { Context } from './context.ts';

/*
 * Records that did not fit into the queue: counted there for ever, told to the platform with every heartbeat until it has
 * heard of them. Which they were stands in the gap records. What the sensor lost before it was a record is told beside them:
 * `fimLost` is how often the rules had to be walked again for it, `edrLost` how many events of processes are known to be lost.
 */

/** Stream of the queue that carries acknowledgements and activity records. */
export const RECORDS_STREAM = 'records';

/** How many records were dropped in all, by stream. */
export type Drops = Readonly<Record<string, number>>;

const STREAMS = [RECORDS_STREAM, ...EVENT_STREAMS] as const;
type Stream = (typeof STREAMS)[number];

/** What the sensor loses, by its name in the heartbeat. */
const SENSOR_LOSSES = ['fimLost', 'edrLost'] as const;
type SensorLoss = (typeof SENSOR_LOSSES)[number];
type Counted = Stream | SensorLoss;
const COUNTED: readonly Counted[] = [...STREAMS, ...SENSOR_LOSSES];

/** What a stream holds, and what keeps it from dropping, to people. */
const WORDS: Readonly<Record<Stream, { readonly what: string; readonly step: string }>> = {
  [RECORDS_STREAM]: { what: 'records', step: 'Look at why the platform is not reached' },
  fim: { what: 'FIM events', step: 'Look at why they do not leave, narrow the rules or raise fimMaxDiskMb' },
  edr: { what: 'EDR events', step: 'Look at why they do not leave, narrow the rules or raise edrMaxDiskMb' },
};

const keyOf = (stream: Counted): string =>
  stream === RECORDS_STREAM ? 'dropsReported' : `dropsReported:${stream}`;

const reported = ({ store }: Pick<Context, 'store'>, stream: Counted): number =>
  store.kv.get(keyOf(stream), z.number().int()) ?? 0;

const lostKey = (loss: SensorLoss): string => `lost:${loss}`;

const lostSoFar = ({ store }: Pick<Context, 'store'>, loss: SensorLoss): number =>
  store.kv.get(lostKey(loss), z.number().int()) ?? 0;

/** Adds up what sensors lost, over all of their processes: each counts from 0. */
export class SensorLosses {
  readonly #context: Pick<Context, 'store'>;
  #counted: Record<SensorLoss, number> = { fimLost: 0, edrLost: 0 };

  constructor(context: Pick<Context, 'store'>) {
    this.#context = context;
  }

  /** Takes what the process that runs says. Where the disk takes nothing, the next state is counted for both. */
  take({ fim, edr }: Pick<SensorState, 'fim' | 'edr'>): void {
    const said = { fimLost: fim?.overflows ?? 0, edrLost: edr?.lost ?? 0 };
    for (const loss of SENSOR_LOSSES) {
      const more = said[loss] - this.#counted[loss];
      if (more <= 0) continue;
      try {
        this.#context.store.kv.set(lostKey(loss), lostSoFar(this.#context, loss) + more);
        this.#counted[loss] = said[loss];
      } catch (error) {
        if (!isDiskRefusal(error)) throw error;
      }
    }
  }

  /** The process is gone: the next one counts anew. */
  ended(): void {
    this.#counted = { fimLost: 0, edrLost: 0 };
  }
}

/** Every drop and loss so far. */
export function countDrops(context: Pick<Context, 'store'>): Drops {
  const stats = context.store.events.stats();
  return Object.fromEntries([
    ...STREAMS.map((stream) => [stream, stats[stream]?.dropped ?? 0] as const),
    ...SENSOR_LOSSES.map((loss) => [loss, lostSoFar(context, loss)] as const),
  ]);
}

/** Those of them that the platform has not heard of, by stream; without streams that have none. */
export function unreportedDrops(context: Pick<Context, 'store'>, drops: Drops): Record<string, number> {
  const counts = COUNTED.map((stream) => [stream, (drops[stream] ?? 0) - reported(context, stream)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/** Says that records were dropped, if some were; after every record that was queued. */
export function noteDrops(context: Context, stream: Stream): void {
  const count = unreportedDrops(context, countDrops(context))[stream] ?? 0;
  if (count === 0) return;
  const values = { count: String(count), ...WORDS[stream] };
  context.conditions.raise('EVENTS_DROPPED', context.clock.now(), values, stream);
}

/** Notes that the platform knows of so many in all. */
export function dropsReported(context: Context, drops: Drops): void {
  for (const stream of COUNTED) {
    const total = drops[stream] ?? 0;
    if (total !== reported(context, stream)) context.store.kv.set(keyOf(stream), total);
  }
  for (const stream of STREAMS) context.conditions.clear('EVENTS_DROPPED', stream);
}
