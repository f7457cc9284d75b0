import { createHash, hash } from 'node:crypto';
import { closeSync, fstatSync, readSync, type BigIntStats } from 'node:fs';
import { codeOf } from '../../open-file.ts';
import { Unreadable, type Os } from '../../table.ts';
import { NO_ATTRIBUTES, type AttributeDigests, type ExtendedAttributes } from './extended-attributes.ts';
import type { Folder } from './folder.ts';
import { encodePath } from './host-path.ts';
import { CHANGED_MEANWHILE, isUnchanged, statColumns, typeOf, type Row } from './row.ts';

/** Block that files are read in: small enough for a core's own cache, so that the hash finds it there. */
const BLOCK = 256 * 1024;
/** A file this large or smaller is read again at once if it changed meanwhile. */
const RETRY_BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 3;
/** Larger files are compared by size, times and inode alone: hashing a disk image would take minutes of a core. */
export const MOST_HASHED_BYTES = 4 * 1024 * 1024 * 1024;
/** Looks at one name in a row: something that is swapped all the time is left alone after these. */
const MOST_LOOKS = 10;
/** More than a tick of the kernel's clock (10 ms at 100 Hz), which file times are taken from. */
const RACY_NS = 20_000_000n;

/** What stands at a path now. */
export interface Found {
  readonly row: Row;
  /** Nothing was read, since stat says that the file is as it was. */
  readonly isUnchanged: boolean;
  /** The whole content of a regular file that is no longer than asked for. */
  readonly content?: Buffer;
  /** A regular file that was looked at anew has more names than this one. */
  readonly hasOtherNames?: boolean;
}

export interface LookOptions {
  /** The row that is known; its hash is taken over where stat says that nothing changed. */
  readonly known?: Row | undefined;
  /** Whether the content is read whatever stat says: somebody was heard writing. */
  readonly force?: boolean;
  /** Content of files up to this many bytes is given back as well. */
  readonly contentBytes?: number;
  /** Its directory says that it is a regular file: where nothing is known of it, it is opened without a look before. */
  readonly isFile?: boolean;
  /** What differs and was changed after this time, ns since the epoch, is not looked at yet. */
  readonly settledBefore?: bigint;
}

/** It changed so recently that what was heard of it may still be on its way here. */
export const UNSETTLED = 'unsettled';

const hasOtherNames = ({ nlink }: BigIntStats): boolean => nlink > 1n;

/** Looks at files: one reader with its buffers for a thread. */
export class Looker {
  readonly #attributes: ExtendedAttributes;
  readonly #os: Os;
  readonly #nowNs: () => bigint;
  readonly #mostHashed: number;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK);

  /** `now` in ms since the epoch, the clock that files get their times from; `mostHashed` in bytes. */
  constructor(attributes: ExtendedAttributes, os: Os, now: () => number, mostHashed = MOST_HASHED_BYTES) {
    this.#attributes = attributes;
    this.#os = os;
    this.#nowNs = () => BigInt(Math.round(now() * 1000)) * 1000n;
    this.#mostHashed = mostHashed;
  }

  /**
   * What stands at a name of a directory, links not followed; `undefined` where there is nothing. Regular files are hashed:
   * it yields after every few blocks, so that others come in between. Throws `Unreadable` where not even stat works.
   */
  *look(
    folder: Folder,
    name: string,
    options: LookOptions,
  ): Generator<void, Found | typeof UNSETTLED | undefined> {
    for (let attempt = 1; attempt <= MOST_LOOKS; attempt += 1) {
      const { known, settledBefore } = options;
      if (options.isFile === true && known === undefined && attempt === 1) {
        const found = yield* this.#unseenFile(folder, name, options);
        if (found !== undefined) return found;
        continue;
      }
      const stat = lstat(folder, name);
      if (stat === undefined) return undefined;
      if (known !== undefined && options.force !== true && isSettled(known) && isUnchanged(known, stat)) {
        return { row: { ...known, device: statColumns(stat).device }, isUnchanged: true };
      }
      if (settledBefore !== undefined && stat.ctimeNs > settledBefore) return UNSETTLED;
      const found = stat.isFile()
        ? yield* this.#file(folder, name, stat, options, attempt)
        : this.#special(folder, name, stat);
      if (found !== undefined) return found;
    }
    throw new Unreadable('changes faster than it can be looked at');
  }

