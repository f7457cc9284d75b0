import type { Clock } from '../clock.ts';
import type { Settings } from '../host/settings.ts';
import { foldersOf, watchContent } from '../host/watch-content.ts';
import type { WatchFolder } from '../host/watch-folder.ts';
import { judgeSettings, unreadable, type SettingsChange } from './settings-change.ts';

export interface FollowOptions {
  /** `agent.conf`. */
  readonly file: string;
  readonly inForce: Settings;
  /** Reads the settings as at start. May throw what the file system throws. */
  readonly read: () => Settings;
  readonly clock: Clock;
  /** Called with what to do after every change of the file, and once at the beginning. */
  readonly judged: (change: SettingsChange) => void;
  readonly watchFolder?: WatchFolder;
}

/** Follows `agent.conf` until the function that it returns is called. Never throws. */
export function followSettings({
  file,
  inForce,
  read,
  clock,
  judged,
  watchFolder,
}: FollowOptions): () => void {
  const judge = (): SettingsChange => {
    try {
      return judgeSettings(inForce, read(), file);
    } catch (error) {
      return unreadable(file, error);
    }
  };
  const end = watchContent({
    folders: foldersOf([file]),
    content: () => JSON.stringify(judge()),
    clock,
    changed: () => {
      judged(judge());
    },
    ...(watchFolder !== undefined && { watchFolder }),
  });
  // What changed before the watch began.
  judged(judge());
  return end;
}
