import { z } from 'zod';
import { EVENT_STREAMS, SEVERITIES, severityNumber } from '../../shared/host-events.ts';
import { parseUuid } from '../../shared/ids.ts';
import { parseInput } from '../admin/input.ts';
import type { Records } from '../context.ts';
import { NotFound, Refused } from '../errors.ts';
import type { Condition, FoundEvent, Narrowing, Position, Search } from '../store/event-search.ts';
import type { Agent } from '../store/agents.ts';

/** Most events of one page, and bytes of its records, whichever comes first. */
export const PAGE_LIMITS = { events: 1_000, bytes: 8 * 1024 * 1024 } as const;

const Text = z.string().min(1).max(1_024);
const Time = z
  .string()
  .max(64)
  .refine((text) => !Number.isNaN(Date.parse(text)), 'give a time such as 2027-01-31T08:00:00Z')
  .transform((text) => Date.parse(text));

/** What an administrator looks for. Texts that come from hosts are as hosts write them: `%XX` for what is no plain character. */
export const EventFilter = z.strictObject({
  /** Agent id or host name. */
  host: Text.optional(),
  stream: z.enum(EVENT_STREAMS).optional(),
  /** A path with all that is below it, or a pattern with `*` and `?`, which stand for separators, too. */
  path: z.string().min(1).max(4_096).optional(),
  /** Part of the executable, name, user or login user. */
  actor: Text.optional(),
  user: Text.optional(),
  rule: Text.optional(),
  action: Text.optional(),
  since: Time.optional(),
  until: Time.optional(),
  /** This severity and worse ones. */
  severity: z.enum(SEVERITIES).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMITS.events).default(100),
  cursor: z.string().max(64).optional(),
});
export type EventFilter = z.input<typeof EventFilter>;
type Parsed = z.output<typeof EventFilter>;

export interface Page {
  readonly events: readonly FoundEvent[];
  /** Where the next page begins; absent on the last. */
  readonly next?: string;
}

/**
 * A page of events, the newest first. `requireAgent` finds the agent that a name means. Throws `Refused` naming the field that
 * is wrong, `NotFound` for a host that there is not.
 */
export function searchEvents(
  context: Records,
  filter: EventFilter,
  requireAgent: (name: string) => Agent,
): Page {
  const parsed = parseInput(EventFilter, filter);
  const search = searchOf(context, parsed, requireAgent);
  if (search === undefined) return { events: [] };
  const after = parsed.cursor === undefined ? undefined : positionOf(parsed.cursor);
  const events: FoundEvent[] = [];
  let bytes = 0;
  for (const found of context.store.eventSearch.newestFirst(search, after)) {
    const last = events.at(-1);
    if (last !== undefined && (events.length === parsed.limit || bytes > PAGE_LIMITS.bytes)) {
      return { events, next: cursorOf(last) };
    }
    events.push(found);
    bytes += found.record.length;
  }
  return { events };
}

/** Events that arrived behind number `n` and fulfil a filter, in the order in which they arrived. Throws as `searchEvents`. */
export function arrivedEvents(
  context: Records,
  filter: EventFilter,
  n: number,
  requireAgent: (name: string) => Agent,
): readonly FoundEvent[] {
  const parsed = parseInput(EventFilter, filter);
  const search = searchOf(context, parsed, requireAgent);
  return search === undefined ? [] : context.store.eventSearch.arrived(search, n, parsed.limit);
}

/** The event of an id; where hosts share ids, the first that arrived. Throws `NotFound`, `Refused`. */
export function eventOfId(context: Records, id: string): FoundEvent {
  const uuid = parseUuid(id);
  if (uuid === undefined) throw new Refused('id: the id of an event is a UUID');
  const [found] = context.store.eventSearch.byId(uuid);
  if (found === undefined) throw new NotFound(`there is no event ${uuid}`);
  return found;
}

