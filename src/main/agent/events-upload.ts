import type { EventStream } from '../../shared/host-events.ts';
import { TYPE_OF_STREAM } from '../../shared/modules.ts';
import type { QueuedRecord } from '../queue/event-queue.ts';
import { isDiskRefusal } from '../queue/store-error.ts';
import { describeFailure, type Failure } from '../uplink/failure.ts';
import type { Apply, Context } from './context.ts';
import { postpone } from './documents.ts';
import { encodePayload, PAYLOAD_ENCODING, type PayloadBody } from './event-payload.ts';
import { forgetPayload, holdStream, keepPayload, noteQueued } from './event-streams.ts';
import { emptyStream, type PayloadTerms, type SideUpload } from './facts.ts';
import { payloadLimits } from './payload-limits.ts';
import { statusIntervalSec } from './plan.ts';
import { chunkCountOf, sideUploadStep } from './side-upload.ts';
import { chunkBytesOf, deltaIntervalSec } from './upload-progress.ts';

/** How long a disk that takes nothing is left alone, ms. */
const DISK_RETRY_MS = 60_000;

/** The encoded payloads under way, by stream. They are made anew from the queue where one is missing. */
export type PayloadBodies = Map<EventStream, PayloadBody>;

/** Takes the payload of a stream one step further: make it, or take its upload a step further (R205). */
export async function eventsStep(
  context: Context,
  bodies: PayloadBodies,
  stream: EventStream,
): Promise<Apply> {
  try {
    const apply = await nextStep(context, bodies, stream);
    return () => {
      try {
        apply();
        context.conditions.clear('DISK_FULL', stream);
      } catch (error) {
        diskRefused(context, stream, error);
      }
    };
  } catch (error) {
    return () => {
      diskRefused(context, stream, error);
    };
  }
}

async function nextStep(context: Context, bodies: PayloadBodies, stream: EventStream): Promise<Apply> {
  const { payload } = context.facts().streams[stream];
  const agent = context.identity.registration?.hostId ?? '';
  if (payload === null) return makePayload(context, bodies, stream, agent);
  const { terms } = payload;
  const body = bodies.get(stream);
  if (terms.agent === agent && body?.digest === terms.digest)
    return send(context, bodies, stream, payload, body);
  const again = await bodyOf(bodies, stream, agent, context.store.events.handedOut(stream, terms.upTo));
  if (again !== undefined && terms.agent === agent && again.digest === terms.digest) {
    return send(context, bodies, stream, payload, again);
  }
  // Acknowledged already, or the host has another identity by now.
  return () => {
    if (again === undefined) forgetPayload(context, stream);
    else begin(context, stream, again, { agent, upTo: terms.upTo, count: terms.count });
    noteQueued(context, stream);
  };
}

/** The oldest that is queued, as much as a payload may hold. */
async function makePayload(
  context: Context,
  bodies: PayloadBodies,
  stream: EventStream,
  agent: string,
): Promise<Apply> {
  const facts = context.facts();
  const { mostRecords } = facts.streams[stream];
  const maxBytes = payloadLimits(facts, stream).payloadBytes;
  const queued = context.store.events.peek(stream, { maxRecords: mostRecords, maxBytes });
  const last = queued.at(-1);
  const body = await bodyOf(bodies, stream, agent, queued);
  return () => {
    if (last === undefined || body === undefined) noteQueued(context, stream);
    else begin(context, stream, body, { agent, upTo: last.position, count: queued.length });
  };
}

async function bodyOf(
  bodies: PayloadBodies,
  stream: EventStream,
  agent: string,
  queued: readonly QueuedRecord[],
): Promise<PayloadBody | undefined> {
  if (queued.length === 0) return undefined;
  const body = await encodePayload(stream, agent, queued);
  bodies.set(stream, body);
  return body;
}

function begin(
  context: Context,
  stream: EventStream,
  { encodedBytes, rawBytes, digest }: PayloadBody,
  part: Pick<PayloadTerms, 'agent' | 'upTo' | 'count'>,
): void {
  const { profile, activeTypes } = context.facts();
  if (!activeTypes.includes(TYPE_OF_STREAM[stream])) return;
  const chunkBytes = chunkBytesOf(profile);
  const idempotencyKey = context.random.uuid();
  const terms: PayloadTerms = { ...part, encodedBytes, rawBytes, digest, chunkBytes, idempotencyKey };
  keepPayload(context, stream, { terms, held: null, nextStepAt: context.clock.now(), failures: 0 });
}

