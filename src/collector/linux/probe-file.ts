import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import type { Row } from '../../shared/rows.ts';
import { forbidKernelFiles, forbidSecrets } from '../content-policy.ts';
import { linkTarget, lstatHost, readChunks } from '../files.ts';
import { spendOnHashing } from '../hash-budget.ts';
import { joinKey } from '../key.ts';
import { readLineBlocks } from '../lines.ts';
import { matchingLines } from '../pattern.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import type { FileParams } from '../tables/params.ts';
import { groupNames, userNames } from './accounts.ts';

/** Largest file that is hashed, and that is searched, in bytes. */
const MAX_HASHED = 256 * 1024 * 1024;
const MAX_SEARCHED = 16 * 1024 * 1024;

const PERMISSIONS = 0o7777;

function typeOf(stat: Stats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  return stat.isBlockDevice() ? 'block device' : 'character device';
}

async function sha256(context: ReadContext, path: string): Promise<string> {
  const hash = createHash('sha256');
  const options = { maxBytes: MAX_HASHED, links: 'none', forbid: forbidKernelFiles } as const;
  for await (const chunk of readChunks(context, path, options)) {
    spendOnHashing(context, chunk.length);
    hash.update(chunk);
  }
  return hash.digest('hex');
}

async function hasMatch(context: ReadContext, path: string, pattern: string): Promise<boolean> {
  const blocks = readLineBlocks(context, path, {
    maxBytes: MAX_SEARCHED,
    links: 'none',
    forbid: forbidSecrets,
  });
  const first = await matchingLines(context, pattern, blocks)[Symbol.asyncIterator]().next();
  return first.done !== true;
}

interface Content {
  readonly sha256: string | null;
  readonly match: boolean | null;
  readonly reason: string | null;
}

/** Hash and match, or why there is none: a directory, a link, a file that is too large. */
async function contentOf(context: ReadContext, params: FileParams, isFile: boolean): Promise<Content> {
  const { path, hash, match } = params;
  const empty = { sha256: null, match: null, reason: null };
  if (!hash && match === undefined) return empty;
  if (!isFile) return { ...empty, reason: 'not a regular file' };
  try {
    return {
      sha256: hash ? await sha256(context, path) : null,
      match: match === undefined ? null : await hasMatch(context, path, match),
      reason: null,
    };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ...empty, reason: error.message };
  }
}

/** Owner, group and mode. Node makes them up on Windows (nodejs.org, "fs.Stats"), and no account file says names there. */
function ownershipOf(context: ReadContext, stat: Stats | undefined): Row {
  if (stat === undefined || context.os === 'win32')
    return { owner: null, ownerId: null, group: null, groupId: null, mode: null };
  return {
    owner: userNames(context)(stat.uid),
    ownerId: String(stat.uid),
    group: groupNames(context)(stat.gid),
    groupId: String(stat.gid),
    mode: (stat.mode & PERMISSIONS).toString(8).padStart(4, '0'),
  };
}

/** Links are not followed: a link is a row of its own kind with its target. */
async function* readFile(context: ReadContext, params: FileParams): AsyncGenerator<KeyedRow> {
  const { path } = params;
  const stat = lstatHost(context, path);
  const key = joinKey(path, params.hash ? 'sha256' : null, params.match ?? null);
  const isFile = stat?.isFile() === true;
  const row = {
    path,
    exists: stat !== undefined,
    type: stat === undefined ? null : typeOf(stat),
    target: stat?.isSymbolicLink() === true ? (linkTarget(context, path) ?? null) : null,
    ...ownershipOf(context, stat),
    size: isFile ? stat.size : null,
    ...(await contentOf(context, params, isFile)),
  };
  yield { key, row: stat === undefined ? { ...row, reason: null } : row };
}

export const fileLinux: Reader<FileParams> = {
  source: 'lstat(2), content of regular files',
  root: 'partly',
  read: readFile,
};
