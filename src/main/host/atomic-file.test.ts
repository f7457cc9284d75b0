import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noRoot } from '../../../test/support/reason.ts';
import { ensureDirectory, readSmallFile, removeFile, UnsafeFile, writeFileAtomic } from './atomic-file.ts';

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wayfarer-file-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function withUmask<T>(mask: number, action: () => T): T {
  const before = process.umask(mask);
  try {
    return action();
  } finally {
    process.umask(before);
  }
}

describe('writing a file atomically', () => {
  it('replaces the content and leaves nothing else in the directory', () => {
    const path = join(directory, 'file');
    writeFileAtomic(path, 'old', 0o600);
    writeFileAtomic(path, 'new ü', 0o600);
    expect(readFileSync(path, 'utf8')).toBe('new ü');
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it.each([0o600, 0o644])('sets mode %o whatever the umask', (mode) => {
    const path = join(directory, 'file');
    withUmask(0o077, () => {
      writeFileAtomic(path, 'x', mode);
    });
    expect(modeOf(path)).toBe(mode);
  });

  it('keeps the old content when a write was cut short, and gets past what that left', () => {
    const path = join(directory, 'file');
    writeFileAtomic(path, 'old', 0o600);
    writeFileSync(`${path}.new`, 'ha'); // what a crash between open and rename leaves
    expect(readSmallFile(path)).toBe('old');
    writeFileAtomic(path, 'new', 0o600);
    expect(readSmallFile(path)).toBe('new');
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it('never writes through a link that was planted in place of its temporary file or its target', () => {
    const victim = join(directory, 'victim');
    const path = join(directory, 'file');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, `${path}.new`);
    symlinkSync(victim, path);
    writeFileAtomic(path, 'mine', 0o600);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(lstatSync(path).isFile()).toBe(true);
  });

  it('removes a file, and is content when there is none', () => {
    const path = join(directory, 'file');
    writeFileAtomic(path, 'x', 0o600);
    removeFile(path);
    removeFile(path);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('reading a small file', () => {
  it('answers undefined for one that is not there', () => {
    expect(readSmallFile(join(directory, 'none'))).toBeUndefined();
  });

  it('refuses a link, even to a good file', () => {
    writeFileSync(join(directory, 'good'), 'x');
    symlinkSync(join(directory, 'good'), join(directory, 'link'));
    expect(() => readSmallFile(join(directory, 'link'))).toThrow(UnsafeFile);
  });

  it('refuses a FIFO without waiting for a writer, a device and a directory', () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    expect(() => readSmallFile(fifo)).toThrow('not a regular file');
    expect(() => readSmallFile('/dev/zero')).toThrow('not a regular file');
    expect(() => readSmallFile(directory)).toThrow('not a regular file');
  });

  it('takes exactly the bound and refuses one byte more', () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'x'.repeat(10));
    expect(readSmallFile(path, 10)).toHaveLength(10);
    expect(() => readSmallFile(path, 9)).toThrow('larger than 9 bytes');
  });

  it('is bounded by what it reads, not by the size that the kernel names', () => {
    expect(statSync('/proc/self/status').size).toBe(0);
    expect(() => readSmallFile('/proc/self/status', 16)).toThrow('larger than 16 bytes');
    expect(readSmallFile('/proc/self/status')).toContain('Pid:');
  });
});

describe('making a directory', () => {
  it.each([0o700, 0o755])('gives a new one mode %o whatever the umask', (mode) => {
    const path = join(directory, 'a', 'b');
    withUmask(0o077, () => {
      ensureDirectory(path, mode);
    });
    expect(modeOf(path)).toBe(mode);
  });

  it('keeps the rights of one that is there, but takes the right to write from others', () => {
    const path = join(directory, 'a');
    mkdirSync(path);
    chmodSync(path, 0o1777);
    ensureDirectory(path, 0o750);
    expect(modeOf(path)).toBe(0o1755);
  });

  it('refuses a link to a directory and a file in its place', () => {
    symlinkSync('/', join(directory, 'link'));
    expect(() => ensureDirectory(join(directory, 'link'), 0o700)).toThrow(UnsafeFile);
    writeFileSync(join(directory, 'file'), '');
    expect(() => ensureDirectory(join(directory, 'file'), 0o700)).toThrow();
  });

  it.skipIf(noRoot !== undefined)(`refuses one that another user owns${because(noRoot)}`, () => {
    const path = join(directory, 'a');
    mkdirSync(path);
    chownSync(path, 65_534, 65_534);
    expect(() => ensureDirectory(path, 0o700)).toThrow('belongs to user 65534');
  });
});
