import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ON_DEMAND_TYPES, type OnDemandType } from '../../../shared/scan.ts';
import type { Clock } from '../../clock.ts';
import { ensureDirectory, UnsafeFile, writeFileAtomic } from '../atomic-file.ts';
import { foreignReason, readTrustedFile } from '../foreign-file.ts';
import { watchWithNode, type WatchFolder } from '../watch-folder.ts';
import { readScanKeys, SCAN_KEY_VALUES, type ScanKeyProblem, type ScanKeys } from './scan-keys.ts';
import { watchKeys, type Signs } from './watch-keys.ts';

const TYPES = Object.values(ON_DEMAND_TYPES);

/** Longest file that is read, bytes: a number and a few blanks. */
const MAX_BYTES = 64;

/** Rights of a file that the agent writes: the number is no secret, and only root may ask by it. */
const MODE = 0o644;

/**
 * The tree as files (Linux, macOS): `<folder>/<type>/<value>`, each with one decimal number. A file or folder that is a link,
 * another user's or writable by others is not read: whoever writes here starts scans with the rights of an administrator.
 */
export function fileScanKeys(
  folder: string,
  clock: Clock,
  watchFolder: WatchFolder = watchWithNode,
): ScanKeys {
  const placeOf: ScanKeys['placeOf'] = (type, value) => join(folder, type, value);
  const problemOf = (type: OnDemandType): ScanKeyProblem | undefined => unsafeFolder(folder, type);
  const read: ScanKeys['read'] = () =>
    readScanKeys({ placeOf, problemOf, valueOf: (type, value) => readValue(placeOf(type, value)) });
  return {
    prepare: () => {
      ensureDirectory(folder, 0o755);
    },
    read,
    placeOf,
    setOnDemand: (type, value) => {
      const path = placeOf(type, 'ScanOnDemand');
      const problem = problemOf(type);
      if (problem !== undefined) throw new UnsafeFile(`${problem.place}: ${problem.reason}`);
      const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? MODE;
      writeFileAtomic(path, `${value}\n`, mode & 0o755);
    },
    watch: (changed) => {
      return watchKeys(clock, read, folderSigns(folder, watchFolder), changed);
    },
  };
}

const readValue = (path: string): string | undefined => readTrustedFile(path, 'utf8', MAX_BYTES)?.trim();

/** The folder above a value that others could exchange, if one is; absent ones are fine. */
function unsafeFolder(folder: string, type: OnDemandType): ScanKeyProblem | undefined {
  for (const place of [folder, join(folder, type)]) {
    try {
      const stat = lstatSync(place, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (!stat.isDirectory()) return { place, reason: 'it is no folder' };
      const foreign = foreignReason(place, stat);
      if (foreign !== undefined) return { place, reason: foreign.message };
    } catch (error) {
      return { place, reason: (error as Error).message };
    }
  }
  return undefined;
}

/** Watches the folders of the tree that are there; those that come later are found when their parent changes. */
function folderSigns(folder: string, watchFolder: WatchFolder): Signs {
  const watches = new Map<string, () => void>();
  const drop = (path: string): void => {
    watches.get(path)?.();
    watches.delete(path);
  };
  return {
    listen: (changed) => {
      for (const [path, names] of [
        [folder, TYPES] as const,
        ...TYPES.map((type) => [join(folder, type), SCAN_KEY_VALUES] as const),
      ]) {
        if (watches.has(path)) continue;
        try {
          const wanted = (name: string | null): boolean => name === null || names.some((one) => one === name);
          const lost = (): void => {
            drop(path);
            changed();
          };
          watches.set(
            path,
            watchFolder(path, (name) => (wanted(name) ? changed() : undefined), lost),
          );
        } catch {
          // Not there, or no watch left (inotify has a limit): the next look tries again.
        }
      }
    },
    end: () => {
      for (const path of [...watches.keys()]) drop(path);
    },
  };
}
