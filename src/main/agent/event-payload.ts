import type { EventGapLine, EventPayloadHeader } from '../../shared/event-payload.ts';
import type { EventStream } from '../../shared/host-events.ts';
import { toInstant } from '../clock.ts';
import { encodeBody, type EncodedBody } from '../queue/body-encoder.ts';
import type { QueuedRecord } from '../queue/event-queue.ts';

/** How payloads of events are compressed. */
export const PAYLOAD_ENCODING = 'zstd';

/** A payload as it leaves the host. The same records give the same bytes. */
export interface PayloadBody extends EncodedBody {
  readonly bytes: Buffer;
}

/** The body of a payload: header, then a line for each record and gap in their order. `queued` has one at least. */
export async function encodePayload(
  stream: EventStream,
  agent: string,
  queued: readonly QueuedRecord[],
): Promise<PayloadBody> {
  const segments: Buffer[] = [];
  const encoded = await encodeBody(linesOf(stream, agent, queued), PAYLOAD_ENCODING, (_, segment) => {
    segments.push(segment);
  });
  return { ...encoded, bytes: Buffer.concat(segments) };
}

function* linesOf(
  stream: EventStream,
  agent: string,
  queued: readonly QueuedRecord[],
): Generator<string, void, undefined> {
  const header: EventPayloadHeader = { kind: stream, agent, count: queued.length };
  yield `${JSON.stringify(header)}\n`;
  for (const record of queued) yield `${lineOf(stream, record)}\n`;
}

function lineOf(stream: EventStream, record: QueuedRecord): string {
  if (!record.gap) return record.body;
  const { count, bytes, firstAt, lastAt } = record.loss;
  const line: EventGapLine = {
    gap: {
      id: record.id,
      stream,
      count,
      bytes,
      firstAt: toInstant(firstAt),
      lastAt: toInstant(lastAt),
    },
  };
  return JSON.stringify(line);
}
