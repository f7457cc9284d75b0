import { constants, fstatSync, lstatSync, readlinkSync, realpathSync, type BigIntStats } from 'node:fs';
import { decodeHostText, hostPathBytes } from './text.ts';
import { Unreadable } from './table.ts';

/** Called with a descriptor opened after the check was made; throws `Unreadable` unless the open passed no link. */
export type LinkCheck = (fd: number) => void;

/** macOS: an open that meets a link anywhere in the path fails with ELOOP (open(2), sys/fcntl.h). */
const O_NOFOLLOW_ANY = 0x2000_0000;

/** Flags that make the open itself refuse links, as far as the system has such. */
export const NO_LINK_FLAGS =
  process.platform === 'darwin'
    ? O_NOFOLLOW_ANY
    : ((constants as Readonly<Record<string, number | undefined>>)['O_NOFOLLOW'] ?? 0);

/**
 * Linux: a descriptor that names a file without opening it (open(2)). Opening alone may do something: a watchdog begins to
 * count, a tape rewinds. Node has no name for it; the number is that of all systems that it runs on (asm-generic/fcntl.h).
 */
export const O_PATH = 0x20_0000;

const refused = (): Unreadable => new Unreadable('a link leads elsewhere');

/** The path of what a descriptor has open, as Linux knows it (proc(5), /proc/PID/fd). Throws what `readlink` throws. */
export function pathOfDescriptor(fd: number): string {
  return decodeHostText(readlinkSync(`/proc/self/fd/${String(fd)}`, 'buffer'));
}

/** Exact, whatever is swapped and when: the kernel says what was opened. Linux only. */
export function checkByDescriptor(path: string): LinkCheck {
  return (fd) => {
    if (pathOfDescriptor(fd) !== path) throw refused();
  };
}

const FIRST = /^(?:[A-Za-z]:)?[/\\]+[^/\\]+/;

/** Every prefix of an absolute path that names something below the file system's root, shortest first. */
function prefixes(path: string): string[] {
  const first = FIRST.exec(path)?.[0] ?? path;
  const ends = [...path.slice(first.length).matchAll(/[/\\]+[^/\\]+/g)].map(
    (part) => first.length + part.index + part[0].length,
  );
  return [first, ...ends.map((end) => path.slice(0, end))];
}

const isSame = (a: BigIntStats, b: BigIntStats | undefined): boolean => a.dev === b?.dev && a.ino === b.ino;

/** What stands at each component. Throws `Unreadable` at a link (on Windows a junction is one), else what `lstat` throws. */
function walk(path: string): BigIntStats[] {
  return prefixes(path).map((prefix) => {
    const stat = lstatSync(hostPathBytes(prefix), { bigint: true });
    if (stat.isSymbolicLink()) throw refused();
    return stat;
  });
}

/**
 * For systems that do not say what a descriptor has open: no component was a link before the open or after it, all stayed
 * the same, and what was opened is what stands at the end. Made before the open. A swap and its reversal would have to
 * fall between single calls of both walks to pass. Throws `Unreadable` at a link, else what `lstat` throws.
 */
export function checkByWalk(path: string): LinkCheck {
  const before = walk(path);
  return (fd) => {
    const opened = fstatSync(fd, { bigint: true });
    const after = walk(path);
    const stayed = after.every((stat, index) => isSame(stat, before[index]));
    if (!stayed || !isSame(opened, after.at(-1))) throw refused();
  };
}

/** The check of this system. Throws as `checkByWalk` where it is that one. */
export function linkCheck(path: string): LinkCheck {
  return process.platform === 'linux' ? checkByDescriptor(path) : checkByWalk(path);
}

/**
 * The path with its first folder resolved: only an administrator places what stands below the root, and there links are
 * usual (/home → var/home, /lib → usr/lib, /etc → private/etc). `root` stands for `/`. Throws what `realpath` throws.
 */
export function anchored(root: string, path: string): string {
  const base = root === '/' ? '' : root;
  const first = FIRST.exec(path.slice(base.length))?.[0] ?? '';
  const rest = path.slice(base.length + first.length);
  if (first === '' || rest === '') return path;
  return decodeHostText(realpathSync.native(hostPathBytes(base + first), 'buffer')) + rest;
}
