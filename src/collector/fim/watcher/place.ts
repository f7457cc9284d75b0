import { lstatSync, type BigIntStats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hostPathBytes } from '../../text.ts';

/** Where a root is watched at this moment. */
export interface Place {
  /** The root itself where it is a directory, else the directory that it is an entry of. */
  readonly directory: string;
  /** The one entry that counts; `undefined` for all of them. */
  readonly only: string | undefined;
  /** Differs for another directory, also for one of the same path. */
  readonly identity: string;
}

/** What a path leads to, a link itself and not its end; `undefined` where there is nothing or it can't be asked. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(hostPathBytes(path), { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Where to watch a root; `undefined` while neither it nor its parent is there. A link is an entry, never followed. */
export function placeOf(root: string): Place | undefined {
  const own = lookAt(root);
  if (own?.isDirectory() === true) {
    return { directory: root, only: undefined, identity: `tree ${own.dev}:${own.ino}` };
  }
  const parent = dirname(root);
  const above = parent === root ? undefined : lookAt(parent);
  if (above?.isDirectory() !== true) return undefined;
  return { directory: parent, only: basename(root), identity: `entry ${above.dev}:${above.ino}` };
}
