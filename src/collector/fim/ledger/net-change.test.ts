import { describe, expect, it } from 'vitest';
import { differences, partsOfChange } from './net-change.ts';
import { CHANGED_MEANWHILE, type Row } from './row.ts';

const FILE: Row = {
  type: 'file',
  device: 1n,
  inode: 2n,
  born: 3n,
  size: 4,
  mode: 0o644,
  uid: 0,
  gid: 0,
  modified: 5n,
  changed: 6n,
  sha256: Buffer.alloc(32, 1),
  unhashed: null,
  target: null,
  acl: null,
  xattrs: null,
  racy: false,
};
const BUSY: Row = { ...FILE, sha256: null, unhashed: CHANGED_MEANWHILE };
const LARGE: Row = { ...FILE, sha256: null, unhashed: 'larger than 4096 MB' };

describe('the difference of two states of a file', () => {
  it('R200 is content, once a file rests that was told of without a hash because it was being written to', () => {
    expect(differences(BUSY, FILE)).toEqual(['content']);
    const [part] = partsOfChange(differences(BUSY, FILE), {
      detected: 'live',
      provider: 'test',
      at: 0,
      what: 0,
      others: [],
      unknown: 'nobody was heard',
      tries: 1,
    });
    expect(part).toMatchObject({ action: 'updated', wanted: ['content'] });
  });

  it('is none while it still has no hash, nor where what was too large can be hashed now', () => {
    expect(differences(BUSY, BUSY)).toEqual([]);
    expect(differences(FILE, BUSY)).toEqual([]);
    expect(differences(LARGE, FILE)).toEqual([]);
  });

  it('hangs on the hash where both have one, and on size and time where one has none', () => {
    expect(differences(FILE, { ...FILE, sha256: Buffer.alloc(32, 2) })).toEqual(['content']);
    expect(differences(FILE, { ...FILE, modified: 9n })).toEqual(['mtime']);
    expect(differences(LARGE, { ...LARGE, modified: 9n })).toEqual(['content', 'mtime']);
    expect(differences(LARGE, { ...LARGE, size: 9 })).toEqual(['content', 'size']);
    expect(differences(LARGE, { ...LARGE, inode: 9n })).toEqual(['content', 'inode']);
  });

  it('is another inode where the number is the same and the time of birth is not', () => {
    expect(differences(FILE, { ...FILE, born: 9n })).toEqual(['inode']);
    expect(differences(FILE, { ...FILE, born: 0n })).toEqual([]);
    expect(differences({ ...FILE, born: 0n }, FILE)).toEqual([]);
  });

  it('leaves out of a directory and a device what follows from their use', () => {
    const grown = { size: 9, modified: 9n, changed: 9n };
    for (const type of ['dir', 'device', 'fifo', 'socket'] as const) {
      const row: Row = { ...FILE, type, sha256: null };
      expect(differences(row, { ...row, ...grown })).toEqual([]);
    }
    const link: Row = { ...FILE, type: 'symlink', sha256: null, target: 'a' };
    expect(differences(link, { ...link, modified: 9n, size: 9, target: 'b' })).toEqual([
      'target_path',
      'mtime',
    ]);
  });

  it('names what differs of its security, in the order of events', () => {
    const other: Row = { ...FILE, mode: 0o600, uid: 1, gid: 1, acl: Buffer.of(1), xattrs: Buffer.of(2) };
    expect(differences(FILE, other)).toEqual(['mode', 'owner', 'group', 'acl', 'xattrs']);
  });
});
