import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { join, sep } from 'node:path';
import { decodeHostText, hostPathBytes } from './text.ts';
import { Unreadable, type ReadContext } from './table.ts';

/** Largest file read in one piece unless told otherwise, in bytes. */
export const SMALL_FILE = 1024 * 1024;

/** Largest file read as a stream unless told otherwise, in bytes. */
export const LARGE_FILE = 64 * 1024 * 1024;

/** Entries taken of one directory; more make it `Unreadable`, since half a directory would flap. */
const MAX_ENTRIES = 100_000;

const CHUNK = 64 * 1024;

/** `O_NONBLOCK`: a FIFO or device never hangs the open; the other flags where the system has them. */
const flag = (name: string): number => (constants as Readonly<Record<string, number | undefined>>)[name] ?? 0;
const OPEN_FLAGS = constants.O_RDONLY | flag('O_NONBLOCK') | flag('O_NOCTTY');

/** Where files are looked for: the part of `ReadContext` these helpers need. */
export type Place = Pick<ReadContext, 'root' | 'os'>;

export interface FileOptions {
  readonly maxBytes?: number;
  /**
   * `follow` for files that only root can place (an /etc/os-release is a link); `none` where a user owns a folder of the
   * path: then no component of it may be a link.
   */
  readonly links?: 'follow' | 'none';
}

/** The path below the root for an absolute host path. Throws `Unreadable` for one that is relative or holds `..` or NUL. */
export function hostPath(place: Place, path: string): string {
  const parts = path.split(place.os === 'win32' ? /[/\\]/ : '/');
  if (path.includes('\0') || parts.includes('..')) throw new Unreadable('path refused');
  if (place.os === 'win32') return place.root === '/' ? path : join(place.root, path.replace(':', ''));
  if (!path.startsWith('/')) throw new Unreadable('path refused');
  return place.root === '/' ? path : place.root + path;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'error';

/** Whether an error of `node:fs` says that the file is not there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

function unreadable(path: string, error: unknown): Unreadable {
  return error instanceof Unreadable ? error : new Unreadable(`${path}: ${codeOf(error)}`);
}

function openDescriptor(path: string, noFollow: boolean): number {
  const flags = OPEN_FLAGS | (noFollow ? flag('O_NOFOLLOW') : 0);
  const target = hostPathBytes(path);
  try {
    return openSync(target, flags | flag('O_NOATIME'));
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    return openSync(target, flags);
  }
}

/** Refuses what the open reached by a link: outside the root, or through any link where none is allowed. */
function checkPlace(fd: number, real: string, place: Place, noLinks: boolean): void {
  if (process.platform !== 'linux' || (place.root === '/' && !noLinks)) return;
  const reached = decodeHostText(readlinkSync(`/proc/self/fd/${String(fd)}`, 'buffer'));
  if (noLinks ? reached !== real : !`${reached}${sep}`.startsWith(`${place.root}${sep}`)) {
    throw new Unreadable('a link leads elsewhere');
  }
}

/**
 * Opens a regular file for reading. Returns `undefined` where there is none. Throws `Unreadable` for anything that is
 * not a regular file, is larger than allowed, or is reached through a link that is not allowed. The caller closes it.
 */
export function openRegular(
  place: Place,
  path: string,
  options: FileOptions = {},
): { fd: number; stat: Stats } | undefined {
  const real = hostPath(place, path);
  const noLinks = options.links === 'none';
  let fd: number;
  try {
    fd = openDescriptor(real, noLinks);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(path, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Unreadable('not a regular file');
    if (stat.size > (options.maxBytes ?? SMALL_FILE)) throw new Unreadable('larger than allowed');
    checkPlace(fd, real, place, noLinks);
    return { fd, stat };
  } catch (error) {
    closeSync(fd);
    throw error instanceof Unreadable ? new Unreadable(`${path}: ${error.message}`) : unreadable(path, error);
  }
}

/** Chunks of an open file up to `maxBytes`; files of /proc state no size, so the bound is on what arrives. */
function* chunks(fd: number, path: string, maxBytes: number): Generator<Buffer> {
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const length = readSync(fd, chunk, 0, CHUNK, null);
    if (length === 0) return;
    total += length;
    if (total > maxBytes) throw new Unreadable(`${path}: larger than allowed`);
    yield chunk.subarray(0, length);
  }
}

/** The bytes of a regular file of at most 1 MiB unless told; `undefined` where there is none. Throws `Unreadable`. */
export function readBytes(place: Place, path: string, options: FileOptions = {}): Buffer | undefined {
  const opened = openRegular(place, path, options);
  if (opened === undefined) return undefined;
  try {
    return Buffer.concat([...chunks(opened.fd, path, options.maxBytes ?? SMALL_FILE)]);
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    closeSync(opened.fd);
  }
}

/** As `readBytes`, as text of the host (`decodeHostText`). */
export function readText(place: Place, path: string, options: FileOptions = {}): string | undefined {
  const bytes = readBytes(place, path, options);
  return bytes === undefined ? undefined : decodeHostText(bytes);
}

/** A one-line file of /proc or /sys without its line end; `null` where it is absent, empty or refused. */
export function readValue(place: Place, path: string): string | null {
  try {
    const text = readText(place, path)?.replaceAll('\0', '').trim();
    return text === undefined || text === '' ? null : text;
  } catch {
    return null;
  }
}

/**
 * Chunks of a large regular file (64 MiB unless told), pacing between them. Yields nothing where there is none.
 * Throws `Unreadable`.
 */
export async function* readChunks(
  context: ReadContext,
  path: string,
  options: FileOptions = {},
): AsyncGenerator<Buffer> {
  const maxBytes = options.maxBytes ?? LARGE_FILE;
  const opened = openRegular(context, path, { ...options, maxBytes });
  if (opened === undefined) return;
  try {
    for (const chunk of chunks(opened.fd, path, maxBytes)) {
      yield chunk;
      await context.breathe();
      if (context.signal.aborted) return;
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    closeSync(opened.fd);
  }
}

/** Names in a directory, sorted by code unit; none where it is absent. Throws `Unreadable` otherwise. */
export function listNames(place: Place, path: string): string[] {
  const real = hostPath(place, path);
  try {
    const names = readdirSync(hostPathBytes(real));
    const all = names.some((name) => name.includes('\ufffd'))
      ? readdirSync(hostPathBytes(real), { encoding: 'buffer' }).map(decodeHostText)
      : names;
    if (all.length > MAX_ENTRIES) throw new Unreadable(`${path}: more than ${String(MAX_ENTRIES)} entries`);
    return all.sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw unreadable(path, error);
  }
}

/** What stands at a path itself, links not followed; `undefined` where there is nothing. Throws `Unreadable`. */
export function lstatHost(place: Place, path: string): Stats | undefined {
  try {
    return lstatSync(hostPathBytes(hostPath(place, path)));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw unreadable(path, error);
  }
}

/** Whether a real directory, not a link to one, stands at a path. */
export function isDirectory(place: Place, path: string): boolean {
  try {
    return lstatHost(place, path)?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

/** Target of a symbolic link as it is written; `undefined` where there is no link or it can't be read. */
export function linkTarget(place: Place, path: string): string | undefined {
  try {
    return decodeHostText(readlinkSync(hostPathBytes(hostPath(place, path)), 'buffer'));
  } catch {
    return undefined;
  }
}

/** A root as contexts carry it: absolute, links resolved, no slash at its end. Throws what `realpath` throws. */
export function normalRoot(root: string): string {
  return realpathSync(root);
}
