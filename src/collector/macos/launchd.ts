import { joinKey } from '../key.ts';
import { listNames, readText } from '../files.ts';
import { redact, redactArguments } from '../linux/redact.ts';
import { namesIn } from '../linux/tolerant.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import {
  dict,
  flagAt,
  intAt,
  list,
  readPlist,
  textAt,
  textsAt,
  type PlistDict,
  type PlistValue,
} from './plist-file.ts';
import { homeUsers } from './software.ts';

/**
 * Daemons, agents and timed jobs of launchd, and crontabs.
 * Formats: launchd.plist(5), launchctl(1) for the overrides in /var/db/com.apple.xpc.launchd, crontab(5).
 */
interface Job {
  readonly label: string;
  readonly file: string;
  readonly plist: PlistDict;
  readonly command: string | null;
  readonly disabled: boolean;
}

const quote = (argument: string): string => (/[\s"']/.test(argument) ? JSON.stringify(argument) : argument);

/** The command line of a job, values of secrets blanked. */
function commandOf(plist: PlistValue): string | null {
  const argv = textsAt(plist, 'ProgramArguments');
  const program = textAt(plist, 'Program');
  const words = program === null ? argv : [program, ...argv.slice(1)];
  return words.length === 0 ? null : redactArguments(words).map(quote).join(' ');
}

/** Labels that `launchctl enable` or `disable` decided about, which outweighs the job's own file. */
async function overrides(context: ReadContext, file: string): Promise<ReadonlyMap<string, boolean>> {
  const decided = new Map<string, boolean>();
  for (const [label, value] of dict(await readPlist(context, `/var/db/com.apple.xpc.launchd/${file}`))) {
    if (typeof value === 'boolean') decided.set(label, value);
  }
  return decided;
}

/** Jobs in a folder. A damaged file is passed over, as launchd does; `own` folders belong to a user. */
async function* jobsIn(
  context: ReadContext,
  folder: string,
  decided: ReadonlyMap<string, boolean>,
  own = false,
): AsyncGenerator<Job> {
  const files = { links: own ? 'none' : 'follow' } as const;
  for (const name of listNames(context, folder, files)) {
    if (!name.endsWith('.plist')) continue;
    const file = `${folder}/${name}`;
    let plist: PlistDict;
    try {
      plist = dict(await readPlist(context, file, files));
    } catch (error) {
      if (error instanceof Unreadable) continue;
      throw error;
    }
    const label = textAt(plist, 'Label') ?? name.slice(0, -'.plist'.length);
    const disabled = decided.get(label) ?? flagAt(plist, 'Disabled') ?? false;
    yield { label, file, plist, command: commandOf(plist), disabled };
  }
}

const DAEMONS = ['/System/Library/LaunchDaemons', '/Library/LaunchDaemons'];
const AGENTS = ['/System/Library/LaunchAgents', '/Library/LaunchAgents'];

export const services: Reader = {
  source: 'property lists in the LaunchDaemons folders',
  root: 'partly',
  async *read(context): AsyncGenerator<KeyedRow> {
    const decided = await overrides(context, 'disabled.plist');
    const seen = new Set<string>();
    for (const folder of DAEMONS) {
      for await (const { label, file, plist, command, disabled } of jobsIn(context, folder, decided)) {
        if (seen.has(label)) continue;
        seen.add(label);
        const auto = flagAt(plist, 'RunAtLoad') === true || dict(plist).has('KeepAlive');
        const row = {
          name: label,
          manager: 'launchd',
          displayName: null,
          startMode: disabled ? 'disabled' : auto ? 'auto' : 'manual',
          path: file,
          command,
          user: textAt(plist, 'UserName'),
        };
        yield { key: joinKey('launchd', label), row };
        await context.breathe();
      }
    }
  },
};

/** A folder of agents, and the user it belongs to. */
interface AgentFolder {
  readonly folder: string;
  readonly user: string | null;
}

function agentFolders(context: ReadContext): AgentFolder[] {
  const own = homeUsers(context).map((user) => ({ folder: `/Users/${user}/Library/LaunchAgents`, user }));
  return [...AGENTS.map((folder) => ({ folder, user: null })), ...own];
}

export const startupItems: Reader = {
  source: 'property lists in the LaunchAgents folders',
  root: 'partly',
  async *read(context): AsyncGenerator<KeyedRow> {
    for (const { folder, user } of agentFolders(context)) {
      for await (const { label, file, command, disabled } of jobsIn(
        context,
        folder,
        new Map(),
        user !== null,
      )) {
        const row = { name: label, kind: 'agent', location: file, command, user, enabled: !disabled };
        yield { key: joinKey('agent', file, label, user), row };
        await context.breathe();
      }
    }
  },
};

const FIELDS = ['Month', 'Day', 'Weekday', 'Hour', 'Minute'];

/** The times of a job as launchd.plist(5) names them, or null for one that no clock starts. */
export function scheduleOf(plist: PlistValue): string | null {
  const interval = intAt(plist, 'StartInterval');
  const calendar = dict(plist).get('StartCalendarInterval');
  const times = calendar === undefined ? [] : Array.isArray(calendar) ? list(calendar) : [calendar];
  const texts = times.map((time) =>
    FIELDS.flatMap((field) => {
      const value = intAt(time, field);
      return value === null ? [] : [`${field}=${String(value)}`];
    }).join(' '),
  );
  if (interval !== null) texts.unshift(`every ${String(interval)} s`);
  return texts.length === 0 ? null : texts.map((text) => (text === '' ? 'every minute' : text)).join('; ');
}

async function* timedJobs(context: ReadContext): AsyncGenerator<KeyedRow> {
  const decided = await overrides(context, 'disabled.plist');
  const daemons = DAEMONS.map((folder) => ({ folder, user: null }));
  for (const { folder, user } of [...daemons, ...agentFolders(context)]) {
    const known = DAEMONS.includes(folder) ? decided : new Map<string, boolean>();
    for await (const { label, file, plist, command, disabled } of jobsIn(
      context,
      folder,
      known,
      user !== null,
    )) {
      const schedule = scheduleOf(plist);
      if (schedule === null) continue;
      const account = textAt(plist, 'UserName') ?? user;
      const row = {
        name: label,
        kind: 'launchd',
        source: file,
        schedule,
        command,
        user: account,
        enabled: !disabled,
      };
      yield { key: joinKey(file, schedule, account, command), row };
    }
  }
}

const TABS = '/var/at/tabs';
const CRON_LINE = /^(@\w+|(?:\S+\s+){4}\S+)\s+(.+)$/;
const VARIABLE = /^[A-Za-z_]\w*\s*=/;

function* crontabs(context: ReadContext): Generator<KeyedRow> {
  for (const user of namesIn(context, TABS)) {
    const source = `${TABS}/${user}`;
    const seen = new Set<string>();
    for (const line of (readText(context, source) ?? '').split('\n').map((text) => text.trim())) {
      const match = CRON_LINE.exec(line);
      if (line.startsWith('#') || VARIABLE.test(line) || match === null) continue;
      const [, times = '', rest = ''] = match;
      const command = redact(rest);
      const schedule = times.replace(/\s+/g, ' ');
      const key = joinKey(source, schedule, user, command);
      if (seen.has(key)) continue;
      seen.add(key);
      yield { key, row: { name: user, kind: 'crontab', source, schedule, command, user, enabled: true } };
    }
  }
}

export const scheduledTasks: Reader = {
  source: 'launchd property lists with StartInterval or StartCalendarInterval, /var/at/tabs',
  root: 'partly',
  async *read(context) {
    yield* timedJobs(context);
    yield* crontabs(context);
  },
};
