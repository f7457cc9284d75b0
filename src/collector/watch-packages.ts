import type { StartTimer } from './debounce.ts';
import { isDirectory } from './files.ts';
import { hostPath } from './open-file.ts';
import { FolderWatch, stampOf, type WatchFolder } from './watch-folders.ts';

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

export interface PackageWatchOptions {
  /** As `normalRoot` gives it. */
  readonly root: string;
  readonly startTimer: StartTimer;
  readonly onChange: (tables: readonly string[], reason: string) => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
  readonly watchFolder?: WatchFolder;
}

/** Watches one database. Whether it changed is decided by its files, since locks and backups stir the folder too. */
function watchDatabase(
  { tables, folder, files, reason }: Database,
  options: PackageWatchOptions,
): () => void {
  const place = { root: options.root, os: 'linux' } as const;
  const stamp = (): string => files.map((file) => stampOf(hostPath(place, `${folder}/${file}`))).join(' ');
  let seen = stamp();
  const watch = new FolderWatch({
    startTimer: options.startTimer,
    watchFolder: options.watchFolder,
    onStirred: () => {
      const now = stamp();
      if (now === seen) return;
      seen = now;
      options.onChange(tables, reason);
    },
    onFailed: (_path, code) => {
      options.log('warn', `watch of ${folder} failed (${code}), armed again in 60 s`);
    },
  });
  watch.set([hostPath(place, folder)]);
  return () => {
    watch.close();
  };
}

/**
 * Watches the package databases of this host (R026): `onChange` names the tables once their files have really changed and
 * 2 s, at most 30 s, have passed. The result ends all watches.
 */
export function watchPackages(options: PackageWatchOptions): () => void {
  const place = { root: options.root, os: 'linux' } as const;
  const present = DATABASES.filter(({ folder }) => isDirectory(place, folder));
  const ends = present.map((database) => watchDatabase(database, options));
  return () => {
    for (const end of ends) end();
  };
}
