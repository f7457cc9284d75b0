import { closeSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { decodeHostText, hostPathBytes } from '../text.ts';

/** Most that is read of a command line, bytes: what an event may have of it, and one more to see that it goes on. */
const LINE_BYTES = 8_193;

/** A flag in /proc/PID/stat (linux/sched.h): forked, and runs its parent's program since. */
const PF_FORKNOEXEC = 0x40;

/** `loginuid` of a process that nobody logged in for. */
const NO_LOGIN = 0xffff_ffff;

/** The file of an executable, as it was when the process was read. */
export interface ImageFile {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** Unlike the time of its last write it can't be set by its owner. */
  readonly ctimeNs: bigint;
  readonly uid: number;
  readonly mode: number;
}

/** What /proc/PID/stat says (proc_pid_stat(5)). */
export interface StatRead {
  /** Start in clock ticks since the boot: with the pid it names one process. */
  readonly startTicks: number;
  readonly parent: number;
  /** The name of its first thread, 15 bytes at most. */
  readonly name: string;
  readonly threads: number;
  readonly forkedOnly: boolean;
}

/** What /proc says of a process at one moment. */
export interface ProcessRead extends StatRead {
  readonly pid: number;
  /** Host path without what the kernel appends to one that was deleted; `undefined` where there is none any more. */
  readonly executable: string | undefined;
  readonly file: ImageFile | undefined;
  /**
   * Whether that path leads to that file here as well: in a mount namespace of their own everybody can have their program
   * stand at the path of another.
   */
  readonly isPlaced: boolean;
  /** Arguments, each ended by NUL. Empty while a new program is being loaded, and of a process that has ended. */
  readonly arguments: Buffer;
  readonly uid: { readonly real: number; readonly effective: number };
  readonly loginUid: number | undefined;
}

const buffer = Buffer.alloc(16_384);

/** The bytes of a file of /proc, at most as many as the buffer takes; `undefined` where it can't be read. */
function slurp(path: string, most = buffer.length): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    let length = 0;
    for (let got = 1; got > 0 && length < most; length += got) {
      got = readSync(fd, buffer, length, most - length, null);
    }
    return buffer.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function linkOf(path: string): string | undefined {
  try {
    const link = readlinkSync(path, 'buffer');
    return decodeHostText(link);
  } catch {
    return undefined;
  }
}

/** What the link leads to itself, whatever stands at its path by now. */
function fileOf(path: string | Buffer): (ImageFile & { readonly deleted: boolean }) | undefined {
  try {
    const stat = statSync(path, { bigint: true });
    const { dev, ino, size, mtimeNs, ctimeNs } = stat;
    const deleted = stat.nlink === 0n;
    const [uid, mode] = [Number(stat.uid), Number(stat.mode)];
    return { dev, ino, size, mtimeNs, ctimeNs, uid, mode, deleted };
  } catch {
    return undefined;
  }
}

const DELETED = / \(deleted\)$/;

/** Whether a path leads to a file, links followed, as seen by this process. */
function leadsTo(path: string, file: ImageFile): boolean {
  const here = fileOf(hostPathBytes(path));
  return here?.dev === file.dev && here.ino === file.ino;
}

/**
 * Reads a process, what goes first at its end first. `undefined` where it is gone. All of it is of one process: the start is
 * read last, and the caller compares it with the one that it expects; a pid that was given anew would show another.
 */
export function readProcess(pid: number): ProcessRead | undefined {
  const folder = `/proc/${pid}`;
  const link = linkOf(`${folder}/exe`);
  const args = Buffer.from(slurp(`${folder}/cmdline`, LINE_BYTES) ?? []);
  const file = link === undefined ? undefined : fileOf(`${folder}/exe`);
  const status = slurp(`${folder}/status`)?.toString('latin1') ?? '';
  const login = slurp(`${folder}/loginuid`)?.toString('latin1');
  const stat = parseStat(slurp(`${folder}/stat`));
  const uid = /^Uid:\s+(\d+)\s+(\d+)/m.exec(status);
  if (stat === undefined || uid === null) return undefined;
  return {
    pid,
    ...stat,
    executable: file?.deleted === true ? link?.replace(DELETED, '') : link,
    file,
    isPlaced: link !== undefined && file !== undefined && leadsTo(link, file),
    arguments: args,
    uid: { real: Number(uid[1]), effective: Number(uid[2]) },
    loginUid: login === undefined || Number(login) === NO_LOGIN ? undefined : Number(login),
  };
}

/** The start of a process and what else stands beside it; `undefined` where it is gone. */
export function startOf(pid: number): StatRead | undefined {
  return parseStat(slurp(`/proc/${pid}/stat`));
}

/** Fields of /proc/PID/stat (proc_pid_stat(5)); the name may hold anything, so what follows is counted from its last parenthesis. */
export function parseStat(bytes: Buffer | undefined): StatRead | undefined {
  const open = bytes?.indexOf(0x28) ?? -1;
  const close = bytes?.lastIndexOf(0x29) ?? -1;
  if (bytes === undefined || open < 0 || close < open) return undefined;
  const fields = bytes
    .toString('latin1', close + 2)
    .trim()
    .split(' ')
    .map(Number);
  const [parent, flags, threads, startTicks] = [fields[1], fields[6], fields[17], fields[19]];
  if (parent === undefined || flags === undefined || threads === undefined) return undefined;
  if (startTicks === undefined || !Number.isSafeInteger(startTicks)) return undefined;
  return {
    parent,
    threads,
    startTicks,
    forkedOnly: (flags & PF_FORKNOEXEC) !== 0,
    name: decodeHostText(bytes.subarray(open + 1, close)),
  };
}
