import { statSync } from 'node:fs';
import { hostPath, type Place } from '../open-file.ts';
import { hostPathBytes } from '../text.ts';
import { watchWithNode, type WatchFolder } from '../watch-folders.ts';

/** Folders watched at most: each costs one of the system's watches. */
const MOST = 256;

interface Armed {
  /** Which folder it is: another one may come to stand at the same path. */
  readonly stamp: string;
  readonly end: () => void;
}

/** Watches of a set of folders that come and go. What can't be watched is found by the look that is due anyway. */
export class FolderWatches {
  readonly #place: Place;
  readonly #onEvent: (folder: string) => void;
  readonly #watchFolder: WatchFolder;
  readonly #armed = new Map<string, Armed>();

  constructor(place: Place, onEvent: (folder: string) => void, watchFolder: WatchFolder = watchWithNode) {
    this.#place = place;
    this.#onEvent = onEvent;
    this.#watchFolder = watchFolder;
  }

  get size(): number {
    return this.#armed.size;
  }

  /** Watches these host paths, at most 256, and no others; those that are not folders are left out. */
  set(folders: readonly string[]): void {
    const wanted = new Map(folders.slice(0, MOST).map((folder) => [folder, this.#stamp(folder)]));
    for (const [folder, { stamp, end }] of [...this.#armed]) {
      if (wanted.get(folder) === stamp) continue;
      end();
      this.#armed.delete(folder);
    }
    for (const [folder, stamp] of wanted) {
      if (stamp !== undefined && !this.#armed.has(folder)) this.#arm(folder, stamp);
    }
  }

  close(): void {
    this.set([]);
  }

  #arm(folder: string, stamp: string): void {
    try {
      const end = this.#watchFolder(
        hostPath(this.#place, folder),
        () => this.#onEvent(folder),
        () => this.#armed.delete(folder),
      );
      this.#armed.set(folder, { stamp, end });
    } catch {
      // Gone meanwhile, or no watch left: the next look tries again.
    }
  }

  #stamp(folder: string): string | undefined {
    try {
      const stat = statSync(hostPathBytes(hostPath(this.#place, folder)), { bigint: true });
      return stat.isDirectory() ? `${stat.dev}:${stat.ino}` : undefined;
    } catch {
      return undefined;
    }
  }
}
