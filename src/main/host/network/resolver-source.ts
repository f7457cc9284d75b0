import { realpathSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isErrno } from '../atomic-file.ts';
import type { ChangeSource, SourceEvents } from './source.ts';

/**
 * Watches the files of the resolver through their folders, since tools replace them by renaming. A file may be a link
 * into another folder, as systemd-resolved and NetworkManager make it; both ends are watched, and anew after every
 * change, since a link may then lead elsewhere. A folder that isn't there is not watched.
 */
export class ResolverSource implements ChangeSource {
  readonly name = 'the watch on the resolver';
  readonly #files: readonly string[];
  readonly #watchers: FSWatcher[] = [];
  #names: ReadonlySet<string> = new Set();
  #events: SourceEvents | undefined;

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  start(events: SourceEvents): void {
    this.#events = events;
    if (this.#watchFolders()) events.up();
  }

  stop(): Promise<void> {
    this.#events = undefined;
    this.#unwatch();
    return Promise.resolve();
  }

  /** Watches the folders as they are now. Returns whether all of them could be. */
  #watchFolders(): boolean {
    const paths = this.#files.flatMap((file) => [file, targetOf(file)]).filter((path) => path !== undefined);
    this.#names = new Set(paths.map((path) => basename(path)));
    const folders = new Set(paths.map((path) => dirname(path)));
    return [...folders].map((folder) => this.#watchFolder(folder)).every(Boolean);
  }

  #watchFolder(folder: string): boolean {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || this.#names.has(name)) this.#changed();
      });
      watcher.on('error', (error) => {
        this.#events?.down(error.message);
      });
      this.#watchers.push(watcher);
      return true;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return true;
      this.#events?.down(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  #changed(): void {
    this.#unwatch();
    if (this.#events === undefined) return;
    this.#watchFolders();
    this.#events.hint();
  }

  #unwatch(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }
}

/** Where a link ends; `undefined` where there is nothing. */
function targetOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
