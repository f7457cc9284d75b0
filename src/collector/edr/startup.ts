import { createHash } from 'node:crypto';
import { Debounce, type StartTimer } from '../debounce.ts';
import { homes } from '../linux/accounts.ts';
import { scheduledTasksLinux } from '../linux/scheduled-tasks.ts';
import { servicesLinux } from '../linux/services.ts';
import { startupItemsLinux } from '../linux/startup-items.ts';
import { namesIn } from '../linux/tolerant.ts';
import { SYSTEM_UNIT_FOLDERS } from '../linux/unit-files.ts';
import { encodeHostText } from '../text.ts';
import type { KeyedRow, Os, ReadContext, Reader } from '../table.ts';
import type { WatchFolder } from '../watch-folders.ts';
import { FolderWatches } from './folder-watches.ts';
import { loadItems, saveItems } from './startup-state.ts';

/** When it is looked, ms. */
export interface StartupPace {
  /** From the last sign of a change to the look, and at most from the first. */
  readonly quietMs: number;
  readonly latestMs: number;
  /** From the end of one look to the next, whoever stirs things up meanwhile. */
  readonly leastMs: number;
  /** From one look to the next where nothing told of a change. */
  readonly rescanMs: number;
}

const PACE: StartupPace = { quietMs: 1_000, latestMs: 5_000, leastMs: 0, rescanMs: 600_000 };

/** Rows between two pauses. */
const STRIDE = 20;

const FOLDERS: readonly string[] = [
  '/etc',
  '/etc/rc.d',
  '/etc/init.d',
  '/etc/cron.d',
  ...['hourly', 'daily', 'weekly', 'monthly'].map((often) => `/etc/cron.${often}`),
  '/var/spool/cron',
  '/var/spool/cron/crontabs',
  '/etc/xdg/autostart',
  '/etc/systemd/user',
  ...SYSTEM_UNIT_FOLDERS,
];

/** What starts a program later: at boot, at log-on, at a time. */
export interface StartupItem {
  readonly action: 'startup_item_added' | 'scheduled_task_added';
  readonly name: string;
  /** The file or folder that says so. */
  readonly location: string;
  readonly command: string | undefined;
  readonly user: string | undefined;
  /** Whether an item of this key was there before, and was another. */
  readonly isChange: boolean;
  /** Whether it came while the agent was not looking. */
  readonly whileAway: boolean;
}

/** A table of what starts programs. */
export interface StartupSource {
  readonly table: string;
  readonly action: StartupItem['action'];
  readonly reader: Reader;
  /** The column that says where a row comes from, or what says it of a row. */
  readonly location: string | ((row: KeyedRow['row']) => string);
}

/** What starts programs on one system. */
export interface StartupHost {
  readonly sources: readonly StartupSource[];
  /** The folders in which it is written, to be watched; those that are not there are passed over. */
  readonly folders: (context: ReadContext) => string[];
  /** Whether an item starts anything: one that is turned off does not. */
  readonly isEnabled: (row: KeyedRow['row']) => boolean;
  /** Whose items are out of sight while that user is not logged on, for an item that is such a one. */
  readonly userOf?: (row: KeyedRow['row']) => string | undefined;
  /** Where looks are costly; every ten minutes else, and soon after a change. */
  readonly pace?: StartupPace;
}

/** What tells of changes beside folders. */
export interface StartupSigns {
  /** Has `changed` called at the next change; asked for before each look. */
  readonly listen: (changed: () => void) => void;
  readonly close: () => void;
}

const SOURCES: readonly StartupSource[] = [
  { table: 'startup_items', action: 'startup_item_added', reader: startupItemsLinux, location: 'location' },
  { table: 'services', action: 'startup_item_added', reader: servicesLinux, location: 'path' },
  {
    table: 'scheduled_tasks',
    action: 'scheduled_task_added',
    reader: scheduledTasksLinux,
    location: 'source',
  },
];

/** Stands beside the items of a table that was once read to its end: what is new since then is new indeed. */
const WHOLE = 'whole';

