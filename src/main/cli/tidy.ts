import { existsSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ExitCode } from '../../shared/exit-codes.ts';
import { ensureDirectory, removeFile, UnsafeFile } from '../host/atomic-file.ts';
import { Locked, lockDataDir } from '../host/lock.ts';
import type { Paths } from '../host/paths.ts';
import { Answer } from './answer.ts';

/** Files of the lock, which is held while the others go. */
const LOCK_FILES = /^(owner|lock\.db(-\w+)?)$/;

/**
 * Does `work` while no agent can run on this host's data. Throws `Answer`: 5 where there are none, 3 while an agent runs,
 * or where the data directory is not what only the agent could have made.
 */
export async function withoutAgent<T>(paths: Paths, work: () => T | Promise<T>): Promise<T> {
  if (!existsSync(paths.dataDir)) {
    throw new Answer(ExitCode.notInstalled, `the agent is not installed: there is no ${paths.dataDir}`);
  }
  let unlock: () => void;
  try {
    ensureDirectory(paths.dataDir, 0o700);
    unlock = await lockDataDir(paths.dataDir);
  } catch (error) {
    if (error instanceof Locked) {
      throw new Answer(ExitCode.refused, `${error.message}; stop its service first, nothing was removed`);
    }
    if (error instanceof UnsafeFile) throw new Answer(ExitCode.refused, error.message);
    throw error;
  }
  try {
    return await work();
  } finally {
    unlock();
  }
}

/**
 * Removes what is in the data directory but for the lock and the given names; on macOS and Windows settings stand there
 * too. Links are removed, never followed. Returns the paths that are gone.
 */
export function removeData({ dataDir }: Pick<Paths, 'dataDir'>, kept: readonly string[]): string[] {
  const names = readdirSync(dataDir).filter((name) => !LOCK_FILES.test(name) && !kept.includes(name));
  return names.sort().map((name) => {
    const path = join(dataDir, name);
    rmSync(path, { recursive: true, force: true });
    return path;
  });
}

/** What stands in the data directory and is no data: settings, proxy settings, the Host ID, on some systems the log. */
export function settingsNames({ dataDir, settingsFile, hostIdFile, proxy }: Paths): string[] {
  const files = [settingsFile, hostIdFile, ...proxy.files];
  return files.filter((file) => dirname(file) === dataDir).map((file) => basename(file));
}

/** Removes a file that may not be there; its path where it was. */
export function removeIfThere(path: string): string[] {
  if (!existsSync(path)) return [];
  removeFile(path);
  return [path];
}

/** Removes the lock's own files, once it is given back, and the folder if nothing else is in it. */
export function removeLockFiles({ dataDir }: Pick<Paths, 'dataDir'>): void {
  for (const name of readdirSync(dataDir).filter((one) => LOCK_FILES.test(one))) rmSync(join(dataDir, name));
  removeIfEmpty(dataDir);
}

/** Removes a folder that holds nothing; whether it is gone. */
export function removeIfEmpty(folder: string): boolean {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  return !existsSync(folder);
}
