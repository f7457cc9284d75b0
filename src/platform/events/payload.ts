import { EVENT_PAYLOAD_LIMITS, EventGapLine, EventPayloadHeader } from '../../shared/event-payload.ts';
import type { EventGap } from '../../shared/event-payload.ts';
import { EdrEvent, EVENT_LIMITS, FimEvent, type EventStream } from '../../shared/host-events.ts';
import { badRequest, reasonOf } from '../errors.ts';

/** A record as it arrived: `raw` has what this build does not know too, since the hash is over all of it. */
export interface ArrivedEvent {
  readonly event: FimEvent | EdrEvent;
  readonly raw: FimEvent | EdrEvent;
  readonly text: string;
}
export type PayloadLine = ArrivedEvent | { readonly gap: EventGap };

/** Levels of nesting of one record; the deepest field of the schema has five. */
const MOST_LEVELS = 32;

/**
 * The records and gaps of a payload, in order. Throws 400 naming the line for whatever is none: another agent's header, a count
 * that is not kept, a record of another stream or beyond its bounds. `lines` without their newline.
 */
export async function* payloadLines(
  lines: AsyncIterable<string>,
  stream: EventStream,
  agent: string,
): AsyncGenerator<PayloadLine, void, undefined> {
  let number = 0;
  let count = 0;
  for await (const line of lines) {
    number += 1;
    if (number === 1) {
      count = countOf(line, stream, agent);
      continue;
    }
    if (number > count + 1) throw badRequest(`line ${number}: the header says ${count} lines follow it`);
    yield onLine(number, () => lineOf(line, stream));
  }
  if (number === 0) throw badRequest('the payload has no header line');
  if (number !== count + 1) {
    throw badRequest(`the header says ${count} lines follow it, there are ${number - 1}`);
  }
}

function countOf(line: string, stream: EventStream, agent: string): number {
  const header = onLine(1, () => EventPayloadHeader.parse(jsonOf(line)));
  if (header.kind !== stream)
    throw badRequest(`line 1: a payload of ${header.kind} in an upload of ${stream}`);
  if (header.agent !== agent) throw badRequest('line 1: a payload of another agent');
  return header.count;
}

/** What `read` makes of a line; whatever it throws is the sender's mistake. */
function onLine<T>(number: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw badRequest(`line ${number}: ${firstReason(error)}`, error);
  }
}

/** The first issue of a schema with its field, or the message of another error; bounded. */
function firstReason(error: unknown): string {
  const issue = (error as { readonly issues?: readonly Issue[] }).issues?.[0];
  const reason = issue === undefined ? reasonOf(error) : `"${issue.path.join('.')}": ${issue.message}`;
  return reason.slice(0, 300);
}
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function lineOf(line: string, stream: EventStream): PayloadLine {
  const raw = jsonOf(line);
  if (isGap(raw)) {
    const { gap } = EventGapLine.parse(raw);
    if (gap.stream !== stream) throw new Error(`a gap of ${gap.stream}`);
    return { gap };
  }
  if (!isWithin(raw, MOST_LEVELS)) throw new Error(`more than ${MOST_LEVELS} levels`);
  const event = stream === 'fim' ? FimEvent.parse(raw) : EdrEvent.parse(raw);
  return { event, raw: raw as FimEvent | EdrEvent, text: line };
}

const isGap = (raw: unknown): boolean => typeof raw === 'object' && raw !== null && 'gap' in raw;

function jsonOf(line: string): unknown {
  if (line.length > EVENT_PAYLOAD_LIMITS.line || Buffer.byteLength(line) > EVENT_LIMITS.bytes) {
    throw new Error(`longer than ${EVENT_LIMITS.bytes} bytes`);
  }
  return JSON.parse(line) as unknown;
}

/** Whether a value nests no deeper than `levels`: what follows it down may then be recursive. */
function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1));
}
