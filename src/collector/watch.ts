import { statSync, watch as watchDirectory, type FSWatcher } from 'node:fs';
import { Debounce, type StartTimer } from './debounce.ts';
import { isDirectory } from './files.ts';
import { hostPath } from './open-file.ts';

/** Quiet time after the last change, and longest wait after the first, in milliseconds. */
const QUIET_MS = 2_000;
const MAX_MS = 30_000;

/** Wait before a watch that failed is armed again, in milliseconds. */
const REARM_MS = 60_000;

/** A package database: the folder that is watched, and the files in it whose change counts. */
interface Database {
  readonly table: string;
  readonly folder: string;
  readonly files: readonly string[];
}

const DATABASES: readonly Database[] = [
  { table: 'deb', folder: '/var/lib/dpkg', files: ['status', 'status.d'] },
  {
    table: 'rpm',
    folder: '/var/lib/rpm',
    files: ['rpmdb.sqlite', 'rpmdb.sqlite-wal', 'Packages', 'Packages.db'],
  },
  {
    table: 'rpm',
    folder: '/usr/lib/sysimage/rpm',
    files: ['rpmdb.sqlite', 'rpmdb.sqlite-wal', 'Packages.db'],
  },
  { table: 'apk', folder: '/lib/apk/db', files: ['installed'] },
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
    this.#options.onChange([this.#database.table], 'package database changed');
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
 * Watches the package databases of this host (R026): `onChange` names the table once its files have really changed and
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
