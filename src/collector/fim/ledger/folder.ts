import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readlinkSync,
  statfsSync,
  type BigIntStats,
  type Dirent,
} from 'node:fs';
import { anchored, linkCheck, NO_LINK_FLAGS, pathOfDescriptor, type LinkCheck } from '../../no-links.ts';
import { codeOf } from '../../open-file.ts';
import { decodeHostText, hostPathBytes } from '../../text.ts';
import { Unreadable, type Os } from '../../table.ts';
import { joinPath } from './host-path.ts';

/** `O_NONBLOCK`: a FIFO never hangs the open. `O_NOATIME`: looking leaves no trace. Where the system has them. */
const flag = (name: string): number => (constants as Readonly<Record<string, number | undefined>>)[name] ?? 0;
const FOLDER_FLAGS = constants.O_RDONLY | flag('O_DIRECTORY') | flag('O_NONBLOCK') | flag('O_NOFOLLOW');
const FILE_FLAGS = constants.O_RDONLY | flag('O_NONBLOCK') | flag('O_NOCTTY') | NO_LINK_FLAGS;
const NOATIME = flag('O_NOATIME');

/** Directories with more bytes than this are listed in pieces: a list of all names would be what takes the memory. */
const LARGE_DIRECTORY_BYTES = 2 * 1024 * 1024;
const NAMES_PER_PIECE = 1_000;

/** File systems that show the kernel and not a disk, by the magic numbers of statfs(2) and linux/magic.h. */
const PSEUDO = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x42494e4d, // binfmt_misc
  0x62656570, // configfs
  0x19800202, // mqueue
  0x67596969, // rpc_pipefs
  0x65735543, // fusectl
  0x6e736673, // nsfs
]);

/** Errors of open(2) for what is not there, is no directory, or is a link. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/** Opens with `O_NOATIME`, or without where that is somebody else's file (open(2), EPERM). */
function openQuietly(path: string | Buffer, flags: number): number {
  try {
    return openSync(path, flags | NOATIME);
  } catch (error) {
    if (NOATIME === 0 || codeOf(error) !== 'EPERM') throw error;
    return openSync(path, flags);
  }
}

/**
 * A directory that is held open, and its entries by name: whatever is swapped above it meanwhile, they are looked at in this
 * directory and no other (Linux, through /proc/self/fd). Elsewhere the path is checked before and after.
 */
export class Folder {
  readonly path: string;
  readonly #fd: number;
  readonly #os: Os;
  readonly #check: LinkCheck;

  private constructor(path: string, fd: number, os: Os, check: LinkCheck) {
    this.path = path;
    this.#fd = fd;
    this.#os = os;
    this.#check = check;
  }

  /**
   * Opens a directory by its absolute host path. Returns `undefined` where there is none: where a component but the first
   * (`anchored`) is a link, nothing of what is behind it is there either. Throws `Unreadable` where it can't be read.
   */
  static open(path: string, os: Os): Folder | undefined {
    let fd: number | undefined;
    try {
      if (os !== 'linux') return Folder.#openChecked(path, os);
      fd = openQuietly(hostPathBytes(path), FOLDER_FLAGS);
      const reached = pathOfDescriptor(fd);
      if (reached !== path && reached !== anchored('/', path)) throw new Unreadable('a link leads elsewhere');
      return new Folder(path, fd, os, () => undefined);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (error instanceof Unreadable || ABSENT.has(codeOf(error))) return undefined;
      throw new Unreadable(codeOf(error));
    }
  }

  static #openChecked(path: string, os: Os): Folder {
    const target = anchored('/', path);
    const check = linkCheck(target);
    // Windows opens no directory as a file; there the check by path is all there is.
    const fd = os === 'win32' ? -1 : openQuietly(hostPathBytes(target), FOLDER_FLAGS);
    if (fd >= 0) check(fd);
    return new Folder(target, fd, os, os === 'win32' ? () => void linkCheck(target) : check);
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
  }

  /** The directory itself. Throws what `fstat` throws. */
  stat(): BigIntStats {
    return this.#fd >= 0
      ? fstatSync(this.#fd, { bigint: true })
      : lstatSync(hostPathBytes(this.path), { bigint: true });
  }

  /** Whether this is a view of the kernel (/proc, /sys), which has no files to watch. */
  isPseudo(): boolean {
    return this.#os === 'linux' && PSEUDO.has(statfsSync(this.at('')).type);
  }

  /** Where system calls find an entry; the directory itself for an empty name. */
  at(name: string): string | Buffer {
    if (this.#os !== 'linux') return hostPathBytes(joinPath(this.path, name, this.#os));
    const base = `/proc/self/fd/${this.#fd}`;
    return name === '' ? `${base}/.` : hostPathBytes(`${base}/${name}`);
  }

  /** What stands at a name, links not followed; `undefined` where there is nothing. Throws what `lstat` throws. */
  lstat(name: string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Target of a link, as host text. Throws what `readlink` throws. */
  readlink(name: string): string {
    return decodeHostText(readlinkSync(this.at(name), 'buffer'));
  }

  /** Opens an entry for reading; never a link. Throws what `open` throws, `Unreadable` where the directory was swapped. */
  openFile(name: string): number {
    const fd = openQuietly(this.at(name), FILE_FLAGS);
    try {
      this.verify();
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return fd;
  }

  /** Throws `Unreadable` where the path no longer leads to this directory and that can be seen only afterwards. */
  verify(): void {
    this.#check(this.#fd);
  }

  /** Whether it has so many entries that they are listed in pieces. */
  isLarge(): boolean {
    return Number(this.stat().size) > LARGE_DIRECTORY_BYTES;
  }

  /**
   * The entries, sorted by name, in one piece if there are not too many. What the directory says of their type may be wrong by
   * the time they are looked at. Throws what `readdir` throws.
   */
  *entries(): Generator<readonly Entry[]> {
    const target = this.at('');
    if (!this.isLarge()) {
      const entries = readdirSync(target, { withFileTypes: true }).map(entryOf);
      // Bytes that are no UTF-8 are lost in text.
      const isExact = !entries.some(({ name }) => name.includes('\ufffd'));
      yield (isExact ? entries : exactEntries(target)).sort((a, b) => (a.name < b.name ? -1 : 1));
      return;
    }
    const directory = opendirSync(target, {
      bufferSize: NAMES_PER_PIECE,
      encoding: 'buffer' as BufferEncoding,
    });
    try {
      yield* pieces(() => directory.readSync());
    } finally {
      directory.closeSync();
    }
  }
}

/** An entry of a directory. `isFile`: the directory says that it is a regular one. */
export interface Entry {
  readonly name: string;
  readonly isFile: boolean;
}

const entryOf = (entry: Dirent): Entry => ({ name: entry.name, isFile: entry.isFile() });

function exactEntries(target: string | Buffer): Entry[] {
  return readdirSync(target, { encoding: 'buffer', withFileTypes: true }).map((entry) => ({
    name: decodeHostText(entry.name),
    isFile: entry.isFile(),
  }));
}

/** Names as the directory gives them, which are bytes although the types say text. */
function* pieces(next: () => Dirent | null): Generator<readonly Entry[]> {
  let piece: Entry[] = [];
  for (let entry = next(); entry !== null; entry = next()) {
    const name: unknown = entry.name;
    if (name instanceof Uint8Array) piece.push({ name: decodeHostText(name), isFile: entry.isFile() });
    if (piece.length < NAMES_PER_PIECE) continue;
    yield piece;
    piece = [];
  }
  yield piece;
}
