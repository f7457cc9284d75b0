import type { EdrEvent, EventActor, EventUser, FimEvent } from '../../shared/host-events.ts';
import { SEVERITIES } from '../../shared/host-events.ts';
import type { Admin } from '../admin/admin.ts';
import { actorOf } from '../events/facets.ts';
import { printable } from '../printable.ts';
import type { FoundEvent } from '../store/event-search.ts';
import { tableOf, when } from './output.ts';

const HEAD = ['TIME', 'HOST', 'ACTION', 'PATH', 'WHO', 'RULE', 'SEVERITY'] as const;
/** Widths of the columns of lines that come one by one, and most that a cell of a table has. */
const WIDTHS = [20, 16, 19, 48, 32, 16, 8] as const;
const WIDEST = 72;

type Known = Extract<EventActor, { state: 'known' }>;

/** One line per event, aligned, the newest first. */
export function eventsText(events: readonly FoundEvent[], more: boolean): string {
  if (events.length === 0) return 'no event matches';
  const rows = events.map((event) => cellsOf(event).map((cell) => clipped(cell, WIDEST)));
  const rest = more ? '\nthere are more: raise --limit, or go back in time with --until' : '';
  return `${tableOf(HEAD, rows)}${rest}`;
}

/** The line of one event among others that are not known yet. */
export function eventLine(event: FoundEvent): string {
  return cellsOf(event)
    .map((cell, at) => printable(clipped(cell, WIDEST)).padEnd(WIDTHS[at] ?? 0))
    .join('  ')
    .trimEnd();
}

export const eventHead = (): string =>
  HEAD.map((title, at) => title.padEnd(WIDTHS[at] ?? 0))
    .join('  ')
    .trimEnd();

/** A cell with its middle left out: both ends of a path say more than one. */
function clipped(text: string, width: number): string {
  if (text.length <= width) return text;
  const half = Math.floor((width - 3) / 2);
  return `${text.slice(0, half)}...${text.slice(text.length - half)}`;
}

function cellsOf({ at, hostname, fault, record }: FoundEvent): string[] {
  const event = JSON.parse(record) as FimEvent | EdrEvent;
  const severity = SEVERITIES[event.event.severity - 1] ?? String(event.event.severity);
  const marked = fault === null ? severity : `${severity} (${fault})`;
  return [when(at), hostname, event.event.action, whatOf(event), whoOf(event), event.rule?.id ?? '-', marked];
}

/** What it happened to. */
function whatOf(event: FimEvent | EdrEvent): string {
  const { previous_path: from, path } = (event.file ?? {}) as Partial<FimEvent['file']>;
  if (path !== undefined) return from === undefined ? path : `${from} -> ${path}`;
  const { process, server, wayfarer } = event as EdrEvent;
  if (server !== undefined) return `${server.transport} ${server.address} port ${server.port}`;
  const lost = wayfarer.lost === undefined ? undefined : `${wayfarer.lost} events`;
  return wayfarer.item ?? process?.executable ?? process?.name ?? lost ?? '-';
}

/** `vim 4711 root (alice)`: process, pid, user and who had logged in; or why nobody is known. */
function whoOf(event: FimEvent | EdrEvent): string {
  const known = actorOf(event);
  if (known === undefined) return `unknown: ${reasonOf(event)}`;
  const user = userText(known.user);
  const login = userText(known.login_user);
  const shown = login === undefined || login === user ? user : `${user ?? 'unknown user'} (${login})`;
  return `${processText(known)} ${known.process.pid}${shown === undefined ? '' : ` ${shown}`}`;
}

function reasonOf({ wayfarer }: FimEvent | EdrEvent): string {
  const { actor } = wayfarer as Partial<FimEvent['wayfarer']>;
  const { reason } = wayfarer as Partial<EdrEvent['wayfarer']>;
  return (actor?.state === 'unknown' ? actor.reason : reason) ?? 'no process is named';
}

const userText = (user: EventUser | undefined): string | undefined => user?.name ?? user?.id;
const processText = ({ process }: Pick<Known, 'process'>): string =>
  process.name ?? process.executable?.split(/[\\/]/).at(-1) ?? 'process';

