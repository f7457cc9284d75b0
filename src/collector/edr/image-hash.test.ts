import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SteppedTimers } from '../testing/timers.ts';
import { ImageHashes } from './image-hash.ts';
import type { ImageFile } from './read-process.ts';

const THREAD = new URL('./image-hash-thread.ts', import.meta.url);
/** A process that is not there: its image is read by its path. */
const NOBODY = 2 ** 30;

function fileAt(path: string): ImageFile {
  const { dev, ino, size, mtimeNs, ctimeNs, uid, mode } = statSync(path, { bigint: true });
  return { dev, ino, size, mtimeNs, ctimeNs, uid: Number(uid), mode: Number(mode) };
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('hashes of images', () => {
  let dir: string;
  let timers: SteppedTimers;
  let hashes: ImageHashes;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'wf-image-'));
    timers = new SteppedTimers(0);
    hashes = new ImageHashes(THREAD, timers.start);
  });
  afterEach(async () => {
    await hashes.stop();
    rmSync(dir, { recursive: true });
  });
  const answer = (path: string, file: ImageFile, of = hashes) =>
    vi.waitUntil(() => {
      const hash = of.of(NOBODY, path, file);
      return hash.state === 'waiting' ? undefined : hash;
    });

  it('R201 are those of the file, read once', async () => {
    const path = join(dir, 'tool');
    writeFileSync(path, 'one');
    const file = fileAt(path);
    expect(hashes.of(NOBODY, path, file)).toEqual({ state: 'waiting' });
    expect(await answer(path, file)).toEqual({ state: 'known', sha256: sha256('one') });
    unlinkSync(path);
    expect(hashes.of(NOBODY, path, file)).toEqual({ state: 'known', sha256: sha256('one') });
  });

  it('R201 are not those of what stood in the same file before, though size and time were put back', async () => {
    const path = join(dir, 'tool');
    writeFileSync(path, 'good');
    const before = fileAt(path);
    await answer(path, before);
    writeFileSync(path, 'evil');
    utimesSync(path, Number(before.mtimeNs) / 1e9, Number(before.mtimeNs) / 1e9);
    const now = { ...fileAt(path), mtimeNs: before.mtimeNs };
    expect(hashes.of(NOBODY, path, now)).toEqual({ state: 'waiting' });
  });

  it('are left out, with the reason, where something else stands at the path by now', async () => {
    const path = join(dir, 'tool');
    writeFileSync(path, 'one');
    const file = fileAt(path);
    unlinkSync(path);
    symlinkSync('/dev/null', path);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(await answer(path, file)).toEqual({ state: 'none', reason: 'the image could not be read' });
    const huge = { ...file, size: 2n ** 40n };
    expect(hashes.of(NOBODY, path, huge)).toMatchObject({ reason: 'the image is larger than 512 MiB' });
  });

  it('are given up where the thread hangs, and another takes its place, three times at most', async () => {
    const deaf = new ImageHashes(new URL('data:text/javascript,setInterval(() => {}, 1e6)'), timers.start);
    const file = { dev: 1n, size: 1n, mtimeNs: 1n, ctimeNs: 1n, uid: 0, mode: 0 };
    const ask = (ino: bigint) => deaf.of(NOBODY, '/x', { ...file, ino });
    for (const ino of [1n, 2n, 3n]) {
      expect(ask(ino)).toEqual({ state: 'waiting' });
      timers.pass(119_999);
      expect(ask(ino)).toEqual({ state: 'waiting' });
      timers.pass(1);
      expect(ask(ino)).toEqual({ state: 'none', reason: 'the image could not be read' });
    }
    expect(ask(4n)).toEqual({ state: 'none', reason: 'images could not be read in time' });
    await deaf.stop();
  });
});
