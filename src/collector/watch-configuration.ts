import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { WatchedPath } from '../shared/collector.ts';
import type { ManifestType } from '../shared/modules.ts';
import { Debounce, type StartTimer } from './debounce.ts';
import { hostPath } from './open-file.ts';
import type { Os } from './table.ts';
import { HostPath } from './tables/params.ts';
import { watchWithNode, type WatchFolder } from './watch.ts';

/** Quiet time after the last change, and longest wait after the first, in milliseconds: editors save in several steps. */
const QUIET_MS = 2_000;
const MAX_MS = 30_000;

/** Wait before folders that are not there, or whose watch failed, are tried again, in milliseconds. */
const REARM_MS = 60_000;

/** Folders at most: each costs one of the system's watches. What is beyond is seen by the next scan. */
const MAX_FOLDERS = 256;

export interface ConfigurationWatchOptions {
  /** As `normalRoot` gives it. */
  readonly root: string;
  readonly os: Os;
  readonly startTimer: StartTimer;
  /** Called with the types whose manifests look at a file that changed, and the reason in words. */
  readonly onChange: (types: readonly ManifestType[], reason: string) => void;
  readonly log: (level: 'warn' | 'debug', message: string) => void;
  readonly watchFolder?: WatchFolder;
}

interface Watched {
  readonly path: string;
  readonly onHost: string;
  readonly types: readonly ManifestType[];
  seen: string;
}

/**
 * Watches the files that active manifests look at (R026, protocol rule 11): a change of one asks for an early cycle of the
 * types concerned. Folders are watched and files compared, so that a file that is replaced, removed or made is a change,
 * and one whose content is written anew with the same times is not missed by more than the next scan.
 */
export class ConfigurationWatch {
  readonly #options: ConfigurationWatchOptions;
  readonly #debounce: Debounce;
  #watched: Watched[] = [];
  #folders: readonly string[] = [];
  readonly #ends = new Map<string, () => void>();
  #cancelRearm: (() => void) | undefined;

  constructor(options: ConfigurationWatchOptions) {
    this.#options = options;
    this.#debounce = new Debounce({
      quietMs: QUIET_MS,
      maxMs: MAX_MS,
      startTimer: options.startTimer,
      fire: () => {
        this.#look();
      },
    });
  }

  /** Watches these files instead of those before. Paths that no table would read are left out. */
  set(paths: readonly WatchedPath[]): void {
    this.close();
    this.#watched = paths.flatMap(({ path, types }) => {
      const onHost = this.#onHost(path);
      return onHost === undefined ? [] : [{ path, onHost, types, seen: stampOf(onHost) }];
    });
    const folders = [...new Set(this.#watched.map(({ onHost }) => dirname(onHost)))];
    if (folders.length > MAX_FOLDERS) {
      const beyond = folders.length - MAX_FOLDERS;
      this.#options.log(
        'warn',
        `${String(beyond)} folders of watched configuration are beyond the bound and not watched`,
      );
    }
    this.#folders = folders.slice(0, MAX_FOLDERS);
    this.#arm();
  }

  close(): void {
    this.#debounce.cancel();
    this.#cancelRearm?.();
    this.#cancelRearm = undefined;
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  #onHost(path: string): string | undefined {
    if (!HostPath.safeParse(path).success) return undefined;
    try {
      return hostPath(this.#options, path);
    } catch {
      return undefined;
    }
  }

  #arm(): void {
    const { watchFolder = watchWithNode, startTimer } = this.#options;
    for (const folder of this.#folders.filter((one) => !this.#ends.has(one))) {
      try {
        const end = watchFolder(
          folder,
          () => {
            this.#debounce.event();
          },
          () => {
            this.#lost(folder);
          },
        );
        this.#ends.set(folder, end);
      } catch {
        // Not there yet, or no watch left: tried again below.
      }
    }
    if (this.#ends.size === this.#folders.length) return;
    this.#cancelRearm ??= startTimer(REARM_MS, () => {
      this.#cancelRearm = undefined;
      this.#arm();
      this.#debounce.event();
    });
  }

  #lost(folder: string): void {
    this.#ends.get(folder)?.();
    this.#ends.delete(folder);
    this.#arm();
  }

  #look(): void {
    const changed = this.#watched.filter((file) => {
      const now = stampOf(file.onHost);
      const differs = now !== file.seen;
      file.seen = now;
      return differs;
    });
    const [first, ...others] = changed;
    if (first === undefined) return;
    const types = [...new Set(changed.flatMap((file) => file.types))];
    const more = others.length === 0 ? '' : ` and ${String(others.length)} more`;
    this.#options.onChange(types, `configuration changed: ${first.path}${more}`);
  }
}

/** Inode, size, rights and times of what a path leads to; a content that changes changes them. */
function stampOf(path: string): string {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined
      ? '-'
      : [stat.ino, stat.size, stat.mode, stat.uid, stat.gid, stat.mtimeNs].join(',');
  } catch {
    return '?';
  }
}