/** Everything about one event: what matters first, then the record, field by field. */
export function eventText(found: FoundEvent): string {
  const event = JSON.parse(found.record) as FimEvent | EdrEvent;
  const { chain, ...rest } = event.wayfarer;
  const { diff } = rest as Partial<FimEvent['wayfarer']>;
  const lines = [
    ['event', event.event.id],
    ['host', `${found.hostname} (${found.agent})`],
    ['happened', event['@timestamp']],
    ['received', when(found.receivedAt)],
    ['action', `${event.event.action}: ${whatOf(event)}`],
    ['who', whoOf(event)],
    ['chain', `${chain.id} ${chain.sequence}${found.fault === null ? '' : `, CHAIN_BROKEN: ${found.fault}`}`],
    ...fieldsOf(event).filter(([name]) => !SHOWN.test(name)),
  ];
  const width = Math.max(...lines.map(([name = '']) => name.length));
  const shown = lines.map(
    ([name = '', value = '']) => `${printable(name).padEnd(width)}  ${printable(value)}`,
  );
  return [...shown, ...(diff === undefined ? [] : ['', ...diff.split('\n').map((line) => `  ${line}`)])].join(
    '\n',
  );
}

/** Fields that stand above in other words, and the diff, which stands below. */
const SHOWN = /^(@timestamp|event\.(id|hash|kind|action)|wayfarer\.(chain\..*|diff))$/;

/** The fields of a record with dots between their names. */
function fieldsOf(value: unknown, path = ''): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return [[path, value.join(', ')]];
  return Object.entries(value).flatMap(([name, inner]) =>
    fieldsOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

const chainText = (faults: number): string =>
  faults === 0 ? 'whole' : `CHAIN_BROKEN, ${faults} fault${faults === 1 ? '' : 's'}`;

/** How the chains stand after every row was read again. */
export function verifiedText(found: Awaited<ReturnType<Admin['verifyEvents']>>): string {
  if (found.length === 0) return 'no events are stored';
  const rows = found.map(({ hostname, stream, chains, events, lost, dropped, faults }) => [
    hostname,
    stream,
    String(chains),
    String(events),
    String(lost),
    String(dropped),
    chainText(faults.length),
  ]);
  const head = ['HOST', 'STREAM', 'CHAINS', 'EVENTS', 'LOST ON HOST', 'DROPPED HERE', 'CHAIN'];
  const faults = found.flatMap(({ hostname, faults }) => faults.map((fault) => ({ hostname, ...fault })));
  return [tableOf(head, rows), ...(faults.length === 0 ? [] : ['', faultTable(faults)])].join('\n');
}

interface ShownFault {
  readonly hostname: string;
  readonly stream: string;
  readonly kind: string;
  readonly expected: string;
  readonly found: string;
  readonly event: string;
}

function faultTable(faults: readonly ShownFault[]): string {
  const rows = faults.map(({ hostname, stream, kind, expected, found, event }) => [
    hostname,
    stream,
    kind,
    clipped(expected, 36),
    clipped(found, 36),
    event,
  ]);
  return tableOf(['HOST', 'STREAM', 'FAULT', 'EXPECTED', 'FOUND', 'EVENT'], rows);
}

/** The streams of a host as its page shows them: nothing for a host without events. */
export function streamsText({ eventStreams, eventFaults, status }: ReturnType<Admin['show']>): string[] {
  const drops = status['drops'] as Readonly<Record<string, number>> | undefined;
  const dropped = Object.entries(drops ?? {}).filter(([, count]) => count > 0);
  const told = dropped.map(([stream, count]) => `${printable(stream)} ${count}`).join(', ');
  const lines = dropped.length === 0 ? [] : ['', `dropped on the host, by its last heartbeat: ${told}`];
  if (eventStreams.length === 0) return lines;
  const rows = eventStreams.map((one) => [
    one.stream,
    String(one.events),
    one.chain === null ? '-' : String(one.chain.sequence),
    when(one.newestAt),
    String(one.lost),
    String(one.dropped),
    chainText(one.faults),
  ]);
  const head = ['STREAM', 'EVENTS', 'SEQUENCE', 'NEWEST', 'LOST ON HOST', 'DROPPED HERE', 'CHAIN'];
  return [...lines, '', tableOf(head, rows), ...eventFaults.slice(0, 5).map(faultLine)];
}

function faultLine(fault: ReturnType<Admin['show']>['eventFaults'][number]): string {
  const { code, stream, kind, expected, found, at, mendedAt, missing } = fault;
  const open =
    mendedAt === null ? (missing > 0 ? `, ${missing} missing` : '') : `, complete since ${when(mendedAt)}`;
  return `${when(at)}  ${code} ${stream}: ${kind}, expected ${clipped(expected, 36)}, found ${clipped(found, 36)}${open}`;
}
