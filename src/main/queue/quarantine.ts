import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { filesOf } from './open-sql.ts';

/** How many quarantined databases are kept for a look afterwards; older ones are deleted. */
const KEEP = 3;

/**
 * Moves a database and its companions out of the way, to `<name>.corrupt-<UTC time>` beside it, and deletes all but
 * the newest three such. Returns the new path. The database must be closed. `at` is ms since the epoch.
 */
export function quarantine(path: string, at: number): string {
  const target = freeName(path, at);
  // The log goes first: left behind by a crash in between, it would be replayed into the new file.
  for (const file of filesOf(path).toReversed()) {
    if (existsSync(file)) renameSync(file, target + file.slice(path.length));
  }
  prune(path);
  return target;
}

function freeName(path: string, at: number): string {
  const stamp = new Date(at).toISOString().replace(/[-:]/g, '');
  const name = `${path}.corrupt-${stamp}`;
  return filesOf(name).some((file) => existsSync(file)) ? freeName(path, at + 1) : name;
}

/** The time stamps sort as text. */
function prune(path: string): void {
  const prefix = `${basename(path)}.corrupt-`;
  const kept = readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.replace(/-(?:wal|shm)$/, ''));
  const newestFirst = [...new Set(kept)].sort().reverse();
  for (const name of newestFirst.slice(KEEP)) {
    for (const file of filesOf(join(dirname(path), name))) rmSync(file, { force: true });
  }
}
