import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { UnsafeFile } from './atomic-file.ts';

/** How much a log keeps: the file itself and `maxFiles - 1` older ones, each up to `maxBytes` (or one line if longer). */
export interface LogBounds {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** Readable by the group that the administrator gives the directory, never by everyone. */
const MODE = 0o640;

/**
 * A file that lines are appended to; when it is full it becomes `<path>.1`, that one `<path>.2`, and the oldest goes.
 * Each write is done when `write` returns, so a burst loses no line at a change of files and a crash none that was
 * written.
 * What can't be written is dropped and given to `onTrouble`; every later write tries again, so a log comes back by
 * itself. The stream itself never fails.
 */
export class RotatingFile extends Writable {
  readonly #path: string;
  readonly #bounds: LogBounds;
  readonly #onTrouble: (error: Error) => void;
  #file: number | undefined;
  #size = 0;

  constructor(path: string, bounds: LogBounds, onTrouble: (error: Error) => void) {
    super({ decodeStrings: true });
    this.#path = path;
    this.#bounds = bounds;
    this.#onTrouble = onTrouble;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    try {
      this.#append(chunk);
    } catch (error) {
      this.#close();
      this.#onTrouble(error instanceof Error ? error : new Error(String(error)));
    }
    done();
  }

  override _final(done: () => void): void {
    this.#close();
    done();
  }

  #append(chunk: Buffer): void {
    let file = this.#open();
    if (this.#size > 0 && this.#size + chunk.length > this.#bounds.maxBytes) {
      this.#close();
      this.#shift();
      file = this.#open();
    }
    writeFileSync(file, chunk);
    this.#size += chunk.length;
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
    const file = openSync(this.#path, flags, MODE);
    this.#file = file;
    const { size, mode } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      throw new UnsafeFile(`${this.#path} is not a regular file`);
    }
    if (size === 0) fchmodSync(file, MODE);
    this.#size = size;
    return file;
  }

  #shift(): void {
    for (let n = this.#bounds.maxFiles - 1; n >= 1; n -= 1) {
      const from = n === 1 ? this.#path : `${this.#path}.${String(n - 1)}`;
      renameIfThere(from, `${this.#path}.${String(n)}`);
    }
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
