import type { BigIntStats } from 'node:fs';
import { FILE_TYPES, type FileType } from '../../../shared/host-events.ts';

/** A file as the baseline holds it. Times are ns since the epoch, hashes raw bytes. */
export interface Row {
  readonly type: FileType;
  readonly device: bigint;
  readonly inode: bigint;
  /** When the inode was made, 0 where the file system does not say (statx(2), `stx_btime`). */
  readonly born: bigint;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: bigint;
  readonly changed: bigint;
  readonly sha256: Uint8Array | null;
  /** Why a regular file has no hash. */
  readonly unhashed: string | null;
  /** Of a symbolic link, encoded. */
  readonly target: string | null;
  readonly acl: Uint8Array | null;
  readonly xattrs: Uint8Array | null;
  /**
   * Looked at so soon after its last change that one more in the same tick of the kernel's clock would leave the same
   * times behind: its content is read again the next time, whatever stat says.
   */
  readonly racy: boolean;
}

/** `unhashed` of a file whose content was never the same for long enough. */
export const CHANGED_MEANWHILE = 'changed while it was read';

/** Column of `type` in the database. */
export const typeNumber = (type: FileType): number => FILE_TYPES.indexOf(type);
export const typeOfNumber = (number: number): FileType => FILE_TYPES[number] ?? 'file';

/** The type that stat gives. */
export function typeOf(stat: BigIntStats): FileType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'device';
}

/** SQLite keeps signed 64 bits; some file systems use all of them. */
const signed = (number: bigint): bigint => BigInt.asIntN(64, number);

/** What stat says of a file, in the columns of a row. */
export function statColumns(
  stat: BigIntStats,
): Pick<
  Row,
  'type' | 'device' | 'inode' | 'born' | 'size' | 'mode' | 'uid' | 'gid' | 'modified' | 'changed'
> {
  return {
    type: typeOf(stat),
    device: signed(stat.dev),
    inode: signed(stat.ino),
    born: stat.birthtimeNs,
    size: Number(stat.size),
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    modified: stat.mtimeNs,
    changed: stat.ctimeNs,
  };
}

/**
 * Whether stat says that nothing changed since the row was made, so that nothing need be read. The device is left out: a
 * disk may get another number at each boot.
 */
export function isUnchanged(row: Row, stat: BigIntStats): boolean {
  return (
    !row.racy &&
    row.changed === stat.ctimeNs &&
    row.modified === stat.mtimeNs &&
    row.inode === signed(stat.ino) &&
    row.size === Number(stat.size) &&
    row.mode === Number(stat.mode & 0o7777n) &&
    row.uid === Number(stat.uid) &&
    row.gid === Number(stat.gid) &&
    row.type === typeOf(stat)
  );
}

/**
 * Whether two rows are one inode at different moments. Numbers of deleted inodes are used again at once; the time of birth
 * tells them apart, and where there is none the time of the last write, which a rename leaves alone.
 */
export function isSameInode(a: Row, b: Row): boolean {
  if (a.device !== b.device || a.inode !== b.inode || a.type !== b.type) return false;
  if (a.born !== 0n && b.born !== 0n) return a.born === b.born;
  return a.type === 'dir' || a.modified === b.modified;
}
