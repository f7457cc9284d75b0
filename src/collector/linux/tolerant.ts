import { listNames, readText } from '../files.ts';
import type { FileOptions, Place } from '../open-file.ts';

/** Names in a folder, none where it can't be read: for folders of which a host has many, each of small weight. */
export function namesIn(place: Place, path: string, options: FileOptions = {}): string[] {
  try {
    return listNames(place, path, options);
  } catch {
    return [];
  }
}

/** Text of a file, `undefined` where it can't be read: for files of which a host has many, each of small weight. */
export function textOf(place: Place, path: string, options: FileOptions = {}): string | undefined {
  try {
    return readText(place, path, options);
  } catch {
    return undefined;
  }
}

/** Paths that a pattern gives at most. */
const MAX_PATHS = 1_000;

/**
 * Paths that match a pattern whose segments may hold `*` (any part of one name); sorted, at most 1,000.
 * Names with a leading dot are matched only by segments with one. `options` as for the folders' names.
 */
export function expand(place: Place, pattern: string, options: FileOptions = {}): string[] {
  // The first segment is empty, or a drive of Windows.
  const [start = '', ...segments] = pattern.split('/');
  let paths = [start];
  for (const segment of segments) {
    const found: string[] = [];
    for (const path of paths) {
      if (found.length >= MAX_PATHS) break;
      found.push(...matchesIn(place, path, segment, options));
    }
    paths = found.slice(0, MAX_PATHS);
  }
  return paths;
}

function matchesIn(place: Place, folder: string, segment: string, options: FileOptions): string[] {
  if (!segment.includes('*')) return [`${folder}/${segment}`];
  const parts = segment.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const matcher = new RegExp(`^${parts.join('.*')}$`, 's');
  return namesIn(place, folder === '' ? '/' : folder, options)
    .filter((name) => matcher.test(name) && (segment.startsWith('.') || !name.startsWith('.')))
    .map((name) => `${folder}/${name}`);
}
