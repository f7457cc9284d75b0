import type { Stats } from 'node:fs';
import { isErrno, readRegularFile, UnsafeFile } from './atomic-file.ts';

/** Thrown for a file that others than root and the agent's user may have written; its message holds cause and remedy. */
export class ForeignFile extends UnsafeFile {
  /** Owner or rights, as a sentence goes on after the file's name. */
  readonly reason: string;
  /** The command that mends it. */
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(`${reason}; run ${remedy}`);
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** Longest file of settings, bytes. */
const MAX_BYTES = 64 * 1024;

/** Who reads a file. */
interface Reader {
  readonly uid: number;
  readonly gid: number;
}

/** This process; `null` on Windows, where rights are no mode. */
const thisUser = (): Reader | null => {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  return uid === undefined || gid === undefined ? null : { uid, gid };
};

/**
 * Why a file is not to be obeyed: it belongs neither to root nor to the reader, or others may write it (a group counts as
 * root's or the reader's own, or as others). `undefined` when it may be, and on Windows.
 */
export function foreignReason(
  path: string,
  { uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>,
  reader: Reader | null = thisUser(),
): ForeignFile | undefined {
  if (reader === null) return undefined;
  const shown = `(mode ${(mode & 0o7777).toString(8).padStart(3, '0')})`;
  const named = /\s/.test(path) ? JSON.stringify(path) : path;
  if (uid !== 0 && uid !== reader.uid) {
    return new ForeignFile(`it belongs to user ${String(uid)} ${shown}`, `chown root ${named}`);
  }
  if ((mode & 0o002) !== 0) return new ForeignFile(`every user may write it ${shown}`, `chmod go-w ${named}`);
  if ((mode & 0o020) !== 0 && gid !== 0 && gid !== reader.gid) {
    return new ForeignFile(`the group ${String(gid)} may write it ${shown}`, `chmod go-w ${named}`);
  }
  return undefined;
}

/** Throws `ForeignFile` where `foreignReason` has one. */
function refuseForeign(path: string, stat: Stats): void {
  const foreign = foreignReason(path, stat);
  if (foreign !== undefined) throw foreign;
}

/**
 * The text of a small file that the agent obeys, at most 64 KB or `maxBytes`, `undefined` if there is none. Throws `ForeignFile` where
 * others may have written it, and as `readSmallFile` else.
 */
export function readTrustedFile(
  path: string,
  encoding: 'utf8' | 'latin1' = 'utf8',
  maxBytes = MAX_BYTES,
): string | undefined {
  try {
    return readRegularFile(path, {
      maxBytes,
      followLinks: false,
      check: (stat) => {
        refuseForeign(path, stat);
      },
    }).toString(encoding);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
