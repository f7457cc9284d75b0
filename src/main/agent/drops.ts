import { z } from 'zod';
import { EVENT_STREAMS } from '../../shared/host-events.ts';
import type { Context } from './context.ts';

/*
 * Records that did not fit into the queue: counted there for ever, told to the platform with every heartbeat until it has
 * heard of them. Which they were stands in the gap records.
 */

/** Stream of the queue that carries acknowledgements and activity records. */
export const RECORDS_STREAM = 'records';

/** How many records were dropped in all, by stream. */
export type Drops = Readonly<Record<string, number>>;

const STREAMS = [RECORDS_STREAM, ...EVENT_STREAMS] as const;
type Stream = (typeof STREAMS)[number];

/** What a stream holds, and what keeps it from dropping, to people. */
const WORDS: Readonly<Record<Stream, { readonly what: string; readonly step: string }>> = {
  [RECORDS_STREAM]: { what: 'records', step: 'Look at why the platform is not reached' },
  fim: { what: 'FIM events', step: 'Look at why they do not leave, narrow the rules or raise fimMaxDiskMb' },
  edr: { what: 'EDR events', step: 'Look at why they do not leave, narrow the rules or raise edrMaxDiskMb' },
};

const keyOf = (stream: Stream): string =>
  stream === RECORDS_STREAM ? 'dropsReported' : `dropsReported:${stream}`;

const reported = ({ store }: Pick<Context, 'store'>, stream: Stream): number =>
  store.kv.get(keyOf(stream), z.number().int()) ?? 0;

/** Every drop so far. */
export function countDrops({ store }: Pick<Context, 'store'>): Drops {
  const stats = store.events.stats();
  return Object.fromEntries(STREAMS.map((stream) => [stream, stats[stream]?.dropped ?? 0]));
}

/** Those of them that the platform has not heard of, by stream; without streams that have none. */
export function unreportedDrops(context: Pick<Context, 'store'>, drops: Drops): Record<string, number> {
  const counts = STREAMS.map((stream) => [stream, (drops[stream] ?? 0) - reported(context, stream)] as const);
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
  for (const stream of STREAMS) {
    const total = drops[stream] ?? 0;
    if (total !== reported(context, stream)) context.store.kv.set(keyOf(stream), total);
    context.conditions.clear('EVENTS_DROPPED', stream);
  }
}
