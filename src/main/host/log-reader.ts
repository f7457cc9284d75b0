import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as wait } from 'node:timers/promises';
import { isErrno, UnsafeFile } from './atomic-file.ts';
import { READ_FLAGS, readTail } from './log-files.ts';

/** What is searched for lines of the past, bytes: more than one file of the log holds. */
const TAIL_BYTES = 16 * 1024 * 1024;

/** How often the file is looked at, ms. */
const LOOK_MS = 250;

/** What is read at once, bytes. */
const PIECE_BYTES = 64 * 1024;

/**
 * The last `count` lines of a log that are `wanted`, the oldest first, and where in the file they end, bytes. Throws as
 * `readTail`.
 */
export function lastLines(
  path: string,
  count: number,
  wanted: (line: string) => boolean,
): { readonly lines: string[]; readonly end: number } {
  const { text, whole, lineEnd } = readTail(path, TAIL_BYTES);
  const lines = text.split('\n').slice(whole ? 0 : 1, -1);
  return { lines: count === 0 ? [] : lines.filter(wanted).slice(-count), end: lineEnd };
}

/**
 * Gives every line of a log from the byte `from` on, through its changes of files, until `signal` aborts. A log that is
 * not there yet is waited for. Rejects with what the file system throws for other reasons.
 */
export async function followLines(
  path: string,
  from: number,
  take: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  // Shorter than that it is another file than the one that was looked at.
  let file = openAt(path, (size) => (size < from ? 0 : from));
  try {
    while (signal?.aborted !== true) {
      file?.read(take);
      if (file === undefined || file.wasReplaced(path)) {
        // What was written between the last look and the change.
        file?.read(take);
        const next = openStart(path);
        if (next !== undefined) {
          file?.close();
          file = next;
          continue;
        }
      }
      await wait(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    file?.close();
  }
}

const openStart = (path: string): OpenLog | undefined => openAt(path, () => 0);

function openAt(path: string, position: (size: number) => number): OpenLog | undefined {
  try {
    return new OpenLog(path, position);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** One file of a log, read on from a position. */
class OpenLog {
  readonly #file: number;
  readonly #decoder = new StringDecoder('utf8');
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #position: number;
  #rest = '';

  constructor(path: string, position: (size: number) => number) {
    this.#file = openSync(path, READ_FLAGS);
    const stat = fstatSync(this.#file);
    if (!stat.isFile()) {
      closeSync(this.#file);
      throw new UnsafeFile(`${path} is not a regular file`);
    }
    this.#position = position(stat.size);
  }

  /** Gives the lines that were written since the last call. */
  read(take: (line: string) => void): void {
    for (;;) {
      const count = readSync(this.#file, this.#piece, 0, this.#piece.length, this.#position);
      if (count === 0) return;
      this.#position += count;
      const lines = (this.#rest + this.#decoder.write(this.#piece.subarray(0, count))).split('\n');
      this.#rest = lines.pop() ?? '';
      lines.forEach(take);
    }
  }

  /** Whether another file stands under its name now. */
  wasReplaced(path: string): boolean {
    const now = lstatSync(path, { throwIfNoEntry: false });
    const own = fstatSync(this.#file);
    return now !== undefined && (now.ino !== own.ino || now.dev !== own.dev);
  }

  close(): void {
    closeSync(this.#file);
  }
}
