import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
  fstatSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Thrown when a file of ours is not what only we could have made. */
export class UnsafeFile extends Error {
  override readonly name = 'UnsafeFile';
}

/**
 * Replaces a file so that after a crash either the old or the new content is there, whole: a new file beside it,
 * fsync, rename, fsync of the directory. `mode` is set from the beginning. The directory must exist.
 */
export function writeFileAtomic(path: string, content: string, mode: number): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** Removes a file and makes that durable; an absent one is fine. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
  syncDirectory(dirname(path));
}

function syncDirectory(path: string): void {
  // A directory handle cannot be synced on Windows; NTFS journals the rename itself.
  if (process.platform === 'win32') return;
  const directory = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * The text of a small file, or `undefined` if there is none. Never follows a link, never waits on a FIFO; more than
 * `maxBytes` throws `UnsafeFile`.
 */
export function readSmallFile(path: string, maxBytes = 64 * 1024): string | undefined {
  const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | noFollow);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'ELOOP')) throw new UnsafeFile(`${path} is a symbolic link`);
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new UnsafeFile(`${path} is not a regular file`);
    if (stat.size > maxBytes) throw new UnsafeFile(`${path} is larger than ${String(maxBytes)} bytes`);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a directory (and its parents) with `mode`, and refuses one that another user owns or that is a link: a service
 * that runs as root must not follow what a local user planted.
 */
export function ensureDirectory(path: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  mkdirSync(path, { recursive: true, mode });
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new UnsafeFile(`${path} is not a directory`);
  const uid = process.geteuid?.();
  if (uid !== undefined && stat.uid !== uid && stat.uid !== 0) {
    throw new UnsafeFile(`${path} belongs to user ${String(stat.uid)}, not to the one that runs the agent`);
  }
}

/** Whether an error is the operating system's with this code. */
export function isErrno(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
