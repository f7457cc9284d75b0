import { basename, dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import { watchWithNode, type WatchFolder } from './watch-folder.ts';

/** How long after a sign of change the files are read, ms: editors write in several steps. */
export const DEBOUNCE_MS = 500;

/**
 * How often they are read without a sign, ms: for folders that aren't there yet, and for whatever a watch misses (a folder
 * replaced, a network drive).
 */
export const POLL_MS = 30_000;

/** Whether a file of this name is one of those that are followed. */
export type OfInterest = (name: string) => boolean;

export interface ContentWatchOptions {
  /** Which file names are of interest, by folder. */
  readonly folders: ReadonlyMap<string, OfInterest>;
  /** What the files say now, in a form that is equal for equal meaning. Must not throw. */
  readonly content: () => string;
  readonly clock: Clock;
  /** Called once per change of the content; never for files that are only touched. */
  readonly changed: () => void;
  readonly watchFolder?: WatchFolder;
}

/** Follows what files say until the function that it returns is called. Never throws. */
export function watchContent(options: ContentWatchOptions): () => void {
  const watcher = new ContentWatcher(options);
  watcher.start();
  return () => {
    watcher.stop();
  };
}

/** The folders of files, with the names in each that are of interest. */
export function foldersOf(files: readonly string[]): Map<string, OfInterest> {
  const folders = new Map<string, Set<string>>();
  for (const file of files) {
    const names = folders.get(dirname(file)) ?? new Set<string>();
    folders.set(dirname(file), names.add(basename(file)));
  }
  return new Map([...folders].map(([folder, names]) => [folder, (name) => names.has(name)]));
}

class ContentWatcher {
  readonly #options: ContentWatchOptions;
  readonly #watches = new Map<string, () => void>();
  #known: string;
  #cancelCheck: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;

  constructor(options: ContentWatchOptions) {
    this.#options = options;
    this.#known = options.content();
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

  #check(): void {
    const content = this.#options.content();
    if (content === this.#known) return;
    this.#known = content;
    this.#options.changed();
  }

  /** A sign of change puts off the look at the files only once, so that a file written without end can't hold it up. */
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
    for (const [folder, ofInterest] of this.#options.folders) {
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
