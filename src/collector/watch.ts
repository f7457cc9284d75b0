import { statSync, watch as watchDirectory, type FSWatcher } from 'node:fs';
import { Debounce, type StartTimer } from './debounce.ts';
import { isDirectory } from './files.ts';
import { hostPath } from './open-file.ts';

/** Quiet time after the last change, and longest wait after the first, in milliseconds. */
const QUIET_MS = 2_000;
const MAX_MS = 30_000;

/** Wait before a watch that failed is armed again, in milliseconds. */
const REARM_MS = 60_000;

/** Data of a package manager: the tables that show it, the folder that is watched, and the files in it whose change counts. */
interface Database {
  readonly tables: readonly string[];
  readonly folder: string;
  readonly files: readonly string[];
  readonly reason: string;
}

/** What a package that comes or goes changes: its table, and the updates that there are for it. */
const packagesIn = (table: string, folder: string, files: readonly string[]): Database => ({
  tables: [table, 'available_updates'],
  folder,
  files,
  reason: 'package database changed',
});

const DATABASES: readonly Database[] = [
  packagesIn('deb', '/var/lib/dpkg', ['status', 'status.d']),
  packagesIn('rpm', '/var/lib/rpm', ['rpmdb.sqlite', 'rpmdb.sqlite-wal', 'Packages', 'Packages.db']),
  packagesIn('rpm', '/usr/lib/sysimage/rpm', ['rpmdb.sqlite', 'rpmdb.sqlite-wal', 'Packages.db']),
  packagesIn('apk', '/lib/apk/db', ['installed']),
  // apt puts whole lists in their place: the folder's own time tells of each.
  {
    tables: ['available_updates'],
    folder: '/var/lib/apt/lists',
    files: ['.'],
    reason: 'package lists changed',
  },
];

/** Calls back on any event in a folder; the result ends the watch. Throws when it can't be armed. */
export type WatchFolder = (
  folder: string,
  onEvent: () => void,
  onError: (error: unknown) => void,
) => () => void;

/** A watch of the system's own. */
export const watchWithNode: WatchFolder = (folder, onEvent, onError) => {
  const watcher: FSWatcher = watchDirectory(folder, { persistent: false }, onEvent);
  watcher.on('error', onError);
  return () => {
    watcher.close();
  };
};

export interface WatchOptions {
  /** As `normalRoot` gives it. */
  readonly root: string;
  readonly startTimer: StartTimer;
  readonly onChange: (tables: readonly string[], reason: string) => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
  readonly watchFolder?: WatchFolder;
}

/** Watches one database. Whether it changed is decided by its files, since locks and backups stir the folder too. */
class DatabaseWatch {
  readonly #database: Database;
  readonly #options: WatchOptions;
  readonly #debounce: Debounce;
  #seen: string;
  #disarm: (() => void) | undefined;
  #cancelRearm: (() => void) | undefined;

  constructor(database: Database, options: WatchOptions) {
    this.#database = database;
    this.#options = options;
    this.#seen = this.#signature();
    this.#debounce = new Debounce({
      quietMs: QUIET_MS,
      maxMs: MAX_MS,
      startTimer: options.startTimer,
      fire: () => {
        this.#look();
      },
    });
  }

  arm(): void {
    const watchFolder = this.#options.watchFolder ?? watchWithNode;
    const folder = hostPath({ root: this.#options.root, os: 'linux' }, this.#database.folder);
    try {
      this.#disarm = watchFolder(
        folder,
        () => {
          this.#debounce.event();
        },
        (error) => {
          this.#failed(error);
        },
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  close(): void {
    this.#debounce.cancel();
    this.#cancelRearm?.();
    this.#disarm?.();
  }

  /** Inode, size and time of the database's files. */
  #signature(): string {
    return this.#database.files.map((file) => this.#stateOf(file)).join(' ');
  }

  #stateOf(file: string): string {
    const path = hostPath({ root: this.#options.root, os: 'linux' }, `${this.#database.folder}/${file}`);
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? '-' : [stat.ino, stat.size, stat.mtimeNs].join(',');
  }

  #look(): void {
    const now = this.#signature();
    if (now === this.#seen) return;
    this.#seen = now;
    this.#options.onChange(this.#database.tables, this.#database.reason);
  }

  /** Arms again later, and looks then, so that nothing that happened in between is missed. */
  #failed(error: unknown): void {
    this.#disarm?.();
    this.#disarm = undefined;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    this.#options.log('warn', `watch of ${this.#database.folder} failed (${code}), armed again in 60 s`);
    this.#cancelRearm?.();
    this.#cancelRearm = this.#options.startTimer(REARM_MS, () => {
      this.arm();
      this.#debounce.event();
    });
  }
}

/**
 * Watches the package databases of this host (R026): `onChange` names the tables once their files have really changed and
 * 2 s, at most 30 s, have passed. The result ends all watches.
 */
export function watchPackages(options: WatchOptions): () => void {
  const place = { root: options.root, os: 'linux' } as const;
  const present = DATABASES.filter((database) => isDirectory(place, database.folder));
  const watches = present.map((database) => new DatabaseWatch(database, options));
  for (const watch of watches) watch.arm();
  return () => {
    for (const watch of watches) watch.close();
  };
}
