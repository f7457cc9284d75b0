import { watch as watchWithNode } from 'node:fs';
import { createRequire } from 'node:module';
import type ParcelWatcher from '@parcel/watcher';
import { decodeHostText, hostPathBytes } from '../../text.ts';

/** One thing that a watcher tells: the kind is coarse, the disk is what counts. */
export interface Told {
  readonly type: 'create' | 'update' | 'delete';
  /** Absolute host text. */
  readonly path: string;
}

/** Ends a watch. Never rejects. */
export type EndWatch = () => Promise<void>;

/** What a watch calls: with what it heard, or once with why it hears no more. */
export interface Hear {
  readonly heard: (told: readonly Told[]) => void;
  readonly broke: (error: Error) => void;
}

/** Ways to watch a directory; tests bring their own. */
export interface WatchPort {
  /** A whole tree but for the `ignore`d paths. Rejects where it can't be watched. */
  readonly tree: (directory: string, ignore: readonly string[], hear: Hear) => Promise<EndWatch>;
  /** Entries of one directory. Throws where it can't be watched; the types are those of its events' names alone. */
  readonly entries: (
    directory: string,
    heard: (name: string, renamed: boolean) => void,
    broke: (error: Error) => void,
  ) => () => void;
}

let loaded: typeof ParcelWatcher | undefined;

/** @parcel/watcher, loaded on use: hosts with fanotify never need it. Throws where it has no binary for this host. */
function parcel(): typeof ParcelWatcher {
  loaded ??= createRequire(import.meta.url)('@parcel/watcher') as typeof ParcelWatcher;
  return loaded;
}

/** The system's own: inotify, FSEvents or ReadDirectoryChangesW through @parcel/watcher, single directories through Node. */
export const systemWatchers: WatchPort = {
  tree: async (directory, ignore, { heard, broke }) => {
    const told: ParcelWatcher.SubscribeCallback = (error, events) => {
      if (error !== null) broke(error);
      else heard(events);
    };
    const subscription = await parcel().subscribe(directory, told, { ignore: [...ignore] });
    return async () => {
      try {
        await subscription.unsubscribe();
      } catch {
        // inotify(7) has dropped the watches of a root that is gone; the library takes that for an error.
      }
    };
  },
  entries: (directory, heard, broke) => {
    const watcher = watchWithNode(
      hostPathBytes(directory),
      { persistent: false, encoding: 'buffer' },
      (type, name) => {
        if (name !== null) heard(decodeHostText(name), type === 'rename');
      },
    );
    watcher.on('error', broke);
    return () => {
      watcher.close();
    };
  },
};

/** A path with one of these might be taken for a pattern, by a matcher whose time a hostile name could stretch. */
const PATTERN_CHARACTERS = /[*?[\](){}!+@|]/;

/** Whether a watcher can be told to ignore this path. */
export function canIgnore(path: string): boolean {
  return !PATTERN_CHARACTERS.test(path);
}
