import { watch, type FSWatcher } from 'node:fs';
import { basename } from 'node:path';

/** Watches a folder; `changed` gets the name of an entry, or `null` where the system doesn't tell. Returns what ends it. */
export type WatchFolder = (
  folder: string,
  changed: (name: string | null) => void,
  lost: () => void,
) => () => void;

/** With what the system has for it (inotify and its like). Throws where there is no such folder, or no watch left. */
export const watchWithNode: WatchFolder = (folder, changed, lost) => {
  const watcher: FSWatcher = watch(folder, { persistent: false }, (_event, name) => {
    changed(name);
    // A folder that is removed or replaced tells it by its own name, and then says nothing more.
    if (name === basename(folder)) lost();
  });
  watcher.on('error', lost);
  return () => {
    watcher.close();
  };
};