  /** Directories, links and what is no content: by stat. A link that was swapped is looked at again. */
  #special(folder: Folder, name: string, stat: BigIntStats): Found | undefined {
    const target = stat.isSymbolicLink() ? readlink(folder, name) : null;
    if (target === undefined) return undefined;
    const at = folder.at(name);
    const attributes = this.#attributes.isAvailable
      ? this.#attributes.of(Buffer.concat([Buffer.from(at as string), Buffer.of(0)]))
      : NO_ATTRIBUTES;
    const encoded = target === null ? null : encodePath(target, this.#os);
    return { row: this.#row(stat, attributes, null, null, encoded), isUnchanged: false };
  }

  /** A file of which nothing is known: one look at it by name is saved. `undefined` where it is no file or must be looked at again. */
  *#unseenFile(
    folder: Folder,
    name: string,
    options: LookOptions,
  ): Generator<void, Found | typeof UNSETTLED | undefined> {
    let fd: number;
    try {
      fd = folder.openFile(name);
    } catch (error) {
      if (error instanceof Unreadable) throw error;
      return undefined;
    }
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) return undefined;
      if (options.settledBefore !== undefined && stat.ctimeNs > options.settledBefore) return UNSETTLED;
      return yield* this.#content(fd, stat, options, 1);
    } finally {
      closeSync(fd);
    }
  }

  /** `undefined` where it must be looked at again: it was swapped or written to between the first look and the last byte. */
  *#file(
    folder: Folder,
    name: string,
    stat: BigIntStats,
    options: LookOptions,
    attempt: number,
  ): Generator<void, Found | undefined> {
    let fd: number;
    try {
      fd = folder.openFile(name);
    } catch (error) {
      return this.#notOpened(stat, error, attempt);
    }
    try {
      return yield* this.#content(fd, stat, options, attempt);
    } finally {
      closeSync(fd);
    }
  }

  *#content(
    fd: number,
    stat: BigIntStats,
    options: LookOptions,
    attempt: number,
  ): Generator<void, Found | undefined> {
    const begunNs = this.#nowNs();
    try {
      const read = yield* this.#read(fd, Number(stat.size), options.contentBytes ?? 0);
      const attributes = this.#attributes.of(fd);
      const after = fstatSync(fd, { bigint: true });
      if (isSame(stat, after)) {
        const row = this.#row(after, attributes, read.sha256, read.unhashed, null, begunNs);
        const content = read.content === undefined ? {} : { content: read.content };
        return { row, isUnchanged: false, hasOtherNames: hasOtherNames(after), ...content };
      }
      if (attempt < ATTEMPTS && Number(after.size) <= RETRY_BYTES) return undefined;
      if (typeOf(after) !== 'file') return undefined;
      const row = this.#row(after, attributes, null, CHANGED_MEANWHILE, null);
      return { row, isUnchanged: false, hasOtherNames: hasOtherNames(after) };
    } catch (error) {
      return this.#notOpened(stat, error, ATTEMPTS);
    }
  }

  /** A file without content to show: what is gone or became a link is looked at again, what is refused is known by stat. */
  #notOpened(stat: BigIntStats, error: unknown, attempt: number): Found | undefined {
    if (error instanceof Unreadable) throw error;
    const code = codeOf(error);
    if (attempt < ATTEMPTS && ['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].includes(code)) return undefined;
    const row = this.#row(stat, NO_ATTRIBUTES, null, code, null);
    return { row, isUnchanged: false, hasOtherNames: hasOtherNames(stat) };
  }

  *#read(fd: number, size: number, contentBytes: number): Generator<void, Read> {
    if (size > this.#mostHashed) {
      return { sha256: null, unhashed: `larger than ${Math.floor(this.#mostHashed / 1024 / 1024)} MB` };
    }
    const first = readSync(fd, this.#block, 0, BLOCK, null);
    // A short read that is not the end is possible over FUSE and networks.
    if (first < BLOCK && first >= size) {
      const bytes = this.#block.subarray(0, first);
      const sha256 = hash('sha256', bytes, 'buffer');
      return { sha256, unhashed: null, ...(first <= contentBytes ? { content: Buffer.from(bytes) } : {}) };
    }
    return yield* this.#readOn(fd, first);
  }

  /** The block is shared, so nobody else may read between two yields of one block: a block is hashed before the yield. */
  *#readOn(fd: number, first: number): Generator<void, Read> {
    const digest = createHash('sha256');
    let total = 0;
    for (let length = first; length > 0; length = readSync(fd, this.#block, 0, BLOCK, null)) {
      digest.update(length === BLOCK ? this.#block : this.#block.subarray(0, length));
      total += length;
      // A file may grow as fast as it is read.
      if (total > this.#mostHashed) return { sha256: null, unhashed: CHANGED_MEANWHILE };
      yield;
    }
    return { sha256: digest.digest(), unhashed: null };
  }

  #row(
    stat: BigIntStats,
    { acl, xattrs }: AttributeDigests,
    sha256: Uint8Array | null,
    unhashed: string | null,
    target: string | null,
    // What was written in the same tick after its block was read would leave no trace: the beginning of the read counts.
    begunNs = this.#nowNs(),
  ): Row {
    const racy = stat.isFile() && begunNs - stat.ctimeNs < RACY_NS;
    return { ...statColumns(stat), sha256, unhashed, target, acl, xattrs, racy };
  }
}

/** A file that was written to while it was read has the stat of its end, and the content of no moment. */
const isSettled = (row: Row): boolean => row.unhashed !== CHANGED_MEANWHILE;

interface Read {
  readonly sha256: Uint8Array | null;
  readonly unhashed: string | null;
  readonly content?: Buffer;
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.ino === b.ino &&
    a.dev === b.dev &&
    a.ctimeNs === b.ctimeNs &&
    a.mtimeNs === b.mtimeNs &&
    a.size === b.size
  );
}

function lstat(folder: Folder, name: string): BigIntStats | undefined {
  try {
    return folder.lstat(name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw new Unreadable(codeOf(error));
  }
}

/** `undefined` where it is no link any more. */
function readlink(folder: Folder, name: string): string | undefined {
  try {
    return folder.readlink(name);
  } catch (error) {
    if (['ENOENT', 'EINVAL', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw new Unreadable(codeOf(error));
  }
}
