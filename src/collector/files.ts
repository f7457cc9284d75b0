import {
  closeSync,
  lstatSync,
  opendirSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { anchored, linkCheck } from './no-links.ts';
import {
  hostPath,
  isAbsent,
  openFolder,
  openRegular,
  SMALL_FILE,
  unreadable,
  type FileOptions,
  type Place,
} from './open-file.ts';
import { decodeHostText, hostPathBytes } from './text.ts';
import { Unreadable, type ReadContext } from './table.ts';

/** Largest file read as a stream unless told otherwise, in bytes. */
export const LARGE_FILE = 64 * 1024 * 1024;

/**
 * Entries taken of one directory; more make it `Unreadable`, since half a directory would flap. A person who fills a
 * folder must not be able to keep the collector busy, so that theirs may hold fewer.
 */
const MAX_ENTRIES = { follow: 100_000, none: 10_000 };

const CHUNK = 64 * 1024;

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

/** At most `max` names and one more: a folder may hold millions. */
function readNames(directory: string, max: number): string[] {
  const target = hostPathBytes(directory);
  const folder = opendirSync(target, { bufferSize: 256 });
  const names: string[] = [];
  try {
    for (let entry = folder.readSync(); entry !== null && names.length <= max; entry = folder.readSync())
      names.push(entry.name);
  } finally {
    folder.closeSync();
  }
  return names.length <= max && names.some((name) => name.includes('\ufffd'))
    ? readdirSync(target, { encoding: 'buffer' }).map(decodeHostText)
    : names;
}

/** Below a checked descriptor where the system can, so that no swap leads elsewhere. */
function namesWithoutLinks(place: Place, path: string, max: number): string[] {
  const fd = openFolder(place, path);
  if (fd === undefined) return [];
  try {
    if (process.platform === 'linux') return readNames(`/proc/self/fd/${String(fd)}`, max);
    const target = anchored(place.root, hostPath(place, path));
    const check = linkCheck(target);
    const names = readNames(target, max);
    check(fd);
    return names;
  } finally {
    closeSync(fd);
  }
}

/**
 * Names in a directory, sorted by code unit; none where it is absent. With `links: 'none'` as files are opened so.
 * Throws `Unreadable` otherwise.
 */
export function listNames(place: Place, path: string, options: Pick<FileOptions, 'links'> = {}): string[] {
  const { links = 'follow' } = options;
  try {
    const max = MAX_ENTRIES[links];
    const names =
      links === 'none' ? namesWithoutLinks(place, path, max) : readNames(hostPath(place, path), max);
    if (names.length > max) throw new Unreadable(`${path}: more than ${String(max)} entries`);
    return names.sort();
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
  const real = realpathSync(root);
  // Windows gives the drive of the process for `/`; paths there name theirs themselves (`hostPath`).
  return /^[A-Za-z]:\\$/.test(real) ? '/' : real;
}
