import { Option, type Command } from 'commander';
import { EVENT_STREAMS, SEVERITIES } from '../../shared/host-events.ts';
import { ExitCode } from '../../shared/exit-codes.ts';
import { createAdmin, type Admin } from '../admin/admin.ts';
import type { EventFilter } from '../events/search.ts';
import { jsonPrintable } from '../printable.ts';
import { openStore } from '../store/store.ts';
import { answer, withAdmin, type Common } from './commands.ts';
import { eventHead, eventLine, eventsText, eventText, verifiedText } from './event-text.ts';
import { Ended, print } from './output.ts';

/** How often a followed list looks for new events, ms. */
const FOLLOW_MS = 500;

type Options = Common & EventFilter & { readonly follow?: boolean };

const HELP = `
A path is given as hosts write it: itself with all that is below it, or a pattern in which * stands for any run of characters
and ? for one, separators among them. %XX stands for what is no plain character, and %25 for the percent sign.
--severity means this one and worse. Times are such as 2027-01-31 or 2027-01-31T08:00:00Z.
--json prints the records of the Elastic Common Schema as they came, one per line.`;

/** Adds `wayfarer-platform events`: what happened on hosts, to files and by processes. */
export function eventCommands(program: Command): void {
  const events = program.command('events').description('changes of files and events of processes');
  listCommand(events);
  events
    .command('show <id>')
    .description('everything about one event')
    .action((id: string, _, command: Command) => {
      const { data, json } = command.optsWithGlobals<Common>();
      const found = withAdmin(data, (admin) => admin.findEvent(id));
      if (json) process.stdout.write(`${jsonPrintable(found.record)}\n`);
      else print(false, undefined, () => eventText(found));
    });
  events
    .command('verify')
    .description('recompute the chains from the stored records; exit code 1 if one is broken')
    .option('--host <host>', 'of this host alone')
    .action(async (_, command: Command) => {
      await verify(command.optsWithGlobals<Options>());
    });
}

function listCommand(events: Command): void {
  events
    .command('list', { isDefault: true })
    .description('events, the newest first')
    .option('--host <host>', 'agent id or host name')
    .addOption(new Option('--stream <stream>', 'of files or of processes').choices(EVENT_STREAMS))
    .option('--path <glob>', 'path or pattern')
    .option('--actor <text>', 'part of the executable, user or login user')
    .option('--user <name>', 'user whose process it was')
    .option('--rule <id>', 'rule that it was watched by')
    .option('--action <name>', 'created, updated, deleted, moved, process_started, ...')
    .option('--since <time>', 'not before')
    .option('--until <time>', 'not after')
    .addOption(new Option('--severity <severity>', 'this one and worse').choices(SEVERITIES))
    .option('--limit <n>', 'at most so many, up to 1000', '100')
    .option('-f, --follow', 'print those that arrive from now on, until Ctrl-C')
    .addHelpText('after', HELP)
    .action(async (_, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      if (options.follow === true) await follow(options);
      else list(options, command);
    });
}

function filterOf(options: Options): EventFilter {
  const { data: _data, json: _json, follow: _follow, ...filter } = options;
  return filter;
}

function list(options: Options, command: Command): void {
  if (!options.json) {
    answer(
      command,
      (admin) => admin.findEvents(filterOf(options)),
      ({ events, next }) => eventsText(events, next !== undefined),
    );
    return;
  }
  const { events } = withAdmin(options.data, (admin) => admin.findEvents(filterOf(options)));
  for (const { record } of events) process.stdout.write(`${jsonPrintable(record)}\n`);
}

/** Looks for new events until the process is told to end, or nobody reads any more. */
async function follow(options: Options): Promise<void> {
  const filter = filterOf(options);
  // Says what is wrong with the filter or the directory before anything is waited for.
  withAdmin(options.data, (admin) => admin.findEvents({ ...filter, limit: 1 }));
  const store = openStore(options.data);
  const ended = endOfFollowing();
  try {
    const admin = createAdmin({ store, now: Date.now });
    if (!options.json) process.stdout.write(`${eventHead()}\n`);
    let n = admin.newestEvent();
    while (!(await ended.within(FOLLOW_MS))) n = printArrived(admin, filter, n, options.json);
  } finally {
    store.close();
  }
}

/** Events of one look; those that are left over come with the next. */
const PER_LOOK = 1_000;

/** Prints what arrived behind event number `n`; returns the number up to which all is printed. */
function printArrived(admin: Admin, filter: EventFilter, n: number, json: boolean): number {
  const newest = admin.newestEvent();
  const events = admin.arrivedEvents({ ...filter, limit: PER_LOOK }, n);
  for (const event of events) {
    process.stdout.write(`${json ? jsonPrintable(event.record) : eventLine(event)}\n`);
  }
  const last = events.at(-1)?.n ?? n;
  return events.length === PER_LOOK ? last : Math.max(last, newest);
}

function endOfFollowing() {
  const ended = new Promise<true>((resolve) => {
    const end = (): void => {
      resolve(true);
    };
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    process.stdout.once('error', end);
  });
  return {
    /** Whether the end came within so many milliseconds. */
    async within(ms: number): Promise<boolean> {
      let timer: NodeJS.Timeout | undefined;
      const passed = new Promise<false>((resolve) => {
        timer = setTimeout(() => {
          resolve(false);
        }, ms);
      });
      const result = await Promise.race([ended, passed]);
      clearTimeout(timer);
      return result;
    },
  };
}

async function verify({ data, json, host }: Options): Promise<void> {
  const verified = await withStore(data, (admin) => admin.verifyEvents(host));
  print(json, verified, () => verifiedText(verified));
  if (verified.some(({ faults }) => faults.length > 0)) throw new Ended(ExitCode.failed);
}

/** As `withAdmin`, for work that takes its time. */
async function withStore<T>(data: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  withAdmin(data, () => undefined);
  const store = openStore(data);
  try {
    return await work(createAdmin({ store, now: Date.now }));
  } finally {
    store.close();
  }
}
