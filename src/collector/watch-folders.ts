import { statSync, watch as watchDirectory } from 'node:fs';
import { Debounce, type StartTimer } from './debounce.ts';
import { codeOf } from './open-file.ts';

/** Quiet time after the last change, and longest wait after the first, in milliseconds: tools write in several steps. */
const QUIET_MS = 2_000;
const MAX_MS = 30_000;

/** Wait before folders that are not there, or whose watch failed, are tried again, in milliseconds. */
const REARM_MS = 60_000;

/** Calls back on any event in a folder; the result ends the watch. Throws when it can't be armed. */
export type WatchFolder = (
  folder: string,
  onEvent: () => void,
  onError: (error: unknown) => void,
) => () => void;

/** A watch of the system's own. */
export const watchWithNode: WatchFolder = (folder, onEvent, onError) => {
  const watcher = watchDirectory(folder, { persistent: false }, onEvent);
  watcher.on('error', onError);
  return () => {
    watcher.close();
  };
};

export interface FolderWatchOptions {
  readonly startTimer: StartTimer;
  readonly watchFolder?: WatchFolder | undefined;
  /** Called 2 s after the last event in any of the folders, at most 30 s after the first: time to look what it was. */
  readonly onStirred: () => void;
  /** Called when a folder can't be watched for the next 60 s, with the system's code. */
  readonly onFailed?: (folder: string, code: string) => void;
}

/**
 * Watches folders for anything that happens in them. One that is not there, or whose watch failed, is tried again every
 * 60 s; then somebody looks as well, so that nothing that happened in between is missed.
 */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  readonly #debounce: Debounce;
  readonly #ends = new Map<string, () => void>();
  #folders: readonly string[] = [];
  #cancelRearm: (() => void) | undefined;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
    this.#debounce = new Debounce({
      quietMs: QUIET_MS,
      maxMs: MAX_MS,
      startTimer: options.startTimer,
      fire: options.onStirred,
    });
  }

  /** Watches these folders, paths on this host, instead of those before. */
  set(folders: readonly string[]): void {
    this.close();
    this.#folders = folders;
    this.#arm();
  }

  close(): void {
    this.#debounce.cancel();
    this.#cancelRearm?.();
    this.#cancelRearm = undefined;
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  #arm(): void {
    const { watchFolder = watchWithNode } = this.#options;
    for (const folder of this.#folders.filter((one) => !this.#ends.has(one))) {
      const stirred = (): void => {
        this.#debounce.event();
      };
      const lost = (error: unknown): void => {
        this.#ends.get(folder)?.();
        this.#ends.delete(folder);
        this.#failed(folder, error);
      };
      try {
        this.#ends.set(folder, watchFolder(folder, stirred, lost));
      } catch (error) {
        this.#failed(folder, error);
      }
    }
  }

  #failed(folder: string, error: unknown): void {
    this.#options.onFailed?.(folder, codeOf(error));
    this.#cancelRearm ??= this.#options.startTimer(REARM_MS, () => {
      this.#cancelRearm = undefined;
      this.#arm();
      this.#debounce.event();
    });
  }
}

/** Inode, size, rights and times of what a path of this host leads to: whatever changes it changes them. `-` for nothing. */
export function stampOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined
      ? '-'
      : [stat.ino, stat.size, stat.mode, stat.uid, stat.gid, stat.mtimeNs].join(',');
  } catch {
    return '?';
  }
}
