import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../atomic-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

/** The end of a name under which `createPrivateFile` writes. */
const TEMPORARY = /^[0-9a-f]{16}\.new$/;

/** Far above what any file of ours holds. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * The text of a file that only this user can have written and read, or `undefined` if there is none. On Unix a link, a
 * file of another owner, with another name (a hard link), or with any right for group or others is refused: its content
 * may be known or chosen by someone else. Windows has no such bits; the directory's ACL stands for them. Throws
 * `SecretsUnavailable`, and what the file system throws.
 */
export function readPrivateFile(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | noFollow());
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    if (isErrno(error, 'ELOOP')) throw refused(path, 'is a symbolic link');
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw refused(path, 'is not a regular file');
    if (stat.size > MAX_FILE_BYTES) throw refused(path, `is larger than ${String(MAX_FILE_BYTES)} bytes`);
    const uid = process.geteuid?.();
    if (uid !== undefined) {
      if (stat.uid !== uid) throw refused(path, `belongs to user ${String(stat.uid)}, not ${String(uid)}`);
      if ((stat.mode & 0o077) !== 0) {
        throw refused(
          path,
          `has mode ${(stat.mode & 0o777).toString(8)}, so that others may know or change it`,
        );
      }
      if (stat.nlink !== 1) removeTemporaryNames(path, stat);
      if (fstatSync(file).nlink !== 1) throw refused(path, 'has a second name (hard link)');
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a file with mode 0600 unless there is one; gives whether it did. Whole or not at all, also when two processes
 * do it at once: written under another name first, then linked. Throws what the file system throws.
 */
export function createPrivateFile(path: string, content: string): boolean {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  try {
    const file = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    try {
      linkSync(temporary, path);
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return false;
      throw error;
    }
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Removes the names that a `createPrivateFile` under way, or cut off, still has for this file. */
function removeTemporaryNames(path: string, { dev, ino }: Stats): void {
  const start = `${basename(path)}.`;
  for (const name of readdirSync(dirname(path))) {
    if (!name.startsWith(start) || !TEMPORARY.test(name.slice(start.length))) continue;
    const other = join(dirname(path), name);
    const stat = lstatSync(other, { throwIfNoEntry: false });
    if (stat?.ino === ino && stat.dev === dev) rmSync(other, { force: true });
  }
}

const noFollow = (): number =>
  process.platform === 'win32' ? 0 : constants.O_NOFOLLOW | constants.O_NONBLOCK;

const refused = (path: string, reason: string): SecretsUnavailable =>
  new SecretsUnavailable(`${path} ${reason}; delete it and set the secret again`);
