import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { O_PATH } from '../no-links.ts';
import { hostPathBytes } from '../text.ts';
import type { HashAnswer, HashRequest } from './image-hash.ts';

/* The thread that reads executables and hashes them, so that whoever hears of processes never waits for a disk. */

const CHUNK = 1024 * 1024;
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function openQuietly(path: string): number {
  try {
    return openSync(path, FLAGS | constants.O_NOATIME);
  } catch {
    return openSync(path, FLAGS);
  }
}

const isIt = (stat: BigIntStats, { file }: HashRequest): boolean =>
  stat.dev === file.dev && stat.ino === file.ino && stat.size === file.size && stat.mtimeNs === file.mtimeNs;

/** The hash of an open file, if it is the one that is meant, before and after. */
function hashOpen(fd: number, request: HashRequest): string | undefined {
  if (!isIt(fstatSync(fd, { bigint: true }), request)) return undefined;
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK);
  let left = Number(request.file.size);
  while (left > 0) {
    const length = readSync(fd, chunk, 0, Math.min(CHUNK, left), null);
    if (length === 0) break;
    hash.update(chunk.subarray(0, length));
    left -= length;
  }
  return isIt(fstatSync(fd, { bigint: true }), request) ? hash.digest('hex') : undefined;
}

/** Opens what `named` names, if it is the file that is meant: its path may by now lead to something that opening alone sets off. */
function openMeant(named: number, request: HashRequest): number | undefined {
  if (!isIt(fstatSync(named, { bigint: true }), request)) return undefined;
  return openQuietly(`/proc/self/fd/${String(named)}`);
}

/** Off Linux there is no name without opening: what stands at the path is looked at before. */
function openAt(path: string, request: HashRequest): number | undefined {
  const target = hostPathBytes(path);
  if (process.platform !== 'linux') {
    if (!isIt(lstatSync(target, { bigint: true }), request)) return undefined;
    return openSync(target, FLAGS | constants.O_NOFOLLOW);
  }
  const named = openSync(target, O_PATH);
  try {
    return openMeant(named, request);
  } finally {
    closeSync(named);
  }
}

function hashAt(path: string, request: HashRequest): string | undefined {
  let fd: number | undefined;
  try {
    fd = openAt(path, request);
    return fd === undefined ? undefined : hashOpen(fd, request);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** By the process while it is there, since its file may have no name any more; by the path once it is gone. */
function answer(request: HashRequest): HashAnswer {
  const sha256 = hashAt(`/proc/${request.pid}/exe`, request) ?? hashAt(request.path, request);
  return sha256 === undefined ? { id: request.id } : { id: request.id, sha256 };
}

parentPort?.on('message', (request: HashRequest) => {
  parentPort?.postMessage(answer(request));
});
