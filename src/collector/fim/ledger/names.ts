import { lstatSync } from 'node:fs';
import { encodeText } from '../../../wire/encode.ts';
import { accounts, groups } from '../../linux/accounts.ts';
import type { Os } from '../../table.ts';

/** Names of owners and groups, as the host knows them at this moment; `undefined` for a number that has none. */
export interface Names {
  readonly user: (uid: number) => string | undefined;
  readonly group: (gid: number) => string | undefined;
}

/** How long a look at the files' times counts, ms: thousands of events ask in a row. */
const LOOK_MS = 1_000;

/**
 * Local accounts of passwd(5) and group(5), read again when the files change. Directory users have numbers alone. `now` is
 * ms on any clock.
 */
export function localNames(os: Os, now: () => number): Names {
  if (os === 'win32') return { user: () => undefined, group: () => undefined };
  const place = { root: '/', os };
  const user = cached('/etc/passwd', now, () => accounts(place).map(({ uid, name }) => [uid, name] as const));
  const group = cached('/etc/group', now, () => groups(place).map(({ gid, name }) => [gid, name] as const));
  return { user, group };
}

/** The first name of a number wins, as it does for getpwuid(3). */
function cached(
  file: string,
  now: () => number,
  read: () => readonly (readonly [number, string])[],
): (id: number) => string | undefined {
  let names = new Map<number, string>();
  let mtimeMs = NaN;
  let lookedAt = -Infinity;
  const refresh = (): void => {
    const found = lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (found === mtimeMs) return;
    mtimeMs = found;
    names = new Map(
      read()
        .toReversed()
        .map(([id, name]) => [id, encodeText(name)]),
    );
  };
  return (id) => {
    if (now() - lookedAt >= LOOK_MS) {
      lookedAt = now();
      try {
        refresh();
      } catch {
        names = new Map();
      }
    }
    return names.get(id);
  };
}
