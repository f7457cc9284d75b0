import type {
  EdrEvent,
  EventActor,
  EventProcess,
  EventUser,
  FimEvent,
  HostEvent,
} from '../../shared/host-events.ts';
import { localTime } from './local-time.ts';

/**
 * An event of a host as one line: its time by this host's zone, what happened, to what, by whom or why that is not known,
 * under which rule, how grave.
 */
export function hostEventLine(event: HostEvent): string {
  const { severity } = event.wayfarer;
  const rule = event.rule === undefined ? '' : `, rule ${event.rule.id}`;
  return `${localTime(event['@timestamp'])}  ${detailOf(event)}${rule}, ${severity}`;
}

/** The paths that `--path` is tried on: what was changed, opened or started. */
export function pathsOf(event: HostEvent): string[] {
  const paths = isFim(event)
    ? [event.file.path, event.file.previous_path]
    : [event.file?.path, event.process?.executable];
  return paths.filter((path) => path !== undefined);
}

const isFim = (event: HostEvent): event is FimEvent => event.event.module === 'fim';

const detailOf = (event: HostEvent): string => (isFim(event) ? fimDetail(event) : edrDetail(event));

function fimDetail({ event, file, wayfarer }: FimEvent): string {
  const from = file.previous_path === undefined ? '' : `${file.previous_path} -> `;
  const changed = wayfarer.changed.length === 0 ? '' : ` (${wayfarer.changed.join(', ')})`;
  const manager = wayfarer.package_manager === undefined ? '' : `, by ${wayfarer.package_manager}`;
  const found = wayfarer.detected === 'live' ? '' : `, found by ${wayfarer.detected}`;
  return `${event.action} ${from}${file.path}${changed}  ${actorText(wayfarer.actor)}${manager}${found}`;
}

function actorText(actor: EventActor): string {
  if (actor.state === 'unknown') {
    return `unknown: ${actor.reason}${actor.pid === undefined ? '' : ` (process ${String(actor.pid)})`}`;
  }
  return `${processText(actor.process)}, ${userText(actor.user, actor.login_user)}`;
}

function edrDetail({ event, process, user, file, server, wayfarer }: EdrEvent): string {
  const what = [
    file?.path,
    server === undefined ? undefined : `${server.transport} ${server.address}:${String(server.port)}`,
    wayfarer.item,
    process?.command_line ?? process?.executable,
    process?.exit_code === undefined ? undefined : `exit code ${String(process.exit_code)}`,
    wayfarer.lost === undefined ? undefined : `${String(wayfarer.lost)} events lost`,
  ].filter((part) => part !== undefined);
  const by = process === undefined ? '' : `  ${processText(process)}, ${userText(user, wayfarer.login_user)}`;
  const why = wayfarer.reason === undefined ? '' : `, unknown: ${wayfarer.reason}`;
  return `${event.action} ${what.join(' ')}${by}${why}`;
}

function processText({ name, executable, pid, parent }: EventProcess): string {
  const from = parent === undefined ? '' : ` from ${parent.name ?? 'process'} ${String(parent.pid)}`;
  return `${name ?? executable ?? 'process'} ${String(pid)}${from}`;
}

/** The user, and who logged in where that is another one. */
function userText(user: EventUser | undefined, login: EventUser | undefined): string {
  const named = (one: EventUser): string => one.name ?? one.id;
  if (user === undefined) return 'user unknown';
  const other = login === undefined || login.id === user.id ? '' : ` (logged in as ${named(login)})`;
  return `${named(user)}${other}`;
}
