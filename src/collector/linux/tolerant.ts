import { listNames, readText, type FileOptions, type Place } from '../files.ts';

/** Names in a folder, none where it can't be read: for folders of which a host has many, each of small weight. */
export function namesIn(place: Place, path: string): string[] {
  try {
    return listNames(place, path);
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

/**
 * Paths that match a pattern whose segments may hold `*` (any part of one name); sorted, at most `max`.
 * Names with a leading dot are matched only by segments with one.
 */
export function expand(place: Place, pattern: string, max = 1_000): string[] {
  // The first segment is empty, or a drive of Windows.
  const [start = '', ...segments] = pattern.split('/');
  let paths = [start];
  for (const segment of segments) {
    paths = paths.flatMap((path) => matchesIn(place, path, segment)).slice(0, max);
  }
  return paths;
}

function matchesIn(place: Place, folder: string, segment: string): string[] {
  if (!segment.includes('*')) return [`${folder}/${segment}`];
  const parts = segment.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const matcher = new RegExp(`^${parts.join('.*')}$`, 's');
  return namesIn(place, folder === '' ? '/' : folder)
    .filter((name) => matcher.test(name) && (segment.startsWith('.') || !name.startsWith('.')))
    .map((name) => `${folder}/${name}`);
}