/** Digits by which a user is told from others. */
const USER_DIGITS = 16;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export interface StartupOptions {
  readonly context: ReadContext;
  /** Linux unless told otherwise. */
  readonly host?: StartupHost;
  readonly startTimer: StartTimer;
  /** Where the last look is kept, so that what changed while the agent was off is known; none keeps nothing. */
  readonly stateFile: string | undefined;
  readonly added: (items: readonly StartupItem[]) => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
  readonly watchFolder?: WatchFolder | undefined;
  readonly signs?: StartupSigns | undefined;
}

/** Compares what starts programs later with what it was: when something tells of a change, and from time to time. */
export class StartupWatch {
  readonly #options: StartupOptions;
  readonly #host: StartupHost;
  readonly #pace: StartupPace;
  readonly #watches: FolderWatches;
  readonly #debounce: Debounce;
  #items: Map<string, string> | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #isClosed = false;
  #cancelNext: (() => void) | undefined;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** Why a table was not read to its end, by its name. */
  readonly #troubles = new Map<string, string>();

  constructor(options: StartupOptions) {
    this.#options = options;
    this.#host = options.host ?? LINUX;
    this.#pace = this.#host.pace ?? PACE;
    this.#watches = new FolderWatches(options.context, () => this.#debounce.event(), options.watchFolder);
    this.#debounce = new Debounce({
      quietMs: this.#pace.quietMs,
      maxMs: this.#pace.latestMs,
      startTimer: options.startTimer,
      fire: () => void this.#lookSoon(),
    });
  }

  /** Why the last look did not see everything; `undefined` where it did. */
  get trouble(): string | undefined {
    const troubles = [...this.#troubles].map(([table, reason]) => `${table}: ${reason}`);
    return troubles.length === 0 ? undefined : troubles.join('; ');
  }

  /** Begins with what was kept; without it the first look only remembers. */
  async start(): Promise<void> {
    const { stateFile } = this.#options;
    this.#items = stateFile === undefined ? undefined : loadItems(stateFile);
    await this.#look(true);
  }

  /** Looks now; one look at a time, and another after it if something changed meanwhile. */
  look(): Promise<void> {
    this.#again = this.#looking !== undefined;
    return this.#looking ?? this.#look(false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#debounce.cancel();
    this.#cancelNext?.();
    this.#watches.close();
    this.#options.signs?.close();
    await this.#looking;
  }

  async #look(isFirst: boolean): Promise<void> {
    this.#looking = this.#compare(isFirst).catch((error: unknown) => {
      this.#options.log('warn', `startup items: ${error instanceof Error ? error.message : 'error'}`);
    });
    await this.#looking;
    this.#looking = undefined;
    if (this.#isClosed) return;
    this.#endedAt = this.#options.context.now();
    this.#lookAfter(this.#pace.rescanMs);
    if (!this.#again) return;
    this.#again = false;
    await this.#lookSoon();
  }

  /** Something changed: whoever changes something all the time has it looked no more often than that is worth. */
  async #lookSoon(): Promise<void> {
    const { leastMs } = this.#pace;
    const since = this.#options.context.now() - this.#endedAt;
    // A clock that was set back says nothing.
    if (since >= leastMs || since < 0) await this.look();
    else this.#lookAfter(leastMs - since);
  }

  #lookAfter(ms: number): void {
    this.#cancelNext?.();
    this.#cancelNext = this.#options.startTimer(ms, () => void this.look());
  }

  /** Folders are watched before they are read, so that nothing falls between. */
  async #compare(whileAway: boolean): Promise<void> {
    // What one look has read is remembered by its context, so that tables share the answer of one command.
    const context = { ...this.#options.context };
    this.#watches.set(this.#host.folders(context));
    if (!this.#isClosed) this.#options.signs?.listen(() => this.#debounce.event());
    const before = this.#items;
    const now = new Map<string, string>();
    const added: StartupItem[] = [];
    for (const source of this.#host.sources) {
      const { rows, isWhole } = await this.#read(source, context);
      const mark = `${source.table}|${WHOLE}`;
      // What can't be read now is neither gone nor new.
      if (isWhole) now.set(mark, WHOLE);
      else for (const [key, hash] of before ?? []) if (key.startsWith(`${source.table}|`)) now.set(key, hash);
      for (const { key, row } of rows) {
        const name = this.#keyOf(source, key, row);
        const hash = sha256(JSON.stringify(row));
        now.set(name, hash);
        const was = before?.get(name);
        if (before?.has(mark) !== true || was === hash || !this.#host.isEnabled(row)) continue;
        added.push(itemOf(source, row, { isChange: was !== undefined, whileAway }, context.os));
      }
    }
    keepThoseOfAbsent(before, now);
    this.#items = now;
    if (added.length > 0) this.#options.added(added);
    this.#save(before, now);
  }

  /** After the events were handed on: a kill in between tells of an item twice rather than never. */
  #save(before: ReadonlyMap<string, string> | undefined, now: ReadonlyMap<string, string>): void {
    const { stateFile } = this.#options;
    const isSame = before?.size === now.size && [...now].every(([key, hash]) => before.get(key) === hash);
    if (stateFile !== undefined && !isSame) saveItems(stateFile, now);
  }

  #keyOf({ table }: StartupSource, key: string, row: KeyedRow['row']): string {
    const user = this.#host.userOf?.(row);
    return `${table}|${sha256(key)}${user === undefined ? '' : `|${sha256(user).slice(0, USER_DIGITS)}`}`;
  }

  /** What could be read of a table. */
  async #read(
    { table, reader }: StartupSource,
    context: ReadContext,
  ): Promise<{ readonly rows: readonly KeyedRow[]; readonly isWhole: boolean }> {
    const rows: KeyedRow[] = [];
    try {
      for await (const row of reader.read(context, {})) {
        rows.push(row);
        if (rows.length % STRIDE === 0) await context.breathe();
      }
      this.#troubles.delete(table);
      return { rows, isWhole: true };
    } catch (error) {
      this.#troubles.set(table, error instanceof Error ? error.message : 'error');
      return { rows, isWhole: false };
    }
  }
}

