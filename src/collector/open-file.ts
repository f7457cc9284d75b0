import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync, type Stats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { anchored, linkCheck, NO_LINK_FLAGS, O_PATH, pathOfDescriptor, type LinkCheck } from './no-links.ts';
import { hostPathBytes } from './text.ts';
import { Unreadable, type ReadContext } from './table.ts';

/** Largest file read in one piece unless told otherwise, in bytes. */
export const SMALL_FILE = 1024 * 1024;

/** `O_NONBLOCK`: a FIFO or device never hangs the open; the other flags where the system has them. */
const flag = (name: string): number => (constants as Readonly<Record<string, number | undefined>>)[name] ?? 0;
const FOLDER_FLAGS = constants.O_RDONLY | flag('O_NONBLOCK') | flag('O_DIRECTORY');
const OPEN_FLAGS = constants.O_RDONLY | flag('O_NONBLOCK') | flag('O_NOCTTY');

/** Where files are looked for: the part of `ReadContext` these helpers need. */
export type Place = Pick<ReadContext, 'root' | 'os'>;

export interface FileOptions {
  readonly maxBytes?: number;
  /**
   * `follow` for files that only root can place (an /etc/os-release is a link); `none` where a user owns a folder of the
   * path: then no component of it but the first may be a link, nor the file a second name of somebody else's.
   */
  readonly links?: 'follow' | 'none';
  /**
   * With `links: 'none'`, whether a second name of somebody else's file is opened all the same: for who tells nothing of
   * its content.
   */
  readonly secondNames?: boolean;
  /** Why the content of a host path is not read, if it isn't; asked for the path given and for the one reached. */
  readonly forbid?: (path: string) => string | undefined;
}

/** Parts of a Windows path that mean something else than a name: streams, devices, what Windows drops from an end. */
const ODD_WINDOWS_PART = /[:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

function windowsPath(place: Place, path: string): string {
  const [drive = '', ...parts] = path.split(/[/\\]/);
  if (!/^[A-Za-z]:$/.test(drive)) throw new Unreadable('path refused');
  if (parts.some((part) => ODD_WINDOWS_PART.test(part))) throw new Unreadable('path refused');
  return place.root === '/' ? path : join(place.root, path.replace(':', ''));
}

/**
 * The path below the root for an absolute host path. Throws `Unreadable` for one that is relative or holds `..` or NUL;
 * on Windows for all that is not a plain path on a drive: a share would make the service log on to another machine.
 */
export function hostPath(place: Place, path: string): string {
  const parts = path.split(place.os === 'win32' ? /[/\\]/ : '/');
  if (path.includes('\0') || parts.includes('..')) throw new Unreadable('path refused');
  if (place.os === 'win32') return windowsPath(place, path);
  if (!path.startsWith('/')) throw new Unreadable('path refused');
  return place.root === '/' ? path : place.root + path;
}

/** The code of an error of `node:fs`, `error` where it has none. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'error';

/** Whether an error of `node:fs` says that the file is not there. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

/** The reason that a path could not be read, as `Unreadable`. */
export function unreadable(path: string, error: unknown): Unreadable {
  return error instanceof Unreadable ? error : new Unreadable(`${path}: ${codeOf(error)}`);
}

function openDescriptor(path: string, flags: number): number {
  const target = hostPathBytes(path);
  try {
    return openSync(target, flags | flag('O_NOATIME'));
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    return openSync(target, flags);
  }
}

/** Runs `use` on the open descriptor; closes it and names the path in the reason when that throws. */
function guarded<T>(fd: number, path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    closeSync(fd);
    throw error instanceof Unreadable ? new Unreadable(`${path}: ${error.message}`) : unreadable(path, error);
  }
}

/** Opens what is reached by no link. On Linux nothing is opened before that is known, and that it is a file or a directory. */
function openUnlinked(target: string, flags: number, check: LinkCheck): number {
  if (process.platform !== 'linux') return openDescriptor(target, flags | NO_LINK_FLAGS);
  const named = openSync(hostPathBytes(target), O_PATH | NO_LINK_FLAGS);
  try {
    check(named);
    const stat = fstatSync(named);
    // A link is refused by the open below, with the error that an open by its path would give.
    if (!stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()) {
      throw new Unreadable('not a regular file');
    }
    return openDescriptor(`/proc/self/fd/${String(named)}`, flags);
  } finally {
    closeSync(named);
  }
}

/** Opens what `flags` ask for and checks that no forbidden link was passed; `undefined` where there is nothing. */
function openChecked(place: Place, path: string, flags: number, noLinks: boolean): number | undefined {
  let fd: number;
  let check: (fd: number) => void;
  try {
    const real = hostPath(place, path);
    const target = noLinks ? anchored(place.root, real) : real;
    check = noLinks ? linkCheck(target) : () => undefined;
    fd = noLinks ? openUnlinked(target, flags, check) : openDescriptor(target, flags);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    if (error instanceof Unreadable) throw new Unreadable(`${path}: ${error.message}`);
    throw unreadable(path, error);
  }
  return guarded(fd, path, () => {
    check(fd);
    if (place.root !== '/' && process.platform === 'linux') checkInside(place, pathOfDescriptor(fd));
    return fd;
  });
}

function checkInside(place: Place, reached: string): void {
  if (!`${reached}${sep}`.startsWith(`${place.root}${sep}`)) throw new Unreadable('a link leads elsewhere');
}

/** A second name may be given to a file of somebody else on some systems; then its owner is not the folder's. */
function checkOwner(place: Place, path: string, stat: Stats): void {
  if (stat.nlink <= 1) return;
  const folder = lstatSync(hostPathBytes(dirname(hostPath(place, path))));
  if (folder.uid !== stat.uid) throw new Unreadable('a second name of a file of somebody else');
}

/** The host path that a descriptor reached; where the system does not say, what the path resolves to. */
function reachedPath(place: Place, path: string, fd: number): string {
  const real =
    process.platform === 'linux'
      ? pathOfDescriptor(fd)
      : realpathSync.native(hostPathBytes(hostPath(place, path)));
  return place.root === '/' ? real : real.slice(place.root.length);
}

function checkAllowed(path: string, forbid: FileOptions['forbid']): void {
  const reason = forbid?.(path);
  if (reason !== undefined) throw new Unreadable(`${path}: ${reason}`);
}

/**
 * Opens a regular file for reading. Returns `undefined` where there is none. Throws `Unreadable` for anything that is
 * not a regular file, is larger than allowed, is forbidden, or is reached through a link that is not allowed. The caller
 * closes it.
 */
export function openRegular(
  place: Place,
  path: string,
  options: FileOptions = {},
): { fd: number; stat: Stats } | undefined {
  const noLinks = options.links === 'none';
  checkAllowed(path, options.forbid);
  const fd = openChecked(place, path, OPEN_FLAGS, noLinks);
  if (fd === undefined) return undefined;
  return guarded(fd, path, () => {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Unreadable('not a regular file');
    if (stat.size > (options.maxBytes ?? SMALL_FILE)) throw new Unreadable('larger than allowed');
    if (noLinks && options.secondNames !== true) checkOwner(place, path, stat);
    if (options.forbid !== undefined) checkAllowed(reachedPath(place, path, fd), options.forbid);
    return { fd, stat };
  });
}

/** Opens a directory no component of whose path but the first is a link; `undefined` where there is none. Throws `Unreadable`. */
export function openFolder(place: Place, path: string): number | undefined {
  return openChecked(place, path, FOLDER_FLAGS, true);
}
