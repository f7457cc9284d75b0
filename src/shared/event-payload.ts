import { z } from 'zod';
import { EVENT_LIMITS, EVENT_STREAMS } from './host-events.ts';
import { Instant, Uuid } from './ids.ts';

/*
 * The body of an upload of kind `fim` or `edr` before encoding: lines of JSON, each ended by `\n`. The first is the header,
 * every other one a sealed record as the sensor made it, or `{"gap":…}` where records were dropped before they could leave
 * the host. Records stand in the order of their stream, a gap in the place of what it stands for.
 */

/** Bounds on one payload: records and gaps, and characters of one line. */
export const EVENT_PAYLOAD_LIMITS = { lines: 20_000, line: EVENT_LIMITS.bytes } as const;

export const EventPayloadHeader = z.object({
  kind: z.enum(EVENT_STREAMS),
  /** The agent that sends it. */
  agent: Uuid,
  /** Lines that follow, gaps among them. */
  count: z.number().int().min(1).max(EVENT_PAYLOAD_LIMITS.lines),
});
export type EventPayloadHeader = z.infer<typeof EventPayloadHeader>;

/** Records that a host dropped to stay within its disk limit: how many, how large in bytes, from when to when. */
export const EventGap = z.object({
  id: Uuid,
  stream: z.enum(EVENT_STREAMS),
  count: z.number().int().positive(),
  bytes: z.number().int().min(0),
  firstAt: Instant,
  lastAt: Instant,
});
export type EventGap = z.infer<typeof EventGap>;

/** A line that is a gap and not a record. */
export const EventGapLine = z.strictObject({ gap: EventGap });
export type EventGapLine = z.infer<typeof EventGapLine>;
