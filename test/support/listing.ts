import { spawnSync } from 'node:child_process';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { encodeBytes } from '../../src/wire/encode.ts';

/** A path as `find` and `sha256sum` see it: programs that share nothing with what is tested. */
export interface Listed {
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'device';
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
  /** Of files alone: what a directory's size means is its filesystem's business. */
  readonly size?: number;
  readonly target?: string;
  readonly sha256?: string;
}
export type Listing = ReadonlyMap<string, Listed>;

const TYPES: Readonly<Record<string, Listed['type']>> = {
  f: 'file',
  d: 'dir',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  b: 'device',
  c: 'device',
};

/** Fields end with NUL: names of files hold everything else. */
const FORMAT = ['%y', '%m', '%U', '%G', '%s', '%l', '%p'].map((field) => `${field}\\0`).join('');

function output(command: string, args: readonly string[], input?: Buffer): Buffer {
  const { stdout, stderr, status } = spawnSync(command, args, { maxBuffer: 1024 ** 3, input });
  if (status !== 0) throw new Error(`${command}: ${stderr.toString()}`);
  return stdout;
}

function fieldsOf(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    fields.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return fields;
}

/** Everything at and below a directory; paths as they stand in events. */
export function listing(root: string): Listing {
  const fields = fieldsOf(output('find', [root, '-printf', FORMAT]));
  const entries = new Map<string, Listed>();
  const files: Buffer[] = [];
  for (let at = 0; at < fields.length; at += 7) {
    const [type, mode, uid, gid, size, target] = fields
      .slice(at, at + 6)
      .map((field) => field.toString('latin1'));
    const path = fields[at + 6] ?? Buffer.alloc(0);
    if (type === 'f') files.push(path);
    entries.set(encodeBytes(path), {
      type: TYPES[type ?? ''] ?? 'device',
      mode: (mode ?? '').padStart(4, '0'),
      uid: uid ?? '',
      gid: gid ?? '',
      ...(type === 'f' && { size: Number(size) }),
      ...(type === 'l' && { target: encodeBytes(Buffer.from(target ?? '', 'latin1')) }),
    });
  }
  const sums = sha256Of(files);
  files.forEach((path, index) => {
    const key = encodeBytes(path);
    const entry = entries.get(key);
    if (entry !== undefined) entries.set(key, { ...entry, sha256: sums[index] ?? '' });
  });
  return entries;
}

function sha256Of(files: readonly Buffer[]): string[] {
  if (files.length === 0) return [];
  const input = Buffer.concat(files.flatMap((path) => [path, Buffer.of(0)]));
  const lines = fieldsOf(output('xargs', ['-0', 'sha256sum', '--zero', '--'], input));
  return lines.map((line) => line.toString('latin1').slice(0, 64));
}

/** What differs between two listings, as lines for people; empty for equal ones. */
export function differences(expected: Listing, found: Listing): string[] {
  const lines: string[] = [];
  for (const [path, entry] of expected) {
    const other = found.get(path);
    if (other === undefined) lines.push(`- ${path} ${JSON.stringify(entry)}`);
    else if (textOf(entry) !== textOf(other)) lines.push(`! ${path} ${textOf(entry)} <> ${textOf(other)}`);
  }
  for (const [path, entry] of found)
    if (!expected.has(path)) lines.push(`+ ${path} ${JSON.stringify(entry)}`);
  return lines;
}

const textOf = ({ type, mode, uid, gid, size, target, sha256 }: Listed): string =>
  JSON.stringify([type, mode, uid, gid, size, target, sha256]);

/** A file as an event shows it. */
export function listed({ type, mode, uid, gid, size, target_path, hash }: FimEvent['file']): Listed {
  return {
    type: type === undefined || type === 'registry' ? 'device' : type,
    mode: mode ?? '',
    uid: uid ?? '',
    gid: gid ?? '',
    ...(type === 'file' && { size: size ?? -1, sha256: hash?.sha256 ?? '' }),
    ...(type === 'symlink' && { target: target_path ?? '' }),
  };
}
