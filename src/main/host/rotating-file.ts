import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { UnsafeFile } from './atomic-file.ts';
import { archiveNames, LogArchive } from './log-archive.ts';

/** How much a log keeps: the file itself and `maxFiles - 1` older ones, each up to `maxBytes` (or one line if longer). */
export interface LogBounds {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** Readable by the group that the administrator gives the directory, never by everyone. */
const LOG_MODE = 0o640;

/**
 * A file that lines are appended to; when it is full it becomes `<path>.1`, that one `<path>.2`, and the oldest goes.
 * Older files are compressed in the background and end in `.gz` then.
 * Each write is done when `write` returns, so a burst loses no line at a change of files and a crash none that was
 * written.
 * What can't be written is dropped, counted, and the reason kept as `trouble`; every later write tries again, so a log
 * comes back by itself, with a line before that says how many are missing. The stream itself never fails.
 */
export class RotatingFile extends Writable {
  readonly #path: string;
  readonly #bounds: LogBounds;
  readonly #missing: (lines: number) => string;
  readonly #onTrouble: (error: Error) => void;
  readonly #archive: LogArchive;
  #file: number | undefined;
  #size = 0;
  #lost = 0;
  #trouble: Error | undefined;

  /**
   * `missing` gives the line, with its newline, that stands where `lines` lines could not be written; `onTrouble` is
   * called when writing begins to fail.
   */
  constructor(
    path: string,
    bounds: LogBounds,
    missing: (lines: number) => string,
    onTrouble: (error: Error) => void,
  ) {
    super({ decodeStrings: true });
    this.#path = path;
    this.#bounds = bounds;
    this.#missing = missing;
    this.#onTrouble = onTrouble;
    this.#archive = new LogArchive(path, bounds.maxFiles);
  }

  /** Why the last line could not be written; `undefined` when it was. */
  get trouble(): Error | undefined {
    return this.#trouble;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    try {
      this.#append(this.#lost === 0 ? chunk : Buffer.concat([Buffer.from(this.#missing(this.#lost)), chunk]));
      this.#lost = 0;
      this.#trouble = undefined;
    } catch (error) {
      this.#close();
      this.#lost += 1;
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  }

  #fail(error: Error): void {
    if (this.#trouble === undefined) this.#onTrouble(error);
    this.#trouble = error;
  }

  override _final(done: () => void): void {
    this.#close();
    this.#archive.stop().then(done, done);
  }

  #append(chunk: Buffer): void {
    let file = this.#open();
    if (this.#size > 0 && this.#size + chunk.length > this.#bounds.maxBytes) {
      this.#close();
      this.#shift();
      file = this.#open();
    }
    try {
      writeFileSync(file, chunk);
    } catch (error) {
      // A disk that fills up takes half a line: the next one must not be glued to it.
      this.#cut(file);
      throw error;
    }
    this.#size += chunk.length;
  }

  #cut(file: number): void {
    try {
      ftruncateSync(file, this.#size);
    } catch {
      // The reason why nothing can be written is the one to tell.
    }
  }

  /** The open file; a new one where someone has deleted the old, or everything from then on would be lost with it. */
  #open(): number {
    if (this.#file !== undefined) {
      if (process.platform === 'win32' || fstatSync(this.#file).nlink > 0) return this.#file;
      this.#close();
    }
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o750 });
    const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow;
    const file = openSync(this.#path, flags, LOG_MODE);
    this.#file = file;
    const { size, mode } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw new UnsafeFile(`${this.#path} is not a regular file`);
    }
    if (size === 0) fchmodSync(file, LOG_MODE);
    this.#size = size;
    return file;
  }

  #shift(): void {
    const oldest = this.#bounds.maxFiles - 1;
    for (const name of archiveNames(this.#path, oldest)) rmSync(name, { force: true });
    for (let n = oldest; n >= 1; n -= 1) {
      const from = n === 1 ? [this.#path] : archiveNames(this.#path, n - 1);
      const to = archiveNames(this.#path, n);
      from.forEach((name, at) => {
        renameIfThere(name, to[at] ?? '');
      });
    }
    this.#archive.compress();
  }

  #close(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    closeSync(file);
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
