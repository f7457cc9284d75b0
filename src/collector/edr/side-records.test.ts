import { describe, expect, it } from 'vitest';
import type { Dropped } from './dropped.ts';
import { droppedParts } from './side-records.ts';

const DROPPED: Dropped = {
  rule: { id: 'suspect', severity: 'high', paths: ['/dev/shm'], exclude: [] },
  path: '/dev/shm/tool',
  kind: 'ELF',
  size: 7,
  mode: 0o755,
  uid: 1000,
  gid: 1000,
  inode: 12,
  mtimeMs: 0,
  by: undefined,
};
const fileOf = (times: { mtimeMs?: number; size?: number }) =>
  droppedParts({ ...DROPPED, ...times }, { provider: 'fanotify', owner: 'ada', os: 'linux' }).file;

describe('the record of an executable that appeared', () => {
  it('R201 has its time and size', () => {
    expect(fileOf({ mtimeMs: 1_764_000_000_000 })).toMatchObject({
      mtime: '2025-11-24T16:00:00.000Z',
      size: 7,
    });
  });

  // tmpfs takes any time that its owner sets, and /dev/shm is open to everybody.
  it.each([99_999_999_999_999_000, 316_000_000_000_000, NaN])(
    'leaves out a time that can not be said: %d ms',
    (mtimeMs) => {
      expect(fileOf({ mtimeMs })).toMatchObject({ path: '/dev/shm/tool', uid: '1000' });
      expect(fileOf({ mtimeMs })).not.toHaveProperty('mtime');
    },
  );

  it('leaves out a size that can not be said exactly', () => {
    expect(fileOf({ size: 2 ** 60 })).not.toHaveProperty('size');
  });
});