/** `undefined` for a host that has sent no event yet. */
function searchOf(
  context: Records,
  filter: Parsed,
  requireAgent: (name: string) => Agent,
): Search | undefined {
  const agent = filter.host === undefined ? undefined : requireAgent(filter.host);
  const host = agent === undefined ? undefined : context.store.hostEvents.hostOf(agent.id);
  if (agent !== undefined && host === undefined) return undefined;
  return {
    ...(host === undefined ? {} : { host }),
    since: filter.since ?? Number.MIN_SAFE_INTEGER,
    until: filter.until ?? Number.MAX_SAFE_INTEGER,
    narrowing: narrowingOf(filter),
    others: filter.stream === undefined ? [] : [{ sql: 'stream = ?', values: [filter.stream] }],
  };
}

function narrowingOf({ path, user, rule, actor, severity, action }: Parsed): Narrowing[] {
  const equal = (column: string, value: string | undefined): Narrowing[] =>
    value === undefined ? [] : [narrowing({ sql: `${column} = ?`, values: [value] })];
  const part = actor === undefined ? undefined : `%${actor.replace(/[\\%_]/g, '\\$&')}%`;
  return [
    ...equal('rule', rule),
    ...equal('user', user),
    ...(path === undefined ? [] : [pathNarrowing(path)]),
    ...(part === undefined ? [] : [narrowing({ sql: "actor LIKE ? ESCAPE '\\'", values: [part] })]),
    ...equal('action', action),
    ...(severity === undefined
      ? []
      : [narrowing({ sql: 'severity >= ?', values: [severityNumber(severity)] })]),
  ];
}

const numbers = (sql: string): string => `SELECT n FROM host_events WHERE ${sql}`;

const narrowing = (test: Condition): Narrowing => ({
  test,
  select: { sql: numbers(test.sql), values: test.values },
});

/** Behind every text that begins with the one before it: no text has this character at its end in UTF-8 order. */
const LAST = '\u{10FFFF}';

/** The path now or before a move: with all that is below it, or by a pattern. */
function pathNarrowing(path: string): Narrowing {
  const one = /[*?]/.test(path) ? byPattern(path) : belowPath(path);
  const [now, before] = ['path', 'previousPath'].map((column) => one.sql.replaceAll('PATH', column));
  const values = [...one.values, ...one.values];
  return {
    test: { sql: `(${now}) OR (${before})`, values },
    select: { sql: `${numbers(now ?? '')} UNION ALL ${numbers(before ?? '')}`, values },
  };
}

/** The part before the first wildcard leads through the index; brackets, which GLOB takes for sets, stand for themselves. */
function byPattern(pattern: string): Condition {
  const prefix = /^[^*?]*/.exec(pattern)?.[0] ?? '';
  const glob = pattern.replaceAll('[', '[[]').replace(/\*{2,}/g, '*');
  return { sql: 'PATH >= ? AND PATH < ? AND PATH GLOB ?', values: [prefix, `${prefix}${LAST}`, glob] };
}

function belowPath(path: string): Condition {
  const bare = path.length > 1 ? path.replace(/[\\/]$/, '') : path;
  const below = (separator: string): string[] => [`${bare}${separator}`, `${bare}${separator}${LAST}`];
  if (bare === '/') return { sql: 'PATH >= ? AND PATH < ?', values: ['/', `/${LAST}`] };
  return {
    sql: '(PATH = ? OR (PATH > ? AND PATH < ?) OR (PATH > ? AND PATH < ?))',
    values: [bare, ...below('/'), ...below('\\')],
  };
}

const cursorOf = ({ at, n }: Position): string => `${at}.${n}`;

function positionOf(cursor: string): Position {
  const [, at, n] = /^(-?\d{1,16})\.(\d{1,16})$/.exec(cursor) ?? [];
  if (at === undefined || n === undefined) throw new Refused('cursor: not one that this platform gave');
  return { at: Number(at), n: Number(n) };
}
