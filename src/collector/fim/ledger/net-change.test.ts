import { describe, expect, it } from 'vitest';
import type { Attribution } from '../change.ts';
import type { Cause } from './cause.ts';
import {
  causeAfterMove,
  differences,
  partOfDeletion,
  partOfMove,
  partsOfChange,
  partsOfCreation,
  partsOfUnknownBefore,
  type Difference,
} from './net-change.ts';
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

const process = (pid: number): Attribution => ({
  actor: { state: 'known', process: { pid, executable: `/bin/p${pid}` } },
});
const [MAKER, WRITER, CHANGER, OTHER] = [1, 2, 3, 4].map(process) as [
  Attribution,
  Attribution,
  Attribution,
  Attribution,
];
const UNKNOWN: Attribution = { actor: { state: 'unknown', reason: 'nobody was heard' } };
const cause = (heard: Partial<Cause> = {}): Cause => ({
  detected: 'live',
  provider: 'test',
  at: 0,
  what: 0,
  others: [],
  unknown: 'nobody was heard',
  tries: 0,
  ...heard,
});

describe('the events of a change', () => {
  const all = cause({
    presence: MAKER,
    content: WRITER,
    attributes: CHANGER,
    others: [OTHER, OTHER, WRITER],
  });

  it('R208 are one for the writer of content and one for whoever changed its attributes', () => {
    expect(partsOfChange(['content', 'size', 'mode', 'mtime'], all)).toEqual([
      {
        action: 'updated',
        changed: ['content', 'size', 'mtime'],
        wanted: ['content', 'attributes'],
        by: WRITER,
        others: [OTHER],
      },
      {
        action: 'attributes_modified',
        changed: ['mode'],
        wanted: ['security'],
        by: CHANGER,
        others: [OTHER, WRITER],
      },
    ]);
    const one = partsOfChange(
      ['content', 'mode'],
      cause({ content: WRITER, attributes: WRITER, others: [OTHER] }),
    );
    expect(one).toEqual([
      {
        action: 'updated',
        changed: ['content', 'mode'],
        wanted: ['content', 'security'],
        by: WRITER,
        others: [OTHER],
      },
    ]);
    expect(partsOfChange([], all)).toEqual([]);
    expect(partsOfChange(['content'], all)).toMatchObject([{ by: WRITER, others: [OTHER] }]);
    expect(partsOfChange(['content', 'owner'], cause())).toMatchObject([{ by: UNKNOWN, others: [] }]);
  });

  it.each<[Difference, string, string[]]>([
    ['type', 'updated', ['content']],
    ['size', 'updated', ['content']],
    ['target_path', 'updated', ['content']],
    ['owner', 'attributes_modified', ['security']],
    ['group', 'attributes_modified', ['security']],
    ['acl', 'attributes_modified', ['security']],
    ['xattrs', 'attributes_modified', ['attributes']],
  ])('of %s are %s', (name, action, wanted) => {
    expect(partsOfChange([name], all)).toMatchObject([{ action, wanted, changed: [name] }]);
  });

  it('are of whoever put another file in its place, with everybody else beside', () => {
    expect(partsOfChange(['content', 'inode'], all)).toMatchObject([
      { action: 'updated', by: MAKER, others: [WRITER, CHANGER, OTHER] },
    ]);
    expect(partsOfChange(['inode'], cause({ content: WRITER }))).toMatchObject([
      { action: 'attributes_modified', by: UNKNOWN, others: [WRITER] },
    ]);
  });

  it('of a time name one of two only where it can have been no other', () => {
    const several: Attribution = { actor: { state: 'unknown', reason: 'several processes touched it' } };
    expect(partsOfChange(['mtime'], all)).toMatchObject([{ by: several, others: [CHANGER, WRITER, OTHER] }]);
    expect(partsOfChange(['mtime'], cause({ content: WRITER }))).toMatchObject([{ by: WRITER }]);
    expect(partsOfChange(['mtime'], cause({ attributes: CHANGER }))).toMatchObject([{ by: CHANGER }]);
    const same = cause({ content: WRITER, attributes: process(2) });
    expect(partsOfChange(['mtime'], same)).toMatchObject([{ by: WRITER }]);
    expect(partsOfChange(['mode', 'mtime'], cause({ content: WRITER }))).toMatchObject([{ by: UNKNOWN }]);
    expect(partsOfChange(['mode'], cause({ content: WRITER }))).toMatchObject([{ by: UNKNOWN }]);
    expect(partsOfChange(['mode'], all)).toMatchObject([{ by: CHANGER, others: [OTHER, WRITER] }]);
  });
});

