import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';

/** Thrown when a file of ours is not what only we could have made. */
export class UnsafeFile extends Error {
  override readonly name = 'UnsafeFile';
}

/**
 * Replaces a file so that after a crash either the old or the new content is there, whole: a new file beside it,
 * fsync, rename, fsync of the directory. The file never has more rights than `mode`, and has exactly these in the end,
 * whatever the umask: a service manager may set one that hides what everyone is to read. The directory must exist.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode: number): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    writeFileSync(file, content);
    fchmodSync(file, mode);
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
 * The text of a small file, or `undefined` if there is none. Never follows a link, never waits on a FIFO, never reads
 * more than `maxBytes` bytes; where it would have to, it throws `UnsafeFile`.
 */
export function readSmallFile(
  path: string,
  maxBytes = 64 * 1024,
  encoding: 'utf8' | 'latin1' = 'utf8',
): string | undefined {
  try {
    return readRegularFile(path, { maxBytes, followLinks: false }).toString(encoding);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** What a file has to be for `readRegularFile`. */
export interface RegularFile {
  /** Largest size, bytes. */
  readonly maxBytes: number;
  /** Whether the file behind a link counts; without, a link is refused. */
  readonly followLinks: boolean;
  /** Looks at the file that was opened, and throws where it must not be read. */
  readonly check?: (stat: Stats) => void;
}

/**
 * A regular file whole. Never waits on a FIFO, never reads a device or more than `maxBytes` bytes; throws `UnsafeFile`
 * where it would have to, and what the file system throws.
 */
export function readRegularFile(path: string, { maxBytes, followLinks, check }: RegularFile): Buffer {
  const file = openCarefully(path, followLinks);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new UnsafeFile(`${path} is not a regular file`);
    check?.(stat);
    const bytes = readUpTo(file, maxBytes + 1);
    if (bytes.length > maxBytes) throw new UnsafeFile(`${path} is larger than ${String(maxBytes)} bytes`);
    return bytes;
  } finally {
    closeSync(file);
  }
}

function openCarefully(path: string, followLinks: boolean): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  // Without these an open would wait for the writer of a FIFO, or make a terminal ours; Windows has none of them.
  const flags = process.platform === 'win32' ? 0 : O_NONBLOCK | O_NOCTTY | (followLinks ? 0 : O_NOFOLLOW);
  try {
    return openSync(path, O_RDONLY | flags);
  } catch (error) {
    if (!followLinks && isErrno(error, 'ELOOP')) throw new UnsafeFile(`${path} is a symbolic link`);
    throw error;
  }
}

/** What a file holds, at most `limit` bytes of it; the size that the kernel names is not believed (it is 0 in /proc). */
function readUpTo(file: number, limit: number): Buffer {
  const bytes = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const read = readSync(file, bytes, length, limit - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/**
 * Makes a directory (and its parents) with exactly `mode`. One that is there already keeps its rights, but for writing
 * by others than its owner where `mode` has none. Refuses one that another user owns or that is a link: a service that
 * runs as root must not follow what a local user planted. Throws `UnsafeFile`, and what the file system throws.
 */
export function ensureDirectory(path: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const made = mkdirSync(path, { recursive: true, mode }) !== undefined;
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw new UnsafeFile(`${path} is not a directory`);
  const uid = process.geteuid?.();
  if (uid !== undefined && stat.uid !== uid && stat.uid !== 0) {
    throw new UnsafeFile(`${path} belongs to user ${String(stat.uid)}, not to the one that runs the agent`);
  }
  const wanted = made ? mode : (stat.mode & 0o7777 & ~0o022) | (stat.mode & mode & 0o022);
  if (stat.uid === uid && (stat.mode & 0o7777) !== wanted) chmodSync(path, wanted);
}

/** Whether an error is the operating system's with this code. */
export function isErrno(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
