import { constants, lstatSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** The two names that the `n`th older file of a log may have: as it was written, and compressed. */
export function archiveNames(path: string, n: number): readonly [plain: string, compressed: string] {
  return [`${path}.${String(n)}`, `${path}.${String(n)}.gz`];
}

/** Closed to others, as the log itself. */
const MODE = 0o640;

const NO_FOLLOW = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Compresses the older files of a log, one at a time and off the event loop, while the log goes on and may shift them:
 * a file is known by its inode, not by its name, and takes the `.gz` name of the place where it stands in the end. A
 * crash in between leaves the file as it was, and a `.gz.new` beside the log that the next run overwrites.
 */
export class LogArchive {
  readonly #path: string;
  readonly #files: number;
  readonly #ending = new AbortController();
  #running: Promise<void> | undefined;

  /** `files` is how many files the log has in all, the one that is written included. */
  constructor(path: string, files: number) {
    this.#path = path;
    this.#files = files;
  }

  /** Begins to compress what is not; does nothing while it is at it. */
  compress(): void {
    if (this.#ending.signal.aborted || this.#running !== undefined) return;
    this.#running = this.#compressAll()
      // What can't be compressed stays plain, and the next change of files tries again.
      .catch(() => undefined)
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Ends what is under way; the file it was at stays as it is. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #compressAll(): Promise<void> {
    for (let n = this.#nextPlain(); n !== undefined; n = this.#nextPlain()) {
      await this.#compressOne(archiveNames(this.#path, n)[0]);
    }
  }

  /** The oldest file that is not compressed. */
  #nextPlain(): number | undefined {
    for (let n = this.#files - 1; n >= 1; n -= 1) {
      if (inodeOf(archiveNames(this.#path, n)[0]) !== undefined) return n;
    }
    return undefined;
  }

  async #compressOne(plain: string): Promise<void> {
    const temporary = `${this.#path}.gz.new`;
    const source = await open(plain, constants.O_RDONLY | NO_FOLLOW);
    try {
      rmSync(temporary, { force: true });
      const target = await open(temporary, 'wx', MODE);
      await target.chmod(MODE);
      await pipeline(
        source.createReadStream({ autoClose: false }),
        createGzip(),
        target.createWriteStream({ flush: true }),
        { signal: this.#ending.signal },
      );
      // Open until now, so that no other file can have got its inode.
      const { dev, ino } = await source.stat();
      this.#put(temporary, `${String(dev)}:${String(ino)}`);
    } finally {
      await source.close();
      rmSync(temporary, { force: true });
    }
  }

  /** Puts the compressed file in place of the one it was made of, unless that was dropped meanwhile. */
  #put(temporary: string, inode: string): void {
    for (let n = 1; n < this.#files; n += 1) {
      const [plain, compressed] = archiveNames(this.#path, n);
      if (inodeOf(plain) !== inode) continue;
      renameSync(temporary, compressed);
      rmSync(plain);
      return;
    }
  }
}

function inodeOf(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? `${String(stat.dev)}:${String(stat.ino)}` : undefined;
}
