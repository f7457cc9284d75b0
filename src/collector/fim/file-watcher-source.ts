import type { StartTimer } from '../debounce.ts';
import type { Os } from '../table.ts';
import { FileWatcher, type FileWatcherOptions } from './file-watcher.ts';
import type { ChangeSource, SourceEvents } from './source.ts';
import type { WatchPort } from './watcher/subscribe.ts';

/** What a file watcher asks of the host. */
export interface FileWatcherHost {
  readonly os: Os;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly startTimer: StartTimer;
  /** The host's own unless a test brings one. */
  readonly port?: WatchPort | undefined;
}

/** A file watcher that tells `events` what it hears; `where` as in `FileWatcherOptions`. */
export function fileWatcherFor(
  events: SourceEvents,
  { os, now, startTimer, port }: FileWatcherHost,
  where: Pick<FileWatcherOptions, 'covers' | 'roots'> = {},
): FileWatcher {
  return new FileWatcher({
    os,
    now,
    startTimer,
    changes: events.changes,
    lost: events.lost,
    failed: (text) => {
      if (text !== '') events.log('warn', `file watcher: ${text}`);
      events.mountsChanged();
    },
    ...where,
    ...(port === undefined ? {} : { port }),
  });
}

/** Without the rights for a better source: what is watched is watched, and by whom it was changed is not known (R208). */
export function fileWatcherSource(events: SourceEvents, host: FileWatcherHost): ChangeSource {
  const source = fileWatcherFor(events, host);
  return {
    provider: 'file watcher',
    actors: 'unknown',
    start: async (rules) => {
      source.start();
      await source.setRules(rules);
    },
    setRules: (rules) => source.setRules(rules),
    mounts: () => source.mounts(),
    stop: () => source.stop(),
  };
}