function send(
  context: Context,
  bodies: PayloadBodies,
  stream: EventStream,
  payload: SideUpload<PayloadTerms>,
  { bytes }: PayloadBody,
): Promise<Apply> {
  const { terms } = payload;
  const { chunkBytes, rawBytes, count } = terms;
  return sideUploadStep(context, payload, {
    name: TYPE_OF_STREAM[stream],
    body: { kind: stream, encoding: PAYLOAD_ENCODING, rawBytes },
    chunk: (n) => bytes.subarray(n * chunkBytes, (n + 1) * chunkBytes),
    keep: (upload) => {
      keepPayload(context, stream, upload);
    },
    done: () => {
      bodies.delete(stream);
      delivered(context, stream, terms);
    },
    refused: (failure) => {
      refused(context, stream, terms, failure);
    },
    shrink: () => {
      if (count > 1) forgetPayload(context, stream, { mostRecords: Math.ceil(count / 2) });
      return count > 1;
    },
  });
}

/** The platform has it: first the records go, so that a crash in between finds a payload without any and forgets it. */
function delivered(context: Context, stream: EventStream, terms: PayloadTerms): void {
  const { count, encodedBytes, rawBytes } = terms;
  const now = context.clock.now();
  context.store.events.acknowledge(stream, terms.upTo);
  const notBefore = now + deltaIntervalSec(context.facts()) * 1000;
  const mostRecords = Math.min(context.facts().streams[stream].mostRecords * 2, emptyStream.mostRecords);
  forgetPayload(context, stream, { uploadedAt: now, notBefore, mostRecords });
  noteQueued(context, stream);
  const type = TYPE_OF_STREAM[stream];
  context.conditions.clear('EVENTS_REFUSED', type);
  context.countUpload(rawBytes, chunkCountOf(terms));
  context.log.info(`${type} payload committed: ${count} records, ${encodedBytes} B`);
  context.emit({ name: 'events uploaded', type, records: count, rawBytes, sentBytes: encodedBytes });
}

/**
 * What can't be taken is not offered for ever (protocol, "Errors"): 403 ends the whole stream. After 400 smaller payloads find
 * the record that is refused, and it goes alone: anybody who can make one must not take others with it.
 */
function refused(context: Context, stream: EventStream, terms: PayloadTerms, failure: Failure): void {
  const type = TYPE_OF_STREAM[stream];
  const reason = describeFailure(failure);
  if (failure.kind === 'api' && failure.status === 403) {
    moduleRefused(context, stream, failure.code, reason);
    return;
  }
  if (terms.count > 1) {
    context.log.warn(`${type} payload of ${terms.count} records refused, half of it follows: ${reason}`);
    forgetPayload(context, stream, { mostRecords: Math.ceil(terms.count / 2) });
    return;
  }
  const total = context.facts().streams[stream].refused + 1;
  context.log.error(`${type} record refused and dropped: ${reason}`);
  context.store.events.acknowledge(stream, terms.upTo);
  const notBefore = context.clock.now() + deltaIntervalSec(context.facts()) * 1000;
  forgetPayload(context, stream, { refused: total, mostRecords: 1, notBefore });
  noteQueued(context, stream);
  context.conditions.raise(
    'EVENTS_REFUSED',
    context.clock.now(),
    { type, count: String(total), reason },
    type,
  );
}

function moduleRefused(context: Context, stream: EventStream, code: string, reason: string): void {
  const type = TYPE_OF_STREAM[stream];
  context.log.warn(`${type} payload stopped: ${reason}`);
  context.update({ heartbeatWanted: true });
  if (code !== 'MODULE_NOT_ACTIVE') {
    holdStream(context, stream, context.clock.now() + statusIntervalSec(context.facts()) * 1000);
    return;
  }
  context.forgetType(type);
  postpone(context, type);
}

/** A disk that takes nothing keeps the payloads of a stream from leaving, and nothing else. */
function diskRefused(context: Context, stream: EventStream, error: unknown): void {
  if (!isDiskRefusal(error)) throw error;
  const now = context.clock.now();
  holdStream(context, stream, now + DISK_RETRY_MS);
  context.log.error(`${TYPE_OF_STREAM[stream]} payloads wait for the disk: ${error.message}`);
  const values = { path: context.paths.dataDir, reason: error.message };
  context.conditions.raise('DISK_FULL', now, values, stream);
}
