import { setTimeout as pause } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { AgentEvent } from '../../shared/control.ts';
import { EVENT_STREAMS, type EventStream } from '../../shared/host-events.ts';
import { ExitCode } from '../../shared/exit-codes.ts';
import { ControlClient, ControlFailure } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { Answer, answerOf } from './answer.ts';
import { eventLine } from './format-event.ts';
import { harmless } from './harmless.ts';
import { followHostEvents, printHostEvents } from './host-events.ts';
import { pathGlob } from './path-glob.ts';
import { print, type JsonOption } from './print.ts';

interface Options extends JsonOption {
  readonly follow?: boolean;
  readonly stream?: EventStream;
  readonly path?: (path: string) => boolean;
}

/** How long an agent may be gone, ms, before a follower gives up, and how often it looks: changed settings reopen it. */
const GONE_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** Adds `wayfarerctl events`: what the agent did lately, and what it does then. */
export function addEvents(program: Command, paths: Paths): void {
  program
    .command('events')
    .description('what the agent did lately: check-ins, collections, uploads, conditions')
    .option('-f, --follow', 'go on with new events until Ctrl-C')
    .addOption(
      new Option('--stream <name>', 'instead: changes of files, or processes; for administrators').choices(
        EVENT_STREAMS,
      ),
    )
    .option(
      '--path <glob>',
      'only events with such a path, of --stream fim without a --stream; * and ? stop at separators, ** does not',
      globOf,
    )
    .option('--json', 'print one JSON object, with --follow one for each event')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl events           the last events since the agent started, 200 at most
  wayfarerctl events -f        the same, then every new one
  wayfarerctl events -f --json one JSON object a line, for a program
  wayfarerctl events --path '/etc/**'
                               which files below /etc were changed, and by whom
  wayfarerctl events --stream edr -f
                               processes as they start and end`,
    )
    .action((options: Options) =>
      chosen(paths, options).catch((error: unknown) => {
        throw answerOf(error, paths);
      }),
    );
}

function globOf(text: string): (path: string) => boolean {
  try {
    return pathGlob(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** What the agent did, unless a stream is named; a path without one is that of a changed file. */
function chosen(paths: Paths, options: Options): Promise<void> {
  const { follow, path } = options;
  const stream = options.stream ?? (path === undefined ? undefined : 'fim');
  if (stream !== undefined) {
    return (follow === true ? followHostEvents : printHostEvents)(paths, { ...options, stream });
  }
  return follow === true ? followEvents(paths, sayer(options)) : recent(paths, options);
}

async function recent(paths: Paths, options: Options): Promise<void> {
  const events = await new ControlClient(paths.readEndpoint).events();
  print(options, { events }, () => (events.length === 0 ? ['nothing happened yet'] : events.map(eventLine)));
}

type Say = (event: AgentEvent) => void;

const sayer =
  ({ json }: Options): Say =>
  (event) => {
    process.stdout.write(`${json === true ? JSON.stringify(event) : harmless(eventLine(event))}\n`);
  };

/**
 * Says every event until the agent is gone for good, which is an `Answer`; `wait` is called with the pause, ms, before
 * each look for one that may be back. Throws `ControlFailure` where it can't be asked.
 */
export async function followEvents(
  paths: Pick<Paths, 'readEndpoint'>,
  say: Say,
  wait: (ms: number) => Promise<void> = pause,
): Promise<void> {
  await followOnce(paths, say);
  for (let waited = 0; waited < GONE_MS; waited += LOOK_EVERY_MS) {
    try {
      await followOnce(paths, say);
      waited = 0;
    } catch (error) {
      if (!(error instanceof ControlFailure) || error.kind !== 'not running') throw error;
    }
    await wait(LOOK_EVERY_MS);
  }
  throw new Answer(ExitCode.notRunning, 'the agent has ended');
}

/** Prints what the agent remembers, then every event until it ends. Throws `ControlFailure`. */
async function followOnce({ readEndpoint }: Pick<Paths, 'readEndpoint'>, say: Say): Promise<void> {
  const client = new ControlClient(readEndpoint);
  // What happens between the two calls is in both answers.
  const said = new Set<string>();
  for await (const line of client.watch()) {
    if (line.kind === 'snapshot') {
      for (const event of await client.events()) {
        said.add(JSON.stringify(event));
        say(event);
      }
    } else if (line.kind === 'event' && !said.delete(JSON.stringify(line.event))) say(line.event);
  }
}