/** Of a user of whom nothing is seen now everything is as it was: whoever logs on again brings nothing new. */
function keepThoseOfAbsent(before: ReadonlyMap<string, string> | undefined, now: Map<string, string>): void {
  const userIn = (key: string): string | undefined => key.split('|')[2];
  const seen = new Set([...now.keys()].map(userIn));
  for (const [key, hash] of before ?? []) {
    const user = userIn(key);
    if (user !== undefined && !seen.has(user)) now.set(key, hash);
  }
}

function foldersOfLinux(context: ReadContext): string[] {
  const personal = homesOf(context).flatMap((home) =>
    ['/.config', '/.config/autostart', '/.config/systemd/user'].map((folder) => home + folder),
  );
  const enabling = [
    '/etc/systemd/system',
    '/etc/systemd/user',
    ...personal.filter((path) => path.endsWith('/user')),
  ];
  const wants = enabling.flatMap((folder) =>
    namesIn(context, folder)
      .filter((name) => /\.(?:wants|requires|d)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  return [...new Set([...FOLDERS, ...personal, ...wants])];
}

function homesOf(context: ReadContext): string[] {
  try {
    return homes(context).map(({ path }) => path);
  } catch {
    return [];
  }
}

const LINUX: StartupHost = {
  sources: SOURCES,
  folders: foldersOfLinux,
  isEnabled: (row) =>
    row['startMode'] === undefined ? row['enabled'] !== false : row['startMode'] === 'enabled',
};

function itemOf(
  source: StartupSource,
  row: KeyedRow['row'],
  how: Pick<StartupItem, 'isChange' | 'whileAway'>,
  os: Os,
): StartupItem {
  const text = (column: string): string | undefined => {
    const value = row[column];
    return typeof value === 'string' ? encodeHostText(value, os) : undefined;
  };
  return {
    action: source.action,
    name: text('name') ?? '',
    location:
      typeof source.location === 'string'
        ? (text(source.location) ?? '')
        : encodeHostText(source.location(row), os),
    command: text('command'),
    user: text('user'),
    ...how,
  };
}
