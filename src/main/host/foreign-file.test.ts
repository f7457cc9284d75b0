import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot, noUnix } from '../../../test/support/reason.ts';
import { foreignReason, readTrustedFile } from './foreign-file.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wf foreign-'));
  path = join(directory, 'a.conf');
  writeFileSync(path, 'text');
  chmodSync(path, 0o644);
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('a file that rights come from', () => {
  it('is read where it belongs to the user of the agent, and is no file where there is none', () => {
    expect(readTrustedFile(path)).toBe('text');
    expect(readTrustedFile(join(directory, 'none'))).toBeUndefined();
  });

  it.skipIf(noUnix !== undefined)(
    `is not read while everyone may write it, and says what mends it${because(noUnix)}`,
    () => {
      chmodSync(path, 0o646);
      expect(() => readTrustedFile(path)).toThrow(
        `every user may write it (mode 646); run chmod go-w "${path}"`,
      );
      chmodSync(path, 0o644);
      expect(readTrustedFile(path)).toBe('text');
    },
  );

  it.skipIf(noUnix !== undefined)(`is not read through a link${because(noUnix)}`, () => {
    symlinkSync(path, join(directory, 'link'));
    expect(() => readTrustedFile(join(directory, 'link'))).toThrow('is a symbolic link');
  });

  it.skipIf(noRoot !== undefined)(`is not read while it is another user's${because(noRoot)}`, () => {
    chownSync(path, 65_534, 0);
    expect(() => readTrustedFile(path)).toThrow(
      `it belongs to user 65534 (mode 644); run chown root "${path}"`,
    );
  });

  it('may be written by the groups of root and of the agent alone', () => {
    const stat = { uid: 1000, gid: 50, mode: 0o100664 };
    const as = (uid: number, gid: number) => foreignReason('/a', stat, { uid, gid })?.message;
    expect(as(1000, 50)).toBeUndefined();
    expect(as(1000, 51)).toBe('the group 50 may write it (mode 664); run chmod go-w /a');
    expect(as(1001, 50)).toBe('it belongs to user 1000 (mode 664); run chown root /a');
    expect(foreignReason('/a', { uid: 0, gid: 0, mode: 0o100664 }, { uid: 1000, gid: 1000 })).toBeUndefined();
    expect(foreignReason('/a', { ...stat, mode: 0o100666 }, null)).toBeUndefined();
  });
});
