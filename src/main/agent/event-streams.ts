import { z } from 'zod';
import type { EventStream } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM, type ManifestType } from '../../shared/modules.ts';
import type { Store } from '../queue/open.ts';
import type { Context } from './context.ts';
import { emptyStream, type PayloadTerms, type SideUpload, type StreamFacts } from './facts.ts';

/*
 * The streams of events on the disk: their records stand in the queue, and beside them what it takes to go on with a
 * payload after a restart, so that the same records leave as the same body under the same idempotency key.
 */

const Terms = z.object({
  agent: z.string(),
  upTo: z.number().int(),
  count: z.number().int().positive(),
  rawBytes: z.number().int().positive(),
  encodedBytes: z.number().int().positive(),
  digest: z.string(),
  chunkBytes: z.number().int().positive(),
  idempotencyKey: z.string(),
  uploadId: z.string().optional(),
});

const Kept = z.object({
  payload: Terms.nullable(),
  uploadedAt: z.number().nullable(),
  refused: z.number().int().min(0),
});

const keyOf = (stream: EventStream): string => `stream:${stream}`;

/** How a stream stood when the last run ended, to go on at `now`. */
export function storedStream(
  store: Pick<Store, 'kv' | 'events'>,
  stream: EventStream,
  now: number,
): StreamFacts {
  const kept = store.kv.get(keyOf(stream), Kept);
  const queued = { ...emptyStream, ...queuedOf(store, stream, now) };
  if (kept === undefined) return queued;
  const { payload: terms, uploadedAt, refused } = kept;
  const payload = terms === null ? null : { terms, held: null, nextStepAt: now, failures: 0 };
  return { ...queued, payload, uploadedAt, refused };
}

/** What is queued of a stream; its oldest waits since its own time, but not since a time that lies ahead. */
function queuedOf(
  { events }: Pick<Store, 'events'>,
  stream: EventStream,
  now: number,
): Pick<StreamFacts, 'bytes' | 'waitingSince'> {
  const { bytes = 0, oldestAt } = events.stats()[stream] ?? {};
  return { bytes, waitingSince: oldestAt === undefined ? null : Math.min(now, oldestAt) };
}

function updateStream(context: Context, stream: EventStream, change: Partial<StreamFacts>): void {
  const { streams } = context.facts();
  context.update({ streams: { ...streams, [stream]: { ...streams[stream], ...change } } });
}

/** Takes over what is queued of a stream now: after every change of the queue. */
export function noteQueued(context: Context, stream: EventStream): void {
  updateStream(context, stream, queuedOf(context.store, stream, context.clock.now()));
}

/** Holds a stream back until a moment, ms since the epoch. */
export function holdStream(context: Context, stream: EventStream, notBefore: number): void {
  const { payload } = context.facts().streams[stream];
  const later = payload === null ? null : { ...payload, held: null, nextStepAt: notBefore };
  updateStream(context, stream, { notBefore, payload: later });
}

/** Takes how a payload stands, and notes it durably where its terms changed. */
export function keepPayload(context: Context, stream: EventStream, payload: SideUpload<PayloadTerms>): void {
  const { uploadedAt, refused, payload: before } = context.facts().streams[stream];
  if (before?.terms !== payload.terms) {
    context.store.kv.set(keyOf(stream), { payload: payload.terms, uploadedAt, refused });
  }
  updateStream(context, stream, { payload });
}

/** Forgets the payload under way; `change` is what came of it. Its records stay in the queue. */
export function forgetPayload(
  context: Context,
  stream: EventStream,
  change: Partial<Pick<StreamFacts, 'uploadedAt' | 'refused' | 'mostRecords' | 'notBefore'>> = {},
): void {
  const { uploadedAt, refused } = { ...context.facts().streams[stream], ...change };
  context.store.kv.set(keyOf(stream), { payload: null, uploadedAt, refused });
  updateStream(context, stream, { ...change, payload: null });
}

/** Drops what is queued of the stream of a type whose module is gone, if it has one (R314). */
export function forgetStream(context: Context, type: ManifestType): void {
  const stream = streamOf(type);
  if (stream === undefined) return;
  const { records = 0 } = context.store.events.stats()[stream] ?? {};
  context.store.events.clear(stream);
  context.store.kv.delete(keyOf(stream));
  context.update({ streams: { ...context.facts().streams, [stream]: emptyStream } });
  if (records > 0) context.log.warn(`${records} queued ${type} events are dropped: the module is not active`);
}

/** The stream that carries the events of a type, if it is reported by events. */
export function streamOf(type: ManifestType): EventStream | undefined {
  return type === TYPE_OF_STREAM.fim ? 'fim' : type === TYPE_OF_STREAM.edr ? 'edr' : undefined;
}
