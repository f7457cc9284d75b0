import { EdrEvent, EVENT_LIMITS, FimEvent } from '../../../shared/host-events.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../../wire/event-chain.ts';

/** What the chain adds to a record, bytes. */
const CHAIN_BYTES = 512;
const PATH_CHARS = 16_384;
const REASON_CHARS = 200;

type Unsealed = UnsealedFimEvent | UnsealedEdrEvent;

const UnsealedFim = FimEvent.extend({
  event: FimEvent.shape.event.omit({ hash: true }),
  wayfarer: FimEvent.shape.wayfarer.omit({ chain: true }),
});
const UnsealedEdr = EdrEvent.extend({
  event: EdrEvent.shape.event.omit({ hash: true }),
  wayfarer: EdrEvent.shape.wayfarer.omit({ chain: true }),
});

/**
 * The record, if the platform will take it; else a brief one that still says what happened to what, and which field could not
 * be told. One record out of bounds would have its whole payload refused, and whoever can name a file could have written it.
 */
export function acceptable(record: Unsealed): Unsealed {
  const fault = faultOf(record);
  if (fault === undefined) return record;
  const reason = `left out, since it is out of bounds: ${fault}`.slice(0, REASON_CHARS);
  return record.event.module === 'fim'
    ? briefChange(record as UnsealedFimEvent, reason)
    : briefEvent(record as UnsealedEdrEvent, reason);
}

/** The first field that is out of bounds. */
function faultOf(record: Unsealed): string | undefined {
  const schema = record.event.module === 'fim' ? UnsealedFim : UnsealedEdr;
  const issue = schema.safeParse(record).error?.issues[0];
  if (issue !== undefined) return issue.path.join('.');
  const bytes = Buffer.byteLength(JSON.stringify(record), 'utf8');
  return bytes + CHAIN_BYTES > EVENT_LIMITS.bytes ? 'its length' : undefined;
}

/** A change without the states of the file; without who did it as well, where that is what is out of bounds. */
function briefChange(record: UnsealedFimEvent, reason: string): UnsealedFimEvent {
  const { detected, severity, changed, actor } = record.wayfarer;
  const brief: UnsealedFimEvent = {
    '@timestamp': record['@timestamp'],
    event: record.event,
    rule: record.rule,
    file: {
      path: record.file.path.slice(0, PATH_CHARS),
      ...(record.file.type === undefined ? {} : { type: record.file.type }),
      unhashed: reason,
    },
    wayfarer: { detected, severity, changed, actor },
  };
  if (faultOf(brief) === undefined) return brief;
  return { ...brief, wayfarer: { detected, severity, changed, actor: { state: 'unknown', reason } } };
}

/** An event with the process by its number, and the file by its path. */
function briefEvent(record: UnsealedEdrEvent, reason: string): UnsealedEdrEvent {
  const { severity, lost } = record.wayfarer;
  return {
    '@timestamp': record['@timestamp'],
    event: record.event,
    ...(record.rule === undefined ? {} : { rule: record.rule }),
    ...(record.process === undefined ? {} : { process: { pid: record.process.pid } }),
    ...(record.file === undefined ? {} : { file: { path: record.file.path.slice(0, PATH_CHARS) } }),
    wayfarer: { severity, reason, ...(lost === undefined ? {} : { lost }) },
  };
}
