import {
  EdrEvent,
  EVENT_LIMITS,
  FimEvent,
  type EventActor,
  type EventProcess,
} from '../../../shared/host-events.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../../wire/event-chain.ts';
import { cut } from '../../edr/program.ts';

/** Bytes of a record without its place in the chain, for which the rest is kept. */
const MOST_BYTES = EVENT_LIMITS.bytes - 2_048;
const PATH_CHARS = 16_384;
const REASON_CHARS = 200;
/** Characters of the path of a program that are kept of a process in brief: its end says what it is. */
const KEPT_CHARS = 1_024;

type Unsealed = UnsealedFimEvent | UnsealedEdrEvent;

const UnsealedFim = FimEvent.extend({
  event: FimEvent.shape.event.omit({ hash: true }),
  wayfarer: FimEvent.shape.wayfarer.omit({ chain: true }),
});
const UnsealedEdr = EdrEvent.extend({
  event: EdrEvent.shape.event.omit({ hash: true }),
  wayfarer: EdrEvent.shape.wayfarer.omit({ chain: true }),
});

const isFim = (record: Unsealed): record is UnsealedFimEvent => record.event.module === 'fim';
const isShort = (record: Unsealed): boolean => Buffer.byteLength(JSON.stringify(record)) <= MOST_BYTES;

/**
 * The record, if the platform will take it. One that is too long is shortened; one that stays so, or has a field out of bounds,
 * is told in brief: what happened to what, and which field could not be told. One record out of bounds would have its whole
 * payload refused, and whoever can name a file could have written it.
 */
export function acceptable(record: Unsealed): Unsealed {
  const whole = wellFormed(record);
  const short = isShort(whole) ? whole : shortened(whole);
  const fault = faultOf(short) ?? (isShort(short) ? undefined : 'length');
  if (fault === undefined) return short;
  const reason = `left out, since it is out of bounds: ${fault}`.slice(0, REASON_CHARS);
  return isFim(short) ? briefChange(short, reason) : briefEvent(short, reason);
}

/** How JSON has a surrogate without its partner; a name that spells this costs a second look. */
const ESCAPED_SURROGATE = /\\ud[89a-f]/;
/** Under the `u` flag a surrogate matches only where it has no partner. */
const LONE_SURROGATE = /[\ud800-\udfff]/gu;

/** The record with U+FFFD for halves of characters, which a cut in the middle of a name leaves, and which can not be sealed. */
function wellFormed(record: Unsealed): Unsealed {
  const text = JSON.stringify(record);
  if (!ESCAPED_SURROGATE.test(text)) return record;
  return JSON.parse(text, (_name, value: unknown) =>
    typeof value === 'string' ? value.replace(LONE_SURROGATE, '\ufffd') : value,
  ) as Unsealed;
}

/** The first field that is out of bounds. */
function faultOf(record: Unsealed): string | undefined {
  const schema = isFim(record) ? UnsealedFim : UnsealedEdr;
  return schema.safeParse(record).error?.issues[0]?.path.join('.');
}

/** Leaves out what is longest and least missed, a step at a time: shown content, what others did it with, the actor's own names. */
function shortened(record: Unsealed): Unsealed {
  if (!isFim(record)) return withBriefProcess(record);
  let short = record;
  for (const step of [withoutContent, withoutLinesOfOthers, withoutOthers, withBriefActor]) {
    short = step(short);
    if (isShort(short)) break;
  }
  return short;
}

function withoutContent({ registry, ...event }: UnsealedFimEvent): UnsealedFimEvent {
  const { data, ...named } = registry ?? {};
  const { diff, ...rest } = event.wayfarer;
  return {
    ...event,
    ...(registry === undefined ? {} : { registry: named as typeof registry }),
    wayfarer: data === undefined && diff === undefined ? event.wayfarer : { ...rest, no_diff: 'too long' },
  };
}

function withoutLinesOfOthers(event: UnsealedFimEvent): UnsealedFimEvent {
  const { other_actors: others, ...rest } = event.wayfarer;
  return others === undefined
    ? event
    : { ...event, wayfarer: { ...rest, other_actors: others.map(withoutCommandLine) } };
}

function withoutCommandLine(actor: EventActor): EventActor {
  if (actor.state === 'unknown') return actor;
  const { command_line: _left, ...process } = actor.process;
  return { ...actor, process };
}

function withoutOthers(event: UnsealedFimEvent): UnsealedFimEvent {
  const { other_actors: _left, ...alone } = event.wayfarer;
  return { ...event, wayfarer: alone };
}

function withBriefActor(event: UnsealedFimEvent): UnsealedFimEvent {
  const { actor } = event.wayfarer;
  if (actor.state === 'unknown') return event;
  return { ...event, wayfarer: { ...event.wayfarer, actor: { ...actor, process: inBrief(actor.process) } } };
}

function withBriefProcess(event: UnsealedEdrEvent): UnsealedEdrEvent {
  return event.process === undefined ? event : { ...event, process: inBrief(event.process) };
}

/** The last characters of a text, no surrogate pair cut in two. */
const endOf = (text: string): string => text.slice(-KEPT_CHARS).replace(/^[\udc00-\udfff]/, '');

function inBrief({ pid, executable, start, exit_code: status }: EventProcess): EventProcess {
  return {
    pid,
    ...(executable === undefined ? {} : { executable: endOf(executable) }),
    ...(start === undefined ? {} : { start }),
    ...(status === undefined ? {} : { exit_code: status }),
  };
}

/** A change without the states of the file; without who did it as well, where that is what is out of bounds. */
function briefChange(record: UnsealedFimEvent, reason: string): UnsealedFimEvent {
  const { detected, severity, changed, actor } = record.wayfarer;
  const brief: UnsealedFimEvent = {
    '@timestamp': record['@timestamp'],
    event: record.event,
    rule: record.rule,
    file: {
      path: cut(record.file.path, PATH_CHARS),
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
    ...(record.file === undefined ? {} : { file: { path: cut(record.file.path, PATH_CHARS) } }),
    wayfarer: { severity, reason, ...(lost === undefined ? {} : { lost }) },
  };
}
