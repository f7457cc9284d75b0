import { dirname } from 'node:path';
import type { WatchedPath } from '../shared/collector.ts';
import type { ManifestType } from '../shared/modules.ts';
import type { StartTimer } from './debounce.ts';
import { hostPath } from './open-file.ts';
import type { Os } from './table.ts';
import { HostPath } from './tables/params.ts';
import { FolderWatch, stampOf, type WatchFolder } from './watch-folders.ts';

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
  readonly #folders: FolderWatch;
  #watched: Watched[] = [];

  constructor(options: ConfigurationWatchOptions) {
    this.#options = options;
    this.#folders = new FolderWatch({
      startTimer: options.startTimer,
      watchFolder: options.watchFolder,
      onStirred: () => {
        this.#look();
      },
    });
  }

  /** Watches these files instead of those before. Paths that no table would read are left out. */
  set(paths: readonly WatchedPath[]): void {
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
    this.#folders.set(folders.slice(0, MAX_FOLDERS));
  }

  close(): void {
    this.#folders.close();
  }

  #onHost(path: string): string | undefined {
    if (!HostPath.safeParse(path).success) return undefined;
    try {
      return hostPath(this.#options, path);
    } catch {
      return undefined;
    }
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