describe('the events of what appears, moves and goes', () => {
  const all = cause({ presence: MAKER, content: WRITER, attributes: CHANGER, others: [OTHER] });

  it('R208 name the maker, and the writer by an event of its own where that was another', () => {
    const created = { action: 'created', changed: [], wanted: ['create'] };
    expect(partsOfCreation(FILE, all)).toEqual([
      { ...created, by: MAKER, others: [CHANGER, OTHER] },
      { action: 'updated', changed: ['content'], wanted: ['content'], by: WRITER, others: [OTHER] },
    ]);
    expect(partsOfCreation({ ...FILE, size: 0 }, all)).toHaveLength(1);
    expect(partsOfCreation({ ...FILE, type: 'dir' }, all)).toHaveLength(1);
    expect(partsOfCreation(FILE, cause({ presence: MAKER, content: process(1) }))).toHaveLength(1);
    expect(partsOfCreation(FILE, cause({ presence: MAKER }))).toHaveLength(1);
    expect(partsOfCreation(FILE, cause())).toMatchObject([{ by: UNKNOWN, others: [] }]);
  });

  it('say of a file that nobody had looked at that it was written or changed', () => {
    expect(partsOfUnknownBefore(all, true)).toEqual([
      { action: 'updated', changed: ['content'], wanted: ['content'], by: WRITER, others: [CHANGER, OTHER] },
    ]);
    expect(partsOfUnknownBefore(all, false)).toEqual([
      {
        action: 'attributes_modified',
        changed: [],
        wanted: ['attributes', 'security'],
        by: CHANGER,
        others: [OTHER],
      },
    ]);
    expect(partsOfUnknownBefore(cause(), true)).toMatchObject([{ by: UNKNOWN }]);
  });

  it('name who deleted and who moved; the mover did not change what it moved', () => {
    const gone = { action: 'deleted', changed: [], wanted: ['delete'], by: MAKER, others: [OTHER] };
    expect(partOfDeletion(all)).toEqual(gone);
    expect(partOfDeletion(cause())).toMatchObject({ by: UNKNOWN });
    const moved = { action: 'moved', changed: ['path'], wanted: ['rename'], by: MAKER, others: [OTHER] };
    expect(partOfMove(all)).toEqual(moved);
    expect(partOfMove(cause())).toMatchObject({ by: UNKNOWN });
    expect(causeAfterMove(all)).toEqual({
      ...cause({ content: WRITER, attributes: CHANGER, others: [OTHER] }),
    });
  });
});

describe('the difference of two states of a file', () => {
  it('R200 is content, once a file rests that was told of without a hash because it was being written to', () => {
    expect(differences(BUSY, FILE)).toEqual(['content']);
    const [part] = partsOfChange(differences(BUSY, FILE), cause({ tries: 1 }));
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

  it('is neither content nor size where one of them is no file', () => {
    const directory: Row = { ...FILE, type: 'dir', size: 4_096, modified: 9n, sha256: null };
    expect(differences(FILE, directory)).toEqual(['type']);
    expect(differences(directory, FILE)).toEqual(['type', 'mtime']);
  });

  it('names what differs of its security, in the order of events', () => {
    const other: Row = { ...FILE, mode: 0o600, uid: 1, gid: 1, acl: Buffer.of(1), xattrs: Buffer.of(2) };
    const named = ['mode', 'owner', 'group', 'acl', 'xattrs'];
    expect(differences(FILE, other)).toEqual(named);
    expect(differences(other, FILE)).toEqual(named);
  });
});
