import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { UnsafeFile } from './atomic-file.ts';
import { archiveNames } from './log-archive.ts';

/** How many older files are looked for; more than a log keeps. */
const MAX_OLDER = 9;

/** What of the end of a log is searched for its last line, bytes: some of the longest lines. */
const TAIL_BYTES = 64 * 1024;

/** How a file of the log is opened for reading: no link is followed, no pipe waited on. */
export const READ_FLAGS =
  constants.O_RDONLY | (process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK);

/** The files of a log that are there, the newest first; compressed ones end in `.gz`. Throws `EACCES` for who may not look. */
export function logFiles(path: string): string[] {
  const older = Array.from({ length: MAX_OLDER }, (_, n) => archiveNames(path, n + 1)).flat();
  return [path, ...older].filter((name) => lstatSync(name, { throwIfNoEntry: false })?.isFile() === true);
}

/** The end of a file. */
export interface Tail {
  readonly text: string;
  /** Whether it is all of the file. */
  readonly whole: boolean;
  /** Where in the file the last line of it ends, bytes. */
  readonly lineEnd: number;
}

/**
 * The end of a file, at most `maxBytes` bytes of it. Throws what the file system throws, and `UnsafeFile` for what is no
 * regular file.
 */
export function readTail(path: string, maxBytes: number): Tail {
  const file = openSync(path, READ_FLAGS);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new UnsafeFile(`${path} is not a regular file`);
    const bytes = Buffer.alloc(Math.min(maxBytes, stat.size));
    const start = stat.size - bytes.length;
    const read = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
    return {
      text: read.toString('utf8'),
      whole: start === 0,
      lineEnd: start + read.lastIndexOf('\n') + 1,
    };
  } finally {
    closeSync(file);
  }
}

/** When the last line of a log was written, ms since the epoch; `null` when its end holds none. Throws as `readTail`. */
export function lastLineAt(path: string): number | null {
  const lines = readTail(path, TAIL_BYTES).text.split('\n').reverse();
  for (const line of lines) {
    const time = lineTime(line);
    if (time !== null) return time;
  }
  return null;
}

/** The time that a line of the log begins with, ms since the epoch; `null` for any other line. */
function lineTime(line: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) \+0000 \[/.exec(line);
  const time = match === null ? Number.NaN : Date.parse(`${match[1] ?? ''}T${match[2] ?? ''}Z`);
  return Number.isNaN(time) ? null : time;
}
