import type { HostEventLine } from '../../shared/control.ts';
import type { EventStream, HostEvent } from '../../shared/host-events.ts';
import { ExitCode } from '../../shared/exit-codes.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { Answer } from './answer.ts';
import { hostEventLine, pathsOf } from './format-host-event.ts';
import { harmless } from './harmless.ts';
import { print, type JsonOption } from './print.ts';

/** What of the events of a host is printed. */
export interface HostEventsOptions extends JsonOption {
  readonly stream: EventStream;
  /** Whether a path is wanted; every event without it. */
  readonly path?: ((path: string) => boolean) | undefined;
}

const isWanted = ({ path }: HostEventsOptions, event: HostEvent): boolean =>
  path === undefined || pathsOf(event).some(path);

/** Prints the newest events of files or processes. They are for administrators alone. Throws `ControlFailure`. */
export async function printHostEvents(paths: Paths, options: HostEventsOptions): Promise<void> {
  const all = await new ControlClient(paths.adminEndpoint).hostEvents(options.stream);
  const events = all.filter((event) => isWanted(options, event));
  print(options, { events }, () =>
    events.length === 0 ? [nothing(options, all.length)] : events.map(hostEventLine),
  );
}

function nothing({ stream }: HostEventsOptions, others: number): string {
  return others === 0
    ? `no ${stream} event since the agent started`
    : `none of the last ${String(others)} ${stream} events has such a path`;
}

/** Prints the newest events, then every new one, until the agent ends, which is an `Answer`. Throws `ControlFailure`. */
export async function followHostEvents(
  { adminEndpoint }: Pick<Paths, 'adminEndpoint'>,
  options: HostEventsOptions,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<void> {
  for await (const line of new ControlClient(adminEndpoint).watchHostEvents(options.stream)) {
    const text = textOf(line, options);
    if (text !== undefined) write(`${text}\n`);
  }
  throw new Answer(ExitCode.notRunning, 'the agent has ended');
}

function textOf(line: HostEventLine, options: HostEventsOptions): string | undefined {
  if ('skipped' in line) {
    return options.json === true
      ? JSON.stringify(line)
      : `... ${String(line.skipped)} events came faster than they could be printed`;
  }
  if (!isWanted(options, line.event)) return undefined;
  return options.json === true ? JSON.stringify(line.event) : harmless(hostEventLine(line.event));
}
