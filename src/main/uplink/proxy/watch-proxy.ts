import { basename, dirname } from 'node:path';
import type { Clock } from '../../clock.ts';
import type { ProxyPlaces } from '../../host/paths.ts';
import { watchWithNode, type WatchFolder } from '../../host/watch-folder.ts';
import { credentialsRevision, isCredentialsFile } from './proxy-credentials.ts';
import type { ProxySettingsSource } from './proxy-settings.ts';

/** How long after a sign of change the settings are read, ms: editors write in several steps. */
export const DEBOUNCE_MS = 500;

/**
 * How often they are read without a sign, ms: for the registry, for folders that aren't there yet, and for whatever a
 * watch misses (a folder replaced, a network drive).
 */
export const POLL_MS = 30_000;

export interface ProxyWatchOptions {
  readonly source: Pick<ProxySettingsSource, 'read'>;
  readonly places: ProxyPlaces;
  /** The folder of the secrets: the credentials among them are part of the settings. */
  readonly secretsDir: string;
  readonly clock: Clock;
  /** Called once per change of what the settings say, or of the credentials; never for settings that are only touched. */
  readonly changed: () => void;
  readonly watchFolder?: WatchFolder;
}

/** Watches the proxy settings until the function that it returns is called (R258). Never throws. */
export function watchProxySettings(options: ProxyWatchOptions): () => void {
  const watcher = new ProxyWatcher(options);
  watcher.start();
  return () => {
    watcher.stop();
  };
}

class ProxyWatcher {
  readonly #options: ProxyWatchOptions;
  /** Which file names are of interest, by folder. */
  readonly #folders: ReadonlyMap<string, OfInterest>;
  readonly #watches = new Map<string, () => void>();
  #known: string;
  #cancelCheck: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;

  constructor(options: ProxyWatchOptions) {
    this.#options = options;
    const { files, sharedFiles } = options.places;
    this.#folders = foldersOf([...files, ...sharedFiles]).set(options.secretsDir, isCredentialsFile);
    this.#known = this.#content();
  }

  start(): void {
    this.#watchFolders();
    this.#poll();
  }

  stop(): void {
    this.#cancelPoll?.();
    this.#cancelCheck?.();
    for (const end of this.#watches.values()) end();
    this.#watches.clear();
  }

  /** What the settings say, without the numbers of their lines: a comment above one is no change. */
  #content(): string {
    const { source, secretsDir } = this.#options;
    const { given, problems } = source.read();
    return JSON.stringify([
      Object.entries(given).map(([name, { value }]) => [name, value]),
      problems.map(({ setting, reason }) => [setting, reason]),
      credentialsRevision(secretsDir),
    ]);
  }

  #check(): void {
    const content = this.#content();
    if (content === this.#known) return;
    this.#known = content;
    this.#options.changed();
  }

  /** A sign of change puts off the look at the settings only once, so that a file written without end can't hold it up. */
  #checkSoon(): void {
    const { clock } = this.#options;
    this.#cancelCheck ??= clock.at(clock.now() + DEBOUNCE_MS, () => {
      this.#cancelCheck = undefined;
      this.#check();
    });
  }

  #poll(): void {
    const { clock } = this.#options;
    this.#cancelPoll = clock.at(clock.now() + POLL_MS, () => {
      this.#watchFolders();
      this.#check();
      this.#poll();
    });
  }

  #watchFolders(): void {
    for (const [folder, ofInterest] of this.#folders) {
      if (!this.#watches.has(folder)) this.#watchFolder(folder, ofInterest);
    }
  }

  #watchFolder(folder: string, ofInterest: OfInterest): void {
    const { watchFolder = watchWithNode } = this.#options;
    try {
      const end = watchFolder(
        folder,
        (name) => {
          if (name === null || ofInterest(name)) this.#checkSoon();
        },
        () => {
          this.#watches.get(folder)?.();
          this.#watches.delete(folder);
        },
      );
      this.#watches.set(folder, end);
    } catch {
      // Not there, or no watch left (inotify has a limit): the next poll looks and tries again.
    }
  }
}

type OfInterest = (name: string) => boolean;

function foldersOf(files: readonly string[]): Map<string, OfInterest> {
  const folders = new Map<string, Set<string>>();
  for (const file of files) {
    const names = folders.get(dirname(file)) ?? new Set<string>();
    folders.set(dirname(file), names.add(basename(file)));
  }
  return new Map([...folders].map(([folder, names]) => [folder, (name) => names.has(name)]));
}
