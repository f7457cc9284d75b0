import { lstatHost } from '../files.ts';
import { joinKey } from '../key.ts';
import { redact } from './redact.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { namesIn, textOf } from './tolerant.ts';
import { units, type Unit } from './unit-files.ts';

/** Files that cron and run-parts take: nothing with a dot, so no backups and no packaging leftovers. */
const TAKEN = /^[A-Za-z0-9_-]+$/;

const EXECUTABLE = 0o111;

interface Scheduled {
  readonly name: string;
  readonly kind: string;
  readonly source: string;
  readonly schedule: string;
  readonly command: string | null;
  readonly user: string | null;
  readonly enabled: boolean;
}

function taskRow(task: Scheduled): KeyedRow {
  const command = task.command === null ? null : redact(task.command);
  return {
    key: joinKey(task.source, task.name, task.schedule, task.user, command),
    row: { ...task, command },
  };
}

/** Schedule and rest of a line of a crontab (crontab(5)); `undefined` for comments and settings. */
function splitCronLine(line: string): { schedule: string; rest: string } | undefined {
  const match = /^(@[a-z]+|(?:[^\s#=]+\s+){4}[^\s=]+)\s+(.+)$/.exec(line.trim());
  const schedule = match?.[1];
  const rest = match?.[2];
  if (schedule === undefined || rest === undefined || line.trim().startsWith('#')) return undefined;
  return { schedule: schedule.replace(/\s+/g, ' '), rest };
}

/** Entries of a crontab; `owner` is its user, or null where each line names one. */
export function crontabEntries(text: string, source: string, owner: string | null): KeyedRow[] {
  return text.split('\n').flatMap((line) => {
    const split = splitCronLine(line);
    if (split === undefined) return [];
    const named =
      owner === null ? /^(\S+)\s+(.+)$/.exec(split.rest) : ([split.rest, owner, split.rest] as const);
    const user = named?.[1];
    const command = named?.[2];
    if (user === undefined || command === undefined) return [];
    const name = source.split('/').at(-1) ?? source;
    return [
      taskRow({ name, kind: 'crontab', source, schedule: split.schedule, command, user, enabled: true }),
    ];
  });
}

function* crontabs(context: ReadContext): Generator<KeyedRow> {
  const shared = [
    '/etc/crontab',
    ...namesIn(context, '/etc/cron.d')
      .filter((name) => TAKEN.test(name))
      .map((name) => `/etc/cron.d/${name}`),
  ];
  for (const path of shared) yield* crontabEntries(textOf(context, path) ?? '', path, null);
  for (const folder of ['/var/spool/cron/crontabs', '/var/spool/cron']) {
    for (const user of namesIn(context, folder)) {
      const path = `${folder}/${user}`;
      if (lstatHost(context, path)?.isFile() === true)
        yield* crontabEntries(textOf(context, path) ?? '', path, user);
    }
  }
}

function* cronScripts(context: ReadContext): Generator<KeyedRow> {
  for (const schedule of ['hourly', 'daily', 'weekly', 'monthly']) {
    const folder = `/etc/cron.${schedule}`;
    for (const name of namesIn(context, folder).filter((entry) => TAKEN.test(entry))) {
      const source = `${folder}/${name}`;
      const stat = lstatHost(context, source);
      const enabled = stat !== undefined && (stat.isSymbolicLink() || (stat.mode & EXECUTABLE) !== 0);
      yield taskRow({ name, kind: 'cron script', source, schedule, command: source, user: 'root', enabled });
    }
  }
}

/** Timer settings that say when (systemd.timer(5)). */
const WHEN = [
  'OnCalendar',
  'OnBootSec',
  'OnStartupSec',
  'OnActiveSec',
  'OnUnitActiveSec',
  'OnUnitInactiveSec',
];

function timerRow(unit: Unit): KeyedRow {
  const when = WHEN.flatMap((key) =>
    (unit.settings.get(`Timer.${key}`) ?? []).map((value) => `${key}=${value}`),
  );
  return taskRow({
    name: unit.name,
    kind: 'systemd timer',
    source: unit.path,
    schedule: when.join('; '),
    command: unit.settings.get('Timer.Unit')?.at(-1) ?? unit.name.replace(/\.timer$/, '.service'),
    user: null,
    enabled: unit.state === 'enabled' || unit.state === 'static',
  });
}

function* all(context: ReadContext): Generator<KeyedRow> {
  yield* crontabs(context);
  yield* cronScripts(context);
  for (const unit of units(context, '.timer')) {
    if (unit.state !== 'masked' && unit.state !== 'alias') yield timerRow(unit);
  }
}

/** Two equal lines of one crontab are one task. */
function* readScheduledTasks(context: ReadContext): Generator<KeyedRow> {
  const seen = new Set<string>();
  for (const row of all(context)) {
    if (seen.has(row.key)) continue;
    seen.add(row.key);
    yield row;
  }
  const stat = lstatHost(context, '/var/spool/cron');
  if (stat !== undefined && process.getuid?.() !== 0 && context.root === '/') {
    throw new Unreadable('crontabs of users need root');
  }
}

export const scheduledTasksLinux: Reader = {
  source: 'crontabs, cron.{hourly,daily,weekly,monthly}, timers of systemd',
  root: 'partly',
  read: readScheduledTasks,
};
